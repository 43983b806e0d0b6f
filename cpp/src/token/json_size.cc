#include "token/json_size.h"

#include <map>
#include <string>

#include "flowersec/base/json_scan.h"

namespace flowersec::token {
namespace {

std::size_t string_bytes(std::string_view text) noexcept {
  std::size_t bytes = 2;  // the quotes
  for (const char character : text) {
    const bool has_short_escape = std::string_view{"\"\\\b\f\n\r\t"}.find(character) != std::string_view::npos;
    const bool control = static_cast<unsigned char>(character) < 0x20;
    bytes += has_short_escape ? 2 : control ? 6 : 1;
  }
  return bytes;
}

/// Brackets, and a comma between each two of `items`.
constexpr std::size_t frame_bytes(std::size_t items) noexcept { return 2 + (items > 1 ? items - 1 : 0); }

std::size_t object_bytes(std::string_view raw) {
  std::map<std::string, std::size_t> members;
  (void)scan_json_object(raw, [&](const json_member& member) {
    auto name = decode_json_string('"' + std::string{member.raw_name} + '"').value_or(std::string{});
    members[std::move(name)] = normal_json_bytes(member.raw_value);
  });
  std::size_t bytes = frame_bytes(members.size());
  for (const auto& [name, value_bytes] : members) bytes += string_bytes(name) + 1 + value_bytes;
  return bytes;
}

std::size_t array_bytes(std::string_view raw) {
  std::size_t items = 0;
  std::size_t bytes = 0;
  (void)scan_json_array(raw, [&](std::string_view element) {
    ++items;
    bytes += normal_json_bytes(element);
  });
  return bytes + frame_bytes(items);
}

}  // namespace

std::size_t normal_json_bytes(std::string_view raw) {
  if (raw.starts_with('{')) return object_bytes(raw);
  if (raw.starts_with('[')) return array_bytes(raw);
  if (const auto text = decode_json_string(raw)) return string_bytes(*text);
  return raw.size();
}

}  // namespace flowersec::token
