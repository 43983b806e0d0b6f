// What is in a message, for people and for scripts.
// Layer apps. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace flowersec::apps {

/// Of one message, what people are shown. The rest is counted; --json has all of it.
inline constexpr std::size_t max_shown_bytes = 16'384;

/// One JSON value as one line: no white space outside texts, hidden characters as escapes.
[[nodiscard]] std::string one_line_json(std::string_view json);
/// What people see of a message: a JSON text as text, any other value as JSON.
[[nodiscard]] std::string shown_content(std::string_view json);

/// "1 byte", "2 bytes".
[[nodiscard]] std::string counted(std::size_t count, std::string_view what);

}  // namespace flowersec::apps
