// The frames of a chat: what a user's side and the gateway say to each other on the stream ownwire/chat.
// Layer ownwire, part `frames`: texts only, no I/O and no state. Each text travels as one JSON frame
// (base/json_frame.h) of at most max_chat_frame_bytes. Unknown types and keys are ignored. Source: PROTOCOL, "OwnWire,
// chat stream".
#pragma once

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "flowersec/ownwire/limits.h"

namespace flowersec::ownwire {

/// Kind of the one stream that a user's side opens.
inline constexpr std::string_view chat_stream_kind = "ownwire/chat";
inline constexpr std::uint32_t chat_version = 1;

/// What an `error` frame says. The text on the wire has the same name.
enum class chat_error : std::uint8_t {
  invalid_frame,        ///< not a frame of the format, or one out of turn. Fatal
  content_too_large,    ///< this text was not taken
  metadata_too_large,   ///< `metadata` or `auth` of the hello. Fatal
  rate_limited,         ///< this text was not taken; without an id: no session was made, and fatal
  backend_unavailable,  ///< no internal client took this text in time
  session_unknown,      ///< the resume token is not known; a welcome to a new session follows
  session_taken,        ///< another connection took this session over. Fatal; do not reconnect
  shutting_down,        ///< the gateway ends. Fatal; reconnect later
  other,                ///< received only: a code that this version does not know
};

[[nodiscard]] std::string_view to_string(chat_error code) noexcept;

// From the user's side.

struct hello_frame {
  std::optional<std::string> metadata{};
  std::optional<std::string> resume{};
  std::optional<std::string> auth{};
  friend bool operator==(const hello_frame&, const hello_frame&) = default;
};
struct text_frame {
  std::uint64_t id = 0;  ///< 1 to 2^53 - 1, rising
  std::string content{};
  friend bool operator==(const text_frame&, const text_frame&) = default;
};
struct received_frame {
  std::uint64_t seq = 0;  ///< this reply and all before it arrived
  friend bool operator==(const received_frame&, const received_frame&) = default;
};
/// Travels both ways.
struct typing_frame {
  bool on = false;
  friend bool operator==(const typing_frame&, const typing_frame&) = default;
};
struct bye_frame {
  friend bool operator==(const bye_frame&, const bye_frame&) = default;
};
/// A type of another version: to be ignored.
struct unknown_frame {
  friend bool operator==(const unknown_frame&, const unknown_frame&) = default;
};

using user_frame = std::variant<hello_frame, text_frame, received_frame, typing_frame, bye_frame, unknown_frame>;

// From the gateway.

struct welcome_frame {
  std::string session_id{};
  std::string resume_token{};  ///< the one before it dies with the next frame from the user's side
  bool resumed = false;
  std::uint64_t last_id = 0;  ///< highest id taken so far; 0 in a new session
  std::uint64_t max_content = max_content_bytes;
  friend bool operator==(const welcome_frame&, const welcome_frame&) = default;
};
struct ack_frame {
  std::uint64_t id = 0;
  friend bool operator==(const ack_frame&, const ack_frame&) = default;
};
struct reply_frame {
  std::uint64_t seq = 0;  ///< from 1, rising per session; a gap stands for replies that could not be kept
  std::string content{};
  std::optional<std::string> metadata{};
  friend bool operator==(const reply_frame&, const reply_frame&) = default;
};
struct error_frame {
  chat_error code = chat_error::invalid_frame;
  std::optional<std::uint64_t> id{};  ///< of the text it is about
  bool fatal = false;                 ///< the gateway closes
  friend bool operator==(const error_frame&, const error_frame&) = default;
};

using gateway_frame = std::variant<welcome_frame, ack_frame, reply_frame, typing_frame, error_frame, unknown_frame>;

/// Found by result::value() on a refusal; throws std::runtime_error.
[[noreturn]] void throw_exception_from_error(const error_frame& what, const boost::source_location& where);

/// Shape    JSON text without white space, keys in the order of the structs. Not held against any limit.
[[nodiscard]] std::string encode(const user_frame& frame);
[[nodiscard]] std::string encode(const gateway_frame& frame);

/// Errors   the frame to answer with: invalid_frame and metadata_too_large are fatal, content_too_large carries the id.
[[nodiscard]] boost::system::result<user_frame, error_frame> decode_user_frame(std::string_view text);
/// nullopt when the gateway does not keep to the format.
[[nodiscard]] std::optional<gateway_frame> decode_gateway_frame(std::string_view text);

}  // namespace flowersec::ownwire
