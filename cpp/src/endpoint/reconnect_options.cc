#include "flowersec/endpoint/reconnect_options.h"

#include <algorithm>
#include <cmath>

#include "flowersec/endpoint/error.h"

namespace flowersec::endpoint {
namespace {

constexpr std::chrono::milliseconds longest_wait = std::chrono::years{70};

std::chrono::milliseconds whole(double wait) noexcept {
  const auto longest = static_cast<double>(longest_wait.count());
  return wait < longest ? std::chrono::milliseconds{std::llround(wait)} : longest_wait;
}

}  // namespace

result<void> reconnect_options::validate() const noexcept {
  const bool good = max_attempts >= 1 && initial_delay.count() >= 0 && max_delay.count() >= 0 &&
                    drain_spread.count() >= 0 && std::isfinite(factor) && factor >= 1 && jitter_ratio >= 0 &&
                    jitter_ratio <= 1;
  if (good) return {};
  return make_error({.path = path::automatic, .stage = stage::validate, .code = endpoint_errc::invalid_option});
}

std::chrono::milliseconds reconnect_delay(const reconnect_options& options, int index, double unit) noexcept {
  const auto initial = static_cast<double>(options.initial_delay.count());
  const auto longest = static_cast<double>(options.max_delay.count());
  // 0 times an overflow would be no number.
  const double grown = initial > 0 ? initial * std::pow(options.factor, index) : 0;
  const double jitter = (2 * unit - 1) * options.jitter_ratio;
  return whole(std::max(0.0, std::min(longest, grown) * (1 + jitter)));
}

std::chrono::milliseconds spread_delay(const reconnect_options& options, double unit) noexcept {
  return whole(static_cast<double>(options.drain_spread.count()) * unit);
}

}  // namespace flowersec::endpoint
