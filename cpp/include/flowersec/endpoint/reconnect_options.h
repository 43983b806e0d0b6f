// How often and how fast a lost connection is tried again.
// Layer endpoint. Pure: no clock, no random numbers of its own. Source: RECONNECT, "Settings", "Delay".
#pragma once

#include <chrono>

#include "flowersec/base/error.h"

namespace flowersec::endpoint {

struct reconnect_options {
  /// Whether anything is tried twice. When not, the first failure and the first loss are final.
  bool enabled = false;
  /// Attempts of one cycle, the first one included. At least 1; counts as 1 when not enabled.
  int max_attempts = 5;
  /// Before the second attempt of a cycle, and after a loss. Not negative.
  std::chrono::milliseconds initial_delay{500};
  /// No wait is longer, jitter and spread aside. Not negative.
  std::chrono::milliseconds max_delay{10'000};
  /// From one wait of a cycle to the next. Finite, at least 1.
  double factor = 1.8;
  /// Each wait is longer or shorter by up to this part of itself. 0..1.
  double jitter_ratio = 0.2;
  /// When the other side said that it is going away, everybody it told comes back at the same time: each wait after
  /// such a hint is longer by a random part of this. Not negative; 0 disregards hints.
  std::chrono::milliseconds drain_spread{10'000};

  friend bool operator==(const reconnect_options&, const reconnect_options&) = default;

  /// Errors   validate/invalid_option. Nothing is ever clamped.
  [[nodiscard]] result<void> validate() const noexcept;
};

/// The wait after failed attempt `index` of a cycle, counted from 0, in whole milliseconds.
/// `unit` is uniform in 0..1 and decides the jitter. `options` are valid. Like spread_delay() at most 70 years, so that
/// their sum can be added to any time of the clock.
[[nodiscard]] std::chrono::milliseconds reconnect_delay(const reconnect_options& options, int index,
                                                        double unit) noexcept;

/// By how much a hint that the other side is going away makes a wait longer.
[[nodiscard]] std::chrono::milliseconds spread_delay(const reconnect_options& options, double unit) noexcept;

}  // namespace flowersec::endpoint
