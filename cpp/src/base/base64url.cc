#include "flowersec/base/base64url.h"

namespace flowersec {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t not_in_alphabet = 0xff;

constexpr auto values = [] {
  std::array<std::uint8_t, 256> table{};
  table.fill(not_in_alphabet);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return table;
}();

}  // namespace

std::string encode_base64url(byte_view bytes) {
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3);
  std::uint32_t bits = 0;
  int held = 0;
  for (const auto byte : bytes) {
    bits = (bits << 8) | std::to_integer<std::uint32_t>(byte);
    held += 8;
    while (held >= 6) {
      held -= 6;
      text += alphabet[(bits >> held) & 0x3f];
    }
  }
  if (held > 0) text += alphabet[(bits << (6 - held)) & 0x3f];
  return text;
}

std::optional<std::size_t> base64url_decoded_size(std::size_t characters) noexcept {
  if (characters % 4 == 1) return std::nullopt;
  return characters / 4 * 3 + (characters % 4 == 0 ? 0 : characters % 4 - 1);
}

bool decode_base64url_into(std::string_view text, mutable_byte_view into) noexcept {
  if (base64url_decoded_size(text.size()) != into.size()) return false;
  std::uint32_t bits = 0;
  int held = 0;
  std::size_t at = 0;
  for (const char character : text) {
    const auto value = values[static_cast<unsigned char>(character)];
    if (value == not_in_alphabet) return false;
    bits = (bits << 6) | value;
    held += 6;
    if (held >= 8) {
      held -= 8;
      into[at++] = static_cast<std::byte>(bits >> held);
    }
  }
  return (bits & ((1u << held) - 1)) == 0;
}

std::optional<byte_buffer> decode_base64url(std::string_view text) {
  const auto size = base64url_decoded_size(text.size());
  if (!size) return std::nullopt;
  byte_buffer bytes(*size);
  if (!decode_base64url_into(text, bytes)) return std::nullopt;
  return bytes;
}

}  // namespace flowersec
