// A count of bytes with a bound: what a session may hold in one direction.
// Layer record. Not thread-safe; belongs to the session's strand. Source: PROTOCOL, "Record buffers".
#pragma once

#include <cstddef>

namespace flowersec::record {

class byte_budget {
 public:
  explicit byte_budget(std::size_t limit_bytes) noexcept : limit_(limit_bytes) {}

  /// Takes `bytes` whole or leaves the budget alone. Zero bytes always fit.
  /// A refusal means record_errc::outbound_overflow for a write and ::inbound_overflow for a record.
  [[nodiscard]] bool take(std::size_t bytes) noexcept {
    if (bytes > limit_ - held_) return false;
    held_ += bytes;
    return true;
  }

  /// Gives back bytes that were taken before, in any portions.
  void give_back(std::size_t bytes) noexcept { held_ -= bytes < held_ ? bytes : held_; }

  [[nodiscard]] std::size_t held() const noexcept { return held_; }
  [[nodiscard]] std::size_t limit() const noexcept { return limit_; }

 private:
  std::size_t limit_;
  std::size_t held_ = 0;
};

}  // namespace flowersec::record
