// Close codes and the payload of close frames.
// Layer ws, no I/O. Source: RFC 6455 sections 5.5.1 and 7.4; IANA registry of close codes for 1012 to 1014.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "flowersec/base/bytes.h"
#include "flowersec/base/error.h"

namespace flowersec::ws {

/// The codes this project sends. Others are valid too: see is_valid_close_code().
enum class close_code : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  policy_violation = 1008,
  message_too_big = 1009,
  internal_error = 1011,
  try_again_later = 1013,
};

inline constexpr std::size_t max_close_reason_bytes = 123;

/// 1000..1003, 1007..1014 and 3000..4999: those that may appear in a close frame. 1005, 1006 and 1015 are only
/// names for what did not arrive.
[[nodiscard]] constexpr bool is_valid_close_code(std::uint16_t code) noexcept {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

struct close_payload {
  std::optional<std::uint16_t> code;  ///< absent when the frame was empty
  std::string reason;

  friend bool operator==(const close_payload&, const close_payload&) = default;
};

/// Shape    2 bytes of code, then UTF-8; or nothing. A reason of more than 123 bytes is cut between two characters;
///          without a code the reason is left out.
[[nodiscard]] byte_buffer encode_close_payload(const close_payload& payload);

/// Errors   ws_errc::close_payload_invalid (a single byte, or a reason that is not UTF-8), ::close_code_invalid.
///          Each ends the connection with 1002.
[[nodiscard]] result<close_payload> parse_close_payload(byte_view bytes);

}  // namespace flowersec::ws
