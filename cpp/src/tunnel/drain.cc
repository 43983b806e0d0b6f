// See drain.h.
#include "tunnel/drain.h"

#include <algorithm>

namespace flowersec::tunnel {

drain_plan::drain_plan(mono_time now, std::chrono::milliseconds longest, drain_order& order) noexcept
    : end_(now + longest),
      thinning_(std::min<std::chrono::milliseconds>(longest_thinning, longest / 2)),
      order_(order) {}

std::size_t drain_plan::may_stay(std::size_t present, std::size_t in_all, mono_time now) noexcept {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - now);
  if (left.count() <= 0) return 0;
  if (left > thinning_) return present;
  if (!at_thinning_) {
    const auto first = order_.take(present);
    at_thinning_ = places{.first = first, .in_all = std::max(in_all, first + present)};
  }
  // Rounded up: the last one has the whole time.
  const auto whole = static_cast<std::size_t>(std::max<std::int64_t>(thinning_.count(), 1));
  const auto stay_in_all = (at_thinning_->in_all * static_cast<std::size_t>(left.count()) + whole - 1) / whole;
  return std::min(present, stay_in_all - std::min(stay_in_all, at_thinning_->first));
}

}  // namespace flowersec::tunnel
