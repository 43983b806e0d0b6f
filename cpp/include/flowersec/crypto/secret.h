// Secret memory: fixed-size secrets with one owner, wiped when they die.
// Layer crypto, part `secret`. Knows sizes, not what a secret is for. Not thread-safe, like any value.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "flowersec/base/bytes.h"
#include "flowersec/base/random.h"

namespace flowersec::crypto {

/// Overwrites memory in a way the compiler may not remove.
void wipe(mutable_byte_view bytes) noexcept;

/// Compares without telling by its duration where the bytes differ. Lengths are not secret: unequal ones are unequal.
[[nodiscard]] bool constant_time_equal(byte_view a, byte_view b) noexcept;

/// N secret bytes held in the object itself, so that many short-lived keys cost no allocation. Move-only; a moved-from
/// secret is all zero. Not printable; equality takes constant time.
template <std::size_t N>
class secret_bytes {
 public:
  static constexpr std::size_t size = N;

  secret_bytes() noexcept = default;
  explicit secret_bytes(std::span<const std::byte, N> bytes) noexcept {
    std::copy(bytes.begin(), bytes.end(), bytes_.begin());
  }
  secret_bytes(secret_bytes&& other) noexcept : bytes_(other.bytes_) { other.wipe(); }
  secret_bytes& operator=(secret_bytes&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      other.wipe();
    }
    return *this;
  }
  secret_bytes(const secret_bytes&) = delete;
  secret_bytes& operator=(const secret_bytes&) = delete;
  ~secret_bytes() { wipe(); }

  /// A second owner of the same secret; the name makes it visible where secrets multiply.
  [[nodiscard]] secret_bytes clone() const noexcept { return secret_bytes{view()}; }

  /// Valid until this object moves or dies.
  [[nodiscard]] std::span<const std::byte, N> view() const noexcept { return bytes_; }
  /// For filling in place.
  [[nodiscard]] std::span<std::byte, N> mutable_view() noexcept { return bytes_; }

  void wipe() noexcept { crypto::wipe(bytes_); }

  [[nodiscard]] friend bool operator==(const secret_bytes& a, const secret_bytes& b) noexcept {
    return constant_time_equal(a.bytes_, b.bytes_);
  }

 private:
  std::array<std::byte, N> bytes_{};
};

/// The 32-byte key that both ends of a channel were given. A type of its own so that no other secret takes its place.
class psk {
 public:
  static constexpr std::size_t size = 32;

  explicit psk(secret_bytes<size> bytes) noexcept : bytes_(std::move(bytes)) {}

  /// Decodes straight into secret memory. nullopt unless `text` is canonical base64url of exactly 32 bytes;
  /// white space is not trimmed.
  [[nodiscard]] static std::optional<psk> from_base64url(std::string_view text) noexcept;
  /// A new random key; nullopt when the system has no randomness.
  [[nodiscard]] static std::optional<psk> generate(random_source& random) noexcept;

  [[nodiscard]] psk clone() const noexcept { return psk{bytes_.clone()}; }
  [[nodiscard]] std::span<const std::byte, size> view() const noexcept { return bytes_.view(); }
  /// The wire form, 43 characters. The caller owns the copy and what becomes of it.
  [[nodiscard]] std::string to_base64url() const;

  [[nodiscard]] friend bool operator==(const psk& a, const psk& b) noexcept { return a.bytes_ == b.bytes_; }

 private:
  secret_bytes<size> bytes_;
};

}  // namespace flowersec::crypto
