#include "flowersec/identity/public_key.h"

#include <algorithm>
#include <optional>

#include "flowersec/base/base64url.h"
#include "flowersec/crypto/hash.h"

namespace flowersec::identity {
namespace {

using key_array = std::array<std::uint8_t, key_bytes>;  // little-endian, as RFC 7748 has it

/// 2^255 - 19 + `offset`, for an offset that only changes the lowest byte.
constexpr key_array near_prime(int offset) noexcept {
  key_array bytes{};
  bytes.fill(0xff);
  bytes.front() = static_cast<std::uint8_t>(0xed + offset);
  bytes.back() = 0x7f;
  return bytes;
}

/// The u-coordinates below the prime to which every clamped scalar gives zero: of order 1, 2, 4 and 8, on the curve and
/// on its twist. Source: RFC 7748, 6.1; the list of https://cr.yp.to/ecdh.html, "validate", without other names of
/// these.
constexpr std::array<key_array, 5> small_order_points = {{
    {0x00},
    {0x01},
    {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
     0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
    {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
     0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57},
    near_prime(-1),
}};

bool is_base64url(char c) noexcept {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

std::optional<identity_errc> defect_of(std::string_view text) noexcept {
  if (text.find('=') != std::string_view::npos) return identity_errc::padded;
  if (text.find_first_of("+/") != std::string_view::npos) return identity_errc::standard_alphabet;
  if (!std::ranges::all_of(text, is_base64url)) return identity_errc::bad_character;
  if (text.size() != key_characters) return identity_errc::bad_length;
  return std::nullopt;
}

bool is_reduced(byte_view bytes) noexcept {
  constexpr auto prime = near_prime(0);
  const auto below = [](std::byte byte, std::uint8_t limit) { return std::to_integer<std::uint8_t>(byte) < limit; };
  for (auto at = key_bytes; at-- > 0;) {
    if (below(bytes[at], prime[at])) return true;
    if (std::to_integer<std::uint8_t>(bytes[at]) > prime[at]) return false;
  }
  return false;
}

}  // namespace

result<public_key> public_key::parse(std::string_view text) noexcept {
  if (const auto defect = defect_of(text)) return *defect;
  std::array<std::byte, key_bytes> bytes;
  if (!decode_base64url_into(text, bytes)) return identity_errc::unused_bits;
  return from_bytes(bytes);
}

result<public_key> public_key::from_bytes(byte_view bytes) noexcept {
  if (bytes.size() != key_bytes) return identity_errc::bad_length;
  if ((bytes.back() & std::byte{0x80}) != std::byte{}) return identity_errc::top_bit;
  if (!is_reduced(bytes)) return identity_errc::not_reduced;
  const auto is_same = [&](const key_array& point) {
    return std::ranges::equal(bytes, std::as_bytes(std::span{point}));
  };
  if (std::ranges::any_of(small_order_points, is_same)) return identity_errc::small_order;
  public_key key;
  std::ranges::copy(bytes, key.bytes_.begin());
  return key;
}

std::string public_key::text() const { return encode_base64url(bytes_); }

std::string pair_fingerprint(const public_key& a, const public_key& b) {
  constexpr std::string_view label = "flowersec-rv-pair-v1";
  constexpr std::string_view digits = "0123456789abcdef";
  constexpr std::size_t shown_bytes = 20;
  crypto::sha256_hasher hasher;
  hasher.update(as_bytes(label)).update(std::min(a, b).view()).update(std::max(a, b).view());
  const auto digest = hasher.finish();
  std::string text;
  for (std::size_t i = 0; i < shown_bytes; ++i) {
    if (i > 0 && i % 2 == 0) text += ' ';
    const auto byte = std::to_integer<unsigned>(digest[i]);
    text += digits[byte >> 4U];
    text += digits[byte & 15U];
  }
  return text;
}

}  // namespace flowersec::identity
