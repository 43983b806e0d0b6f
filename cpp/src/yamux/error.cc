#include "flowersec/yamux/error.h"

namespace flowersec::yamux {

const char* describe(yamux_errc code) noexcept {
  switch (code) {
    case yamux_errc::resource_exhausted:
      return "the limit on live streams or on bytes waiting to be written was reached";
    case yamux_errc::ids_exhausted:
      return "all stream ids of this side were used";
    case yamux_errc::unknown_stream:
      return "no such stream";
    case yamux_errc::write_closed:
      return "the sending half of the stream is closed";
    case yamux_errc::read_in_progress:
      return "a read is already waiting on the stream";
    case yamux_errc::end_of_stream:
      return "the peer closed its sending half and everything was read";
    case yamux_errc::invalid_limits:
      return "the multiplexer's limits contradict each other or the protocol";
    case yamux_errc::reset_by_peer:
      return "the peer reset the stream";
    case yamux_errc::reset_locally:
      return "the stream was reset by this side";
    case yamux_errc::window_exceeded:
      return "the peer sent more than it was granted";
    case yamux_errc::data_after_fin:
      return "the peer sent data after closing its sending half";
    case yamux_errc::closed:
      return "the session was closed by this side";
    case yamux_errc::transport_closed:
      return "the transport ended";
    case yamux_errc::truncated_frame:
      return "the transport ended inside a frame";
    case yamux_errc::go_away:
      return "the peer sent Go Away";
    case yamux_errc::bad_version:
      return "a frame with an unknown version";
    case yamux_errc::bad_type:
      return "a frame of an unknown type";
    case yamux_errc::stream_zero:
      return "a stream frame on stream id 0";
    case yamux_errc::stream_already_open:
      return "the peer opened a stream that is alive";
    case yamux_errc::frame_too_large:
      return "a data frame above max_frame_bytes";
    case yamux_errc::credit_overflow:
      return "the peer granted more than the protocol's window";
    case yamux_errc::session_memory_exceeded:
      return "unread bytes of all streams above max_session_receive_bytes";
    case yamux_errc::reply_queue_overflow:
      return "the peer does not read the answers it causes";
  }
  return "unknown multiplexer error";
}

error_code make_error_code(yamux_errc code) noexcept {
  static constexpr errc_category<yamux_errc> category{"flowersec.yamux"};
  return {static_cast<int>(code), category};
}

}  // namespace flowersec::yamux
