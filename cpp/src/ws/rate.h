// A bound on how often something happens: so much at once, then so much per second.
// Layer ws, part `front`, private, no I/O. One point in time is all it holds (the generic cell rate algorithm).
#pragma once

#include <cstdint>

#include "flowersec/base/clock.h"

namespace flowersec::ws {

struct rate {
  std::uint32_t burst = 1;
  std::uint32_t per_second = 1;
};

class rate_bucket {
 public:
  /// Whether one more may happen now. A refusal costs nothing.
  [[nodiscard]] bool take(const rate& allowed, mono_time now) noexcept {
    return take(std::chrono::nanoseconds{std::chrono::seconds{1}} / allowed.per_second, allowed.burst, now);
  }
  /// The same for one in each interval.
  [[nodiscard]] bool take(std::chrono::nanoseconds interval, std::uint32_t burst, mono_time now) noexcept {
    const auto earliest = spent_until_ < now ? now : spent_until_;
    if (earliest - now > interval * (burst - 1)) return false;
    spent_until_ = earliest + interval;
    return true;
  }
  /// From then on it is as a new one.
  [[nodiscard]] mono_time full_at() const noexcept { return spent_until_; }

 private:
  mono_time spent_until_{};
};

}  // namespace flowersec::ws
