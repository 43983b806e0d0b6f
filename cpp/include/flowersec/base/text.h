// Text rules of the protocol: trimming, UTF-8, ASCII case.
// Layer base. Source: PROTOCOL, "Trimming".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace flowersec {

/// Without leading and trailing Unicode white space: ASCII space, \t \n \v \f \r, U+0085, U+00A0, U+1680,
/// U+2000..U+200A, U+2028, U+2029, U+202F, U+205F, U+3000. U+FEFF is not white space.
[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

[[nodiscard]] inline bool is_blank(std::string_view text) noexcept { return trim(text).empty(); }

/// Well-formed UTF-8 as RFC 3629: no surrogates, no overlong forms, at most U+10FFFF.
[[nodiscard]] bool is_valid_utf8(std::string_view text) noexcept;
/// Bytes of the well-formed sequence at the front of a text that is not empty; 0 when there is none.
[[nodiscard]] std::size_t utf8_sequence(std::string_view text) noexcept;

[[nodiscard]] std::string ascii_lower(std::string_view text);
[[nodiscard]] bool ascii_iequals(std::string_view a, std::string_view b) noexcept;

}  // namespace flowersec
