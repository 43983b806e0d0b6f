#include "chat/content.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "flowersec/base/display_text.h"
#include "flowersec/base/json_scan.h"
#include "flowersec/base/text.h"

namespace flowersec::apps {
namespace {

/// At most max_shown_bytes of a text, cut between characters.
std::string_view cut(std::string_view text) {
  if (text.size() <= max_shown_bytes) return text;
  auto end = max_shown_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
  return text.substr(0, end);
}

void append_escape(std::string& out, std::uint32_t unit) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += digits[(unit >> static_cast<unsigned>(shift)) & 0xfU];
}

std::uint32_t code_point(std::string_view sequence) {
  constexpr std::array<std::uint8_t, 5> lead_bits = {0, 0x7f, 0x1f, 0x0f, 0x07};
  std::uint32_t point = static_cast<std::uint8_t>(sequence.front()) & lead_bits[sequence.size()];
  for (const char each : sequence.substr(1)) point = (point << 6U) | (static_cast<std::uint8_t>(each) & 0x3fU);
  return point;
}

void append_escaped(std::string& out, std::string_view sequence) {
  const auto point = code_point(sequence);
  if (point < 0x10000) return append_escape(out, point);
  append_escape(out, 0xd800 + ((point - 0x10000) >> 10U));
  append_escape(out, 0xdc00 + ((point - 0x10000) & 0x3ffU));
}

}  // namespace

std::string counted(std::size_t count, std::string_view what) {
  return std::to_string(count) + ' ' + std::string{what} + (count == 1 ? "" : "s");
}

std::string one_line_json(std::string_view json) {
  std::string line;
  line.reserve(json.size());
  bool in_text = false;
  while (!json.empty()) {
    const auto size = std::max<std::size_t>(utf8_sequence(json), 1);
    auto sequence = json.substr(0, size);
    if (in_text && sequence == "\\" && json.size() > 1) sequence = json.substr(0, 2);
    json.remove_prefix(sequence.size());
    if (sequence == "\"") in_text = !in_text;
    if (in_text && has_hidden_characters(sequence)) {
      append_escaped(line, sequence);
    } else if (in_text || !is_blank(sequence)) {
      line += sequence;
    }
  }
  return line;
}

std::string shown_content(std::string_view json) {
  const auto text = decode_json_string(json);
  const auto whole = text ? *text : one_line_json(json);
  const auto part = cut(whole);
  auto lines = display_text(part, line_breaks::kept);
  if (part.size() < whole.size()) lines += "\n(" + counted(whole.size() - part.size(), "byte") + " more, not shown)";
  return lines;
}

}  // namespace flowersec::apps
