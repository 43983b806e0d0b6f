// WebSocket masking: a four-byte XOR, at any alignment and at any offset into the payload.
// Layer ws, no I/O. Source: RFC 6455 section 5.3.
#pragma once

#include <array>
#include <optional>

#include "flowersec/base/bytes.h"
#include "flowersec/base/random.h"

namespace flowersec::ws {

using mask_key = std::array<std::byte, 4>;

/// Masks or unmasks in place. `offset` is the position of bytes[0] in its frame's payload; only its value modulo 4
/// matters, so that a payload can be treated in pieces as it arrives.
void apply_mask(mutable_byte_view bytes, mask_key key, std::uint64_t offset = 0) noexcept;

/// Copies `from` to `to` while masking, in one pass. `to` lies below `from` (any distance, overlap allowed) or
/// does not overlap it: the relay moves payloads down by the four bytes that a mask key leaves behind.
void move_down_masked(std::byte* to, byte_view from, mask_key key, std::uint64_t offset = 0) noexcept;

/// Fresh masking keys. RFC 6455 wants them unpredictable, so they come from `random`, 64 at a time to spare system
/// calls. Not thread-safe: one per connection or per thread.
class mask_key_source {
 public:
  explicit mask_key_source(random_source& random) noexcept : random_(random) {}
  /// nullopt when the system has no randomness.
  [[nodiscard]] std::optional<mask_key> next() noexcept;

 private:
  static constexpr std::size_t keys_per_refill = 64;
  random_source& random_;
  std::array<mask_key, keys_per_refill> pool_{};
  std::size_t left_ = 0;
};

}  // namespace flowersec::ws
