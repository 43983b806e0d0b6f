#include "flowersec/base/display_text.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "flowersec/base/text.h"

namespace flowersec {
namespace {

struct code_range {
  char32_t first;
  char32_t last;
};

/// Listed at has_hidden_characters().
constexpr std::array<code_range, 11> hidden = {{{0x00, 0x1f},
                                                {0x7f, 0x9f},
                                                {0xad, 0xad},
                                                {0x61c, 0x61c},
                                                {0x180e, 0x180e},
                                                {0x200b, 0x200f},
                                                {0x2028, 0x202e},
                                                {0x2060, 0x206f},
                                                {0xfeff, 0xfeff},
                                                {0xfff9, 0xfffb},
                                                {0xe0000, 0xe0fff}}};
/// Without effect on what stands around them, and in use in honest text: emoji, Persian, justified pages.
constexpr std::array<char32_t, 6> dropped = {0xad, 0x200b, 0x200c, 0x200d, 0x2060, 0xfeff};

bool is_hidden(char32_t point) noexcept {
  return std::ranges::any_of(hidden, [&](const auto& range) { return point >= range.first && point <= range.last; });
}

/// The code point of one well-formed sequence.
char32_t decode(std::string_view sequence) noexcept {
  constexpr std::array<std::uint8_t, 5> lead_bits = {0, 0x7f, 0x1f, 0x0f, 0x07};
  char32_t point = static_cast<std::uint8_t>(sequence.front()) & lead_bits[sequence.size()];
  for (const char each : sequence.substr(1)) point = (point << 6U) | (static_cast<std::uint8_t>(each) & 0x3fU);
  return point;
}

void show(std::string& out, char kind, char32_t value) {
  std::string digits;
  do {
    digits.insert(digits.begin(), "0123456789abcdef"[value % 16]);
    value /= 16;
  } while (value != 0);
  out += '\\';
  out += kind;
  out += '{' + digits + '}';
}

}  // namespace

std::string display_text(std::string_view text, line_breaks breaks) {
  std::string shown;
  shown.reserve(text.size());
  while (!text.empty()) {
    const auto size = utf8_sequence(text);
    if (size == 0) {
      show(shown, 'x', static_cast<std::uint8_t>(text.front()));
      text.remove_prefix(1);
      continue;
    }
    const auto sequence = text.substr(0, size);
    text.remove_prefix(size);
    const auto point = decode(sequence);
    const bool kept = breaks == line_breaks::kept && (point == '\n' || point == '\t');
    if (kept || !is_hidden(point)) {
      shown += sequence;
    } else if (breaks == line_breaks::kept && point == '\r' && text.starts_with('\n')) {
      continue;
    } else if (std::ranges::find(dropped, point) == dropped.end()) {
      show(shown, 'u', point);
    }
  }
  return shown;
}

bool has_hidden_characters(std::string_view text) noexcept {
  while (!text.empty()) {
    const auto size = utf8_sequence(text);
    if (size == 0 || is_hidden(decode(text.substr(0, size)))) return true;
    text.remove_prefix(size);
  }
  return false;
}

}  // namespace flowersec
