// Keeps a kind of log line rare: one, then silence for a while, however often there would be reason for it.
// Layer apps. Safe from any thread.
#pragma once

#include <atomic>
#include <chrono>

namespace flowersec::apps {

class quiet_time {
 public:
  explicit quiet_time(std::chrono::steady_clock::duration length) noexcept : length_(length.count()) {}

  /// Whether the line may be written; if so, the silence begins.
  [[nodiscard]] bool is_over() noexcept {
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    auto next = next_.load(std::memory_order_relaxed);
    return now >= next && next_.compare_exchange_strong(next, now + length_);
  }

 private:
  const std::chrono::steady_clock::rep length_;
  std::atomic<std::chrono::steady_clock::rep> next_{0};
};

}  // namespace flowersec::apps
