// What can go wrong in the multiplexer, and what each case ends.
// Layer yamux. Source: PROTOCOL, "Yamux".
#pragma once

#include "flowersec/base/error.h"

namespace flowersec::yamux {

enum class yamux_errc {
  // A call was refused; nothing else changes.
  resource_exhausted = 1,  ///< the limit on live streams or on bytes waiting to be written was reached
  ids_exhausted,           ///< this side has used its last stream id; open a new session
  unknown_stream,          ///< no such stream, or its end was already reported
  write_closed,            ///< the sending half was closed by this side
  read_in_progress,        ///< one read per stream at a time
  end_of_stream,           ///< the peer closed its sending half and everything was read
  invalid_limits,          ///< limits contradict each other or the protocol; no session was made

  // The stream ends at once in both directions; the session lives.
  reset_by_peer,    ///< the peer sent RST
  reset_locally,    ///< reset() was called
  window_exceeded,  ///< the peer sent more than it was granted; it is told by RST
  data_after_fin,   ///< the peer sent data after it closed its sending half; it is told by RST

  // The session ends, and every stream with it. The peer sees the transport close.
  closed,                   ///< this side ended the session
  transport_closed,         ///< the transport ended between two frames: a normal end
  truncated_frame,          ///< the transport ended inside a frame
  go_away,                  ///< the peer sent Go Away
  bad_version,              ///< header version other than 0
  bad_type,                 ///< header type above 3
  stream_zero,              ///< Data or Window Update on stream id 0
  stream_already_open,      ///< SYN for a stream that is alive
  frame_too_large,          ///< Data body above max_frame_bytes
  credit_overflow,          ///< Window Update that would lift the send window above the protocol's window
  session_memory_exceeded,  ///< unread bytes of all streams above max_session_receive_bytes
  reply_queue_overflow,     ///< the peer opens streams faster than it reads the refusals
};

[[nodiscard]] const char* describe(yamux_errc code) noexcept;
[[nodiscard]] error_code make_error_code(yamux_errc code) noexcept;

}  // namespace flowersec::yamux

FLOWERSEC_REGISTER_ERRC(flowersec::yamux::yamux_errc)
