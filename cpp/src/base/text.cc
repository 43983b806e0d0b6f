#include "flowersec/base/text.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace flowersec {
namespace {

/// UTF-8 forms of the white space listed at trim().
constexpr std::array<std::string_view, 25> white_space = {
    "\x20",         "\t",           "\n",           "\v",           "\f",           "\r",           "\xc2\x85",
    "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84",
    "\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8",
    "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};

constexpr char lower(char character) noexcept {
  return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a') : character;
}

}  // namespace

std::string_view trim(std::string_view text) noexcept {
  const auto strip = [](auto matches, auto remove) {
    const auto found = std::find_if(white_space.begin(), white_space.end(), matches);
    if (found == white_space.end()) return false;
    remove(found->size());
    return true;
  };
  while (strip([&](std::string_view space) { return text.starts_with(space); },
               [&](std::size_t size) { text.remove_prefix(size); })) {
  }
  while (strip([&](std::string_view space) { return text.ends_with(space); },
               [&](std::size_t size) { text.remove_suffix(size); })) {
  }
  return text;
}

// The ranges of the second byte exclude overlong forms, surrogates and values above U+10FFFF (RFC 3629, 4).
std::size_t utf8_sequence(std::string_view text) noexcept {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const auto lead = at(0);
  if (lead < 0x80) return 1;
  std::size_t size = 0;
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) {
    size = 2;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    size = 3;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    size = 4;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
  }
  if (size == 0 || text.size() < size || at(1) < low || at(1) > high) return 0;
  for (std::size_t i = 2; i < size; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
  }
  return size;
}

bool is_valid_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const auto size = utf8_sequence(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string ascii_lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), lower);
  return result;
}

bool ascii_iequals(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace flowersec
