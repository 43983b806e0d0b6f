// How often one role of a channel was replaced lately.
// Layer tunnel. PROTOCOL, "Tunnel forwarding", replacement.
#pragma once

#include <optional>

#include "flowersec/base/clock.h"
#include "flowersec/tunnel/limits.h"

namespace flowersec::tunnel {

class replacement_history {
 public:
  /// Counts one more replacement if the window has room. The window starts at its first replacement.
  [[nodiscard]] bool try_replace(const tunnel_limits& limits, mono_time now) noexcept {
    if (!window_start_ || now - *window_start_ >= limits.replacement_window) {
      window_start_ = now;
      count_ = 0;
    }
    if (count_ >= limits.max_replacements) return false;
    ++count_;
    return true;
  }

 private:
  std::optional<mono_time> window_start_;
  std::uint32_t count_ = 0;
};

}  // namespace flowersec::tunnel
