// A peer's identity: its X25519 public key, in the one form that is accepted.
// Layer identity. Knows no secret. Source: IDENTITY, "Keys".
#pragma once

#include <array>
#include <compare>
#include <string>
#include <string_view>

#include "flowersec/base/bytes.h"
#include "flowersec/identity/error.h"

namespace flowersec::identity {

inline constexpr std::size_t key_bytes = 32;
inline constexpr std::size_t key_characters = 43;

/// Canonical and of full use: there is one text for one key, so that nobody has several addresses. Ordered as bytes.
class public_key {
 public:
  /// 43 characters of base64url; nothing is trimmed.
  /// Errors   in this order: padded, standard_alphabet, bad_character, bad_length, unused_bits; then those of
  /// from_bytes().
  [[nodiscard]] static result<public_key> parse(std::string_view text) noexcept;
  /// Errors   bad_length, top_bit, not_reduced, small_order.
  [[nodiscard]] static result<public_key> from_bytes(byte_view bytes) noexcept;

  [[nodiscard]] std::span<const std::byte, key_bytes> view() const noexcept { return bytes_; }
  /// The form that parse() takes.
  [[nodiscard]] std::string text() const;
  /// The first 8 characters: all of a key that a log says.
  [[nodiscard]] std::string short_text() const { return text().substr(0, 8); }

  friend bool operator==(const public_key&, const public_key&) = default;
  friend std::strong_ordering operator<=>(const public_key&, const public_key&) = default;

 private:
  public_key() = default;
  std::array<std::byte, key_bytes> bytes_{};
};

/// What two people compare aloud: ten groups of four hexadecimal digits, the same whoever asks.
/// Shape    the first 20 bytes of SHA-256("flowersec-rv-pair-v1" || smaller key || larger key).
[[nodiscard]] std::string pair_fingerprint(const public_key& a, const public_key& b);

}  // namespace flowersec::identity
