// Lays compact JSON out for people.
// Layer apps. Works on the text, so that numbers and escapes stay as they were written.
#pragma once

#include <string>
#include <string_view>

namespace flowersec::apps {

/// Two-space indentation, one member or element a line, no newline at the end. `compact` is valid JSON without
/// white space between its tokens.
[[nodiscard]] std::string indent_json(std::string_view compact);

}  // namespace flowersec::apps
