// How long the machine held this process up: what is taken off a time that a test holds to a bound.
// Test support, on nothing but the test framework.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace flowersec::testing {

/// A thread that wants to run every 5 ms, and by how much it was late. A machine that stands still stops it with
/// everything else; a program that makes others wait does not.
class standstill_watch {
 public:
  using clock = std::chrono::steady_clock;

  /// The sum of all lateness since the last call.
  [[nodiscard]] clock::duration take() {
    const auto now = clock::now();
    return held_up(std::exchange(taken_, now), now);
  }
  /// The part of a span that was lateness.
  [[nodiscard]] clock::duration held_up(clock::time_point from, clock::time_point to) {
    const std::lock_guard lock{mutex_};
    note();
    clock::duration sum{};
    for (const auto& [due, ran] : late_) sum += std::max(std::min(ran, to) - std::max(due, from), clock::duration{});
    return sum;
  }

 private:
  static constexpr std::chrono::milliseconds tick{5};
  static constexpr std::chrono::milliseconds usual_lateness{20};  // of a machine that is only busy

  void watch(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      auto next = clock::time_point{};
      {
        const std::lock_guard lock{mutex_};
        note();
        next = due_ = clock::now() + tick;
      }
      std::this_thread::sleep_until(next);
    }
  }
  void note() {
    const auto now = clock::now();
    if (now <= due_) return;
    if (now - due_ > usual_lateness) late_.emplace_back(due_, now);
    due_ = now;
  }

  std::mutex mutex_;
  clock::time_point due_ = clock::now();
  std::vector<std::pair<clock::time_point, clock::time_point>> late_;  // due, and when it ran
  clock::time_point taken_ = due_;
  std::jthread thread_{[this](const std::stop_token& stop) { watch(stop); }};
};

/// The time since it was made, without what the machine took of it.
class undisturbed_time {
 public:
  [[nodiscard]] standstill_watch::clock::duration elapsed() {
    held_up_ += watch_.take();
    return standstill_watch::clock::now() - begin_ - held_up_;
  }

 private:
  standstill_watch watch_;
  standstill_watch::clock::time_point begin_ = standstill_watch::clock::now();
  standstill_watch::clock::duration held_up_{};
};

/// For what only a short time on a real clock can show. `attempt` returns what was wrong, or nothing. What is wrong
/// fails the test, unless the machine stood still for longer than is tolerable meanwhile: then nothing was shown, and
/// it is tried again.
template <class Attempt>
void expect_when_undisturbed(standstill_watch::clock::duration tolerable, Attempt attempt) {
  constexpr int most_attempts = 10;
  std::string wrong;
  for (int i = 0; i < most_attempts; ++i) {
    standstill_watch machine;
    wrong = attempt();
    if (wrong.empty()) return;
    if (machine.take() <= tolerable) break;
  }
  ADD_FAILURE() << wrong;
}

}  // namespace flowersec::testing
