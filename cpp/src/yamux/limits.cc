#include "flowersec/yamux/limits.h"

#include <limits>

#include "flowersec/yamux/error.h"

namespace flowersec::yamux {
namespace {

/// Peers exist that refuse to run with less, so that no configuration of ours depends on less.
constexpr std::size_t min_frame_bytes = 1024;

}  // namespace

result<void> yamux_limits::validate() const noexcept {
  const bool valid = max_active_streams >= 1 &&                                     //
                     max_inbound_streams >= 1 &&                                    //
                     max_inbound_streams <= max_active_streams &&                   //
                     preferred_outbound_frame_bytes >= min_frame_bytes &&           //
                     preferred_outbound_frame_bytes <= max_frame_bytes &&           //
                     max_frame_bytes <= max_stream_receive_bytes &&                 //
                     max_stream_write_queue_bytes >= 1 &&                           //
                     max_stream_receive_bytes >= window_bytes &&                    //
                     max_stream_receive_bytes <= max_session_receive_bytes &&       //
                     wide_window_session_bytes <= max_wide_window_session_bytes &&  //
                     max_frame_bytes <= std::numeric_limits<std::uint32_t>::max();
  if (!valid) return yamux_errc::invalid_limits;
  return {};
}

}  // namespace flowersec::yamux
