// Finds members of an object by name in the raw text, for messages that must not go through a JSON tree.
// Layer messages, private.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "flowersec/base/json_scan.h"

namespace flowersec::messages {

/// Whether the member's name stands for `name`; an escape in it is resolved, as a tree would.
[[nodiscard]] inline bool is_named(const json_member& member, std::string_view name) {
  if (member.raw_name == name) return true;
  if (member.raw_name.find('\\') == std::string_view::npos) return false;
  return decode_json_string('"' + std::string{member.raw_name} + '"') == name;
}

/// null counts as absent.
[[nodiscard]] inline bool is_absent(std::string_view raw_value) noexcept {
  return raw_value.empty() || raw_value == "null";
}

}  // namespace flowersec::messages
