// The log of a process that serves: lines on stderr, as text or as JSON.
// Layer apps. Safe from any thread once configured. A line never holds a token, a key or the query of a URL.
//
// text   YYYY/MM/DD HH:MM:SS message name=value ..., local time; "warning: " or "debug: " before the message of one
// json   {"time":"...Z","level":"info","message":"...","name":"value",...}, one object a line, UTC
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flowersec::apps {

enum class log_format : std::uint8_t { text, json };
enum class log_level : std::uint8_t { error, warning, info, debug };

[[nodiscard]] std::optional<log_format> parse_log_format(std::string_view word) noexcept;
[[nodiscard]] std::optional<log_level> parse_log_level(std::string_view word) noexcept;

/// Facts behind a message, each under its own name. Names are plain words.
using log_fields = std::vector<std::pair<std::string_view, std::string>>;

/// What a line shows of a text that a stranger chose: its first 256 bytes, and "..." when there is more.
[[nodiscard]] std::string stranger_text(std::string_view chosen);

/// What stands behind the time in a line of text. Control characters and broken UTF-8 become '?', and a value with a
/// blank or a quote is quoted: nobody can write a line of their own through a value.
[[nodiscard]] std::string log_text(log_level level, std::string_view message, const log_fields& fields);
/// The members of a line of JSON that stand behind its level.
[[nodiscard]] std::string log_members(std::string_view message, const log_fields& fields);

/// Call before the first line and before there are threads. Without it: text, info.
void configure_log(log_format format, log_level least);
/// Whether lines of the level are written.
[[nodiscard]] bool logs(log_level level) noexcept;

void log_line(log_level level, std::string_view message, const log_fields& fields = {});
/// A line of level info.
void log_line(std::string_view message);

}  // namespace flowersec::apps
