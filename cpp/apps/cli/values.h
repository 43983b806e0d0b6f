// How flag and environment texts become values.
// Layer apps. The rules are those of Go's flag and strconv packages, because scripts written for the other programs of
// the family must keep working: 0x10 and 1_000 are integers on a flag but not in the environment, "2m30s" is a duration
// and a bare "5" is not. Pure functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flowersec::apps {

/// 1 t T TRUE true True 0 f F FALSE false False, nothing else.
[[nodiscard]] std::optional<bool> parse_bool_word(std::string_view text) noexcept;

/// Decimal, 0x, 0o, 0b or leading-zero octal, with an optional sign; one underscore between digits or after the base.
[[nodiscard]] std::optional<std::int64_t> parse_flag_integer(std::string_view text) noexcept;

/// Plain decimal digits with an optional sign.
[[nodiscard]] std::optional<std::int64_t> parse_decimal_integer(std::string_view text) noexcept;

/// Decimal numbers with a unit each, one after the other: ns us µs ms s m h. A bare 0 needs no unit.
[[nodiscard]] std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) noexcept;

/// The shortest text in the style of the input: 2m0s, 1.5s, 250ms, 0s.
[[nodiscard]] std::string format_duration(std::chrono::nanoseconds duration);

/// Whether a host as text names this machine only: localhost, 127.0.0.0/8 or ::1, the last also in brackets. Names are
/// not looked up.
[[nodiscard]] bool is_loopback_host(std::string_view host);

/// A comma list: items trimmed, blank ones dropped.
[[nodiscard]] std::vector<std::string> split_comma_list(std::string_view text);

}  // namespace flowersec::apps
