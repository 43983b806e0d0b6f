// Rules across the limits of the tunnel.
#include "flowersec/tunnel/limits.h"

#include <algorithm>

namespace flowersec::tunnel {

std::optional<const char*> validate(const tunnel_limits& limits) noexcept {
  using std::chrono::milliseconds;
  if (limits.max_write_queue_bytes < limits.max_record_bytes) {
    return "max write queue bytes must be >= max record bytes";
  }
  if (limits.max_attach_bytes == 0 || limits.max_record_bytes == 0) return "message limits must be > 0";
  // Lengths inside the relay are 32 bits wide.
  if (limits.max_record_bytes > 0x7fffffff) return "max record bytes must be < 2 GiB";
  if (limits.max_token_lifetime <= milliseconds::zero()) return "--max-token-lifetime must be > 0";
  if (limits.max_init_horizon <= milliseconds::zero()) return "--max-init-horizon must be > 0";
  if (limits.replay_entries() == 0) return "--max-replay-entries must be > 0";
  if (limits.max_connections == 0 || limits.max_channels == 0) return "connection and channel limits must be > 0";
  if (limits.max_stalled_blocks == 0) return "max stalled blocks must be > 0";
  if (limits.attach_timeout <= milliseconds::zero()) return "attach timeout must be > 0";
  if (limits.write_timeout && *limits.write_timeout <= milliseconds::zero()) return "write timeout must be > 0";
  return std::nullopt;
}

tunnel_limits with_bounded_times(tunnel_limits limits) noexcept {
  for (auto* time : {&limits.max_token_lifetime, &limits.max_init_horizon, &limits.attach_timeout,
                     &limits.replacement_window, limits.write_timeout ? &*limits.write_timeout : nullptr}) {
    if (time != nullptr) *time = std::min<std::chrono::milliseconds>(*time, longest_time);
  }
  return limits;
}

}  // namespace flowersec::tunnel
