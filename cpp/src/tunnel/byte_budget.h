// Counts bytes held, against a limit that many threads share.
// Layer tunnel. Read for every message, written only when bytes stay behind: the two threads that race past a test
// may overshoot by one message each, never more. PROTOCOL, "Tunnel forwarding".
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <optional>

namespace flowersec::tunnel {

class byte_budget {
 public:
  explicit byte_budget(std::optional<std::uint64_t> limit) noexcept
      : limit_(limit.value_or(std::numeric_limits<std::uint64_t>::max())) {}

  /// Whether `more` bytes fit beside those held. Exactly the limit fits.
  [[nodiscard]] bool admits(std::uint64_t more) const noexcept {
    const auto held = held_.load(std::memory_order_relaxed);
    return more <= limit_ && held <= limit_ - more;
  }

  void charge(std::uint64_t bytes) noexcept { held_.fetch_add(bytes, std::memory_order_relaxed); }
  void release(std::uint64_t bytes) noexcept { held_.fetch_sub(bytes, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t held() const noexcept { return held_.load(std::memory_order_relaxed); }

  /// Whether a message ever asked, so that metrics leave out scopes that never carried any.
  void note_use() noexcept {
    if (!used_.load(std::memory_order_relaxed)) used_.store(true, std::memory_order_relaxed);
  }
  [[nodiscard]] bool used() const noexcept { return used_.load(std::memory_order_relaxed); }
  void forget_use() noexcept { used_.store(false, std::memory_order_relaxed); }

 private:
  // A line of its own: neighbours in memory would otherwise fight for it on every stall.
  alignas(64) std::atomic<std::uint64_t> held_{0};
  std::atomic<bool> used_{false};
  const std::uint64_t limit_;
};

}  // namespace flowersec::tunnel
