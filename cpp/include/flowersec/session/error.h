// What can end a session, and why an operation on one is refused.
// Layer session. The layers below keep their own codes; these are the session's. Source: PROTOCOL, "Closing the secure
// channel".
#pragma once

#include "flowersec/base/error.h"

namespace flowersec::session {

enum class session_errc {
  invalid_options = 1,  ///< a time of zero or less; no session was made

  // The session ends, and every stream with it.
  handshake_timeout,  ///< it was not up within handshake_timeout
  canceled,           ///< the caller gave up before it was up
  wrong_message,      ///< a text message, or one that has no place in this state
  transport_closed,   ///< the transport ended: the normal end when the peer leaves
  closed_here,        ///< closed by this side
  probe_timeout,      ///< the peer did not answer a probe
  send_timeout,       ///< the transport took nothing for too long
  held_too_long,      ///< a message arrived before the credential was confirmed

  // One stream is refused; the session lives.
  missing_kind,   ///< a stream was to be opened without a kind
  open_failed,    ///< the multiplexer refused
  open_limit,     ///< max_active_streams was reached
  open_canceled,  ///< the caller gave up
  hello_invalid,  ///< the peer's hello is too long, malformed, of another version, or has no kind; the stream was reset
  hello_timeout,  ///< the peer's hello did not come in time; the stream was reset
  no_handler,     ///< nobody serves the kind; the stream was reset

  // One operation fails; the session lives, or was gone before.
  accept_ended,     ///< no more streams will come
  accept_canceled,  ///< the caller gave up; no stream is lost
  accept_busy,      ///< another operation accepts already
  channel_gone,     ///< ping or rekey on a session that has ended
  streams_gone,     ///< opening or probing on a session that has ended
  rpc_gone,         ///< calling on an rpc stream that has ended
  controls_full,    ///< max_queued_controls ping and rekey records wait already
  ping_failed,      ///< the session ended before the ping left
  rekey_failed,     ///< the session ended before the rekey left
  probe_canceled,   ///< the caller gave up
  probe_failed,     ///< the session ended before the answer came
  rpc_canceled,     ///< the caller gave up; a late reply is dropped
  rpc_timeout,      ///< the call took longer than its time-out
};

[[nodiscard]] const char* describe(session_errc code) noexcept;
[[nodiscard]] error_code make_error_code(session_errc code) noexcept;

}  // namespace flowersec::session

FLOWERSEC_REGISTER_ERRC(flowersec::session::session_errc)
