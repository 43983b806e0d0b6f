// See drain.h.
#include "tunnel/drain.h"

#include <algorithm>

namespace flowersec::tunnel {

drain_plan::drain_plan(mono_time now, std::chrono::milliseconds longest) noexcept
    : end_(now + longest), thinning_(std::min<std::chrono::milliseconds>(longest_thinning, longest / 2)) {}

std::size_t drain_plan::may_stay(std::size_t present, mono_time now) noexcept {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - now);
  if (left.count() <= 0) return 0;
  if (left > thinning_) return present;
  if (!at_thinning_) at_thinning_ = present;
  const auto share = *at_thinning_ * static_cast<std::size_t>(left.count());
  return std::min(present, share / static_cast<std::size_t>(std::max<std::int64_t>(thinning_.count(), 1)));
}

}  // namespace flowersec::tunnel
