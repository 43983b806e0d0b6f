// Time as the protocol machines see it: they are told, they never ask.
// Layer base. Timers are monotonic; only token and handshake times are wall clock.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace flowersec {

using mono_time = std::chrono::steady_clock::time_point;
using wall_time = std::chrono::system_clock::time_point;

/// Whole seconds since 1970, rounded down.
enum class unix_seconds : std::int64_t {};

[[nodiscard]] constexpr std::int64_t count(unix_seconds time) noexcept { return static_cast<std::int64_t>(time); }

[[nodiscard]] inline unix_seconds to_unix_seconds(wall_time time) noexcept {
  return unix_seconds{std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count()};
}

/// `time` and `wait` later, or the end of the clock's range: an application may mean milliseconds::max() by for ever.
/// What is negative is at once. `time` is not before the clock's epoch.
[[nodiscard]] constexpr mono_time later(mono_time time, std::chrono::milliseconds wait) noexcept {
  const auto room = std::chrono::floor<std::chrono::milliseconds>(mono_time::max() - time);
  return wait > room ? mono_time::max() : time + std::max(wait, std::chrono::milliseconds{0});
}

/// Rounded up to whole seconds, as every clock skew of the protocol is. Source: PROTOCOL, "Time rules".
[[nodiscard]] constexpr std::int64_t ceil_seconds(std::chrono::nanoseconds duration) noexcept {
  return std::chrono::ceil<std::chrono::seconds>(duration).count();
}

/// Where the runners read time. Virtual in tests. Safe to call from any thread.
class clock_source {
 public:
  virtual ~clock_source() = default;
  [[nodiscard]] virtual mono_time mono_now() const noexcept = 0;
  [[nodiscard]] virtual wall_time wall_now() const noexcept = 0;
};

/// The machine's clocks. Lives for ever.
[[nodiscard]] const clock_source& system_clocks() noexcept;

}  // namespace flowersec
