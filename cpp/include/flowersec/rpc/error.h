// What can go wrong with RPC, and what each case ends.
// Layer rpc. Codes that travel on the wire are in reply.h; these are local. Source: PROTOCOL, "RPC".
#pragma once

#include "flowersec/base/error.h"

namespace flowersec::rpc {

enum class rpc_errc {
  // The call or notification was refused before anything was written; the RPC stream lives.
  resource_exhausted = 1,  ///< too many calls in flight, or too many bytes waiting to be written
  ids_exhausted,           ///< the last request id was used; open a new RPC stream
  invalid_payload,         ///< not one valid JSON value
  frame_too_large,         ///< the envelope would exceed max_frame_bytes
  invalid_limits,          ///< a limit of zero, or above what the protocol allows; nothing was made

  // The call ends; the RPC stream lives.
  canceled,   ///< given up by the caller; the peer is not told
  timed_out,  ///< the same, because its time was over

  // The RPC stream ends, and with it every pending call. The session above decides what else ends.
  closed,                 ///< this side ended it
  stream_closed,          ///< the peer closed the stream between two frames
  truncated_frame,        ///< the peer closed the stream inside a frame
  stream_reset,           ///< the stream was reset, or the session ended
  bad_frame_length,       ///< a frame of length 0 or above max_frame_bytes: the position in the stream is lost
  malformed_envelopes,    ///< the third envelope in a row that is not valid
  notification_overflow,  ///< more notifications waiting than max_queued_notifications or max_held_payload_bytes allow
  refusal_overflow,       ///< the peer sends excess requests faster than it reads the refusals
};

[[nodiscard]] const char* describe(rpc_errc code) noexcept;
[[nodiscard]] error_code make_error_code(rpc_errc code) noexcept;

}  // namespace flowersec::rpc

FLOWERSEC_REGISTER_ERRC(flowersec::rpc::rpc_errc)
