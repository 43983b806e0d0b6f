// Byte views, big-endian access and bounded cursors.
// Layer base. Knows nothing of any format; no allocation except in byte_buffer itself.
// Source: PROTOCOL, "Integers and bytes": every multi-byte integer on the wire is big-endian.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace flowersec {

using byte_view = std::span<const std::byte>;
using mutable_byte_view = std::span<std::byte>;
using byte_buffer = std::vector<std::byte>;

/// The bytes of a text, without copying. The text must outlive the view.
[[nodiscard]] inline byte_view as_bytes(std::string_view text) noexcept {
  return std::as_bytes(std::span{text.data(), text.size()});
}

/// The text held by bytes, without copying or checking. The bytes must outlive the view.
[[nodiscard]] inline std::string_view as_text(byte_view bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

[[nodiscard]] inline byte_buffer to_buffer(byte_view bytes) { return {bytes.begin(), bytes.end()}; }

template <std::unsigned_integral Int>
[[nodiscard]] constexpr Int byte_swapped_if_little(Int value) noexcept {
  if constexpr (sizeof(Int) == 1 || std::endian::native == std::endian::big) {
    return value;
  } else if constexpr (sizeof(Int) == 2) {
    return __builtin_bswap16(value);
  } else if constexpr (sizeof(Int) == 4) {
    return __builtin_bswap32(value);
  } else {
    return __builtin_bswap64(value);
  }
}

/// Reads a big-endian integer. `from` points at sizeof(Int) readable bytes.
template <std::unsigned_integral Int>
[[nodiscard]] inline Int load_be(const std::byte* from) noexcept {
  Int value;
  std::memcpy(&value, from, sizeof value);
  return byte_swapped_if_little(value);
}

/// Writes a big-endian integer. `to` points at sizeof(Int) writable bytes.
template <std::unsigned_integral Int>
inline void store_be(std::byte* to, Int value) noexcept {
  value = byte_swapped_if_little(value);
  std::memcpy(to, &value, sizeof value);
}

/// Reads fields off the front of a view; each read either succeeds whole or leaves the cursor alone.
class byte_reader {
 public:
  explicit byte_reader(byte_view bytes) noexcept : rest_(bytes) {}

  [[nodiscard]] byte_view rest() const noexcept { return rest_; }
  [[nodiscard]] std::size_t size() const noexcept { return rest_.size(); }
  [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }

  template <std::unsigned_integral Int>
  [[nodiscard]] std::optional<Int> read() noexcept {
    if (rest_.size() < sizeof(Int)) return std::nullopt;
    const auto value = load_be<Int>(rest_.data());
    rest_ = rest_.subspan(sizeof(Int));
    return value;
  }

  [[nodiscard]] std::optional<byte_view> take(std::size_t count) noexcept {
    if (rest_.size() < count) return std::nullopt;
    const auto taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }

 private:
  byte_view rest_;
};

/// Appends to a buffer.
template <std::unsigned_integral Int>
inline void append_be(byte_buffer& to, Int value) {
  std::array<std::byte, sizeof(Int)> bytes;
  store_be(bytes.data(), value);
  to.insert(to.end(), bytes.begin(), bytes.end());
}

inline void append(byte_buffer& to, byte_view bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }
inline void append(byte_buffer& to, std::string_view text) { append(to, as_bytes(text)); }

}  // namespace flowersec
