// Header fields of an HTTP head, looked up the way RFC 9110 wants it: names and list tokens ignore case.
// Layer ws, no I/O. Views into the parser that produced them.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace flowersec::ws {

struct header_field {
  std::string_view name;
  std::string_view value;
};

struct header_list {
  std::vector<header_field> fields;

  /// First field of that name.
  [[nodiscard]] std::optional<std::string_view> first(std::string_view name) const noexcept;
  /// Whether the comma-separated list made of all fields of that name contains `token`.
  [[nodiscard]] bool list_contains(std::string_view name, std::string_view token) const noexcept;
};

}  // namespace flowersec::ws
