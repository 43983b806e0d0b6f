// Validates a JSON text and finds the raw text of the members of its top-level object.
// Layer base. RPC payloads pass through verbatim: a number written 1.0 stays 1.0, and nothing is built in memory.
// Source: RFC 8259; PROTOCOL, "JSON rules".
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace flowersec {

/// Nesting that the scanner follows; one more is refused. It costs a bit per level, not a stack frame.
inline constexpr std::size_t json_scan_max_depth = 10'000;

/// Whether `text` is one JSON value (white space around it allowed), valid UTF-8, nested at most `max_depth`, which
/// is at most json_scan_max_depth.
[[nodiscard]] bool is_valid_json(std::string_view text, std::size_t max_depth = json_scan_max_depth) noexcept;

struct json_member {
  std::string_view raw_name;   ///< between the quotes, escapes not resolved
  std::string_view raw_value;  ///< the value's text, without white space around it
};

/// Calls `visit` for each member of the object in `text`, in order, duplicates included. Each value may be nested
/// `max_depth` deep, at most json_scan_max_depth. False when the text is not exactly one valid object; members before
/// the defect may have been visited.
[[nodiscard]] bool scan_json_object(std::string_view text, const std::function<void(const json_member&)>& visit,
                                    std::size_t max_depth = json_scan_max_depth);

/// Calls `visit` with the raw text of each element of the array in `text`, in order. As scan_json_object otherwise.
[[nodiscard]] bool scan_json_array(std::string_view text, const std::function<void(std::string_view)>& visit);

/// The text of a raw JSON string value (with its quotes), escapes resolved. nullopt when it is not a string.
[[nodiscard]] std::optional<std::string> decode_json_string(std::string_view raw_value);

/// A raw value written as an integer (digits, perhaps a minus before them; no fraction, exponent or leading zero), of a
/// magnitude up to `max`, which is at most INT64_MAX.
[[nodiscard]] std::optional<std::int64_t> decode_json_signed(std::string_view raw_value, std::int64_t max) noexcept;

/// A raw value written as plain digits (no sign, fraction, exponent or leading zero), at most `max`.
[[nodiscard]] std::optional<std::uint64_t> decode_json_unsigned(std::string_view raw_value, std::uint64_t max) noexcept;

}  // namespace flowersec
