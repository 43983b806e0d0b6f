#include "flowersec/ownwire/limits.h"

namespace flowersec::ownwire {

bool gateway_limits::validate() const noexcept {
  using namespace std::chrono_literals;
  static constexpr std::chrono::milliseconds longest = std::chrono::hours{24};
  const auto in_range = [](std::chrono::milliseconds time) { return time >= 1ms && time <= longest; };
  const bool times = keep_detached >= 1s && keep_detached <= longest && in_range(waiting_time) &&
                     in_range(internal_stall) && in_range(hello_timeout) && in_range(fatal_linger) &&
                     in_range(ping_after) && in_range(silence_limit) && in_range(stop_timeout) &&
                     ping_after < silence_limit;
  const bool counts = max_kept_replies >= 1 && max_sessions >= 1 && max_sessions_per_address >= 1 &&
                      message_burst >= 1 && messages_per_second >= 1 && visit_burst >= 1 && visits_per_second >= 1 &&
                      max_visitors >= 1 && max_waiting_texts >= 1 && max_internal_clients >= 1 &&
                      max_refused_ids >= 1 && max_id_gaps >= 1;
  // One of the largest must fit, or it would never get through.
  const bool sizes = max_kept_reply_bytes >= max_content_bytes + max_metadata_bytes &&
                     max_waiting_bytes >= max_content_bytes && max_internal_queue_bytes >= max_internal_frame_bytes &&
                     max_user_queue_bytes >= max_kept_reply_bytes + max_chat_frame_bytes;
  return times && counts && sizes;
}

}  // namespace flowersec::ownwire
