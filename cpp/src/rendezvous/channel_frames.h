// What two peers say on the stream rv/messages of a channel. Layer rendezvous, part `frames`, private: texts only.
// Source: SECURE_WEBSOCKET, "On the channel".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "flowersec/base/bytes.h"

namespace flowersec::rendezvous {

inline constexpr std::string_view messages_stream_kind = "rv/messages";
inline constexpr std::size_t conversation_bytes = 16;
using conversation_id = std::array<std::byte, conversation_bytes>;

/// First, on both sides. A sender's conversation goes on while it keeps its numbers.
struct channel_hello {
  conversation_id conversation{};
  friend bool operator==(const channel_hello&, const channel_hello&) = default;
};
struct channel_message {
  std::uint64_t id = 0;  ///< 1 to 2^53 - 1, rising in a conversation
  std::string content;   ///< one JSON value, as it was written
  std::optional<std::int64_t> sent_at_ms{};
  friend bool operator==(const channel_message&, const channel_message&) = default;
};
/// The application was given it.
struct channel_ack {
  std::uint64_t id = 0;
  friend bool operator==(const channel_ack&, const channel_ack&) = default;
};
struct channel_bye {
  friend bool operator==(const channel_bye&, const channel_bye&) = default;
};
/// A type of another version: to be ignored.
struct channel_unknown {
  friend bool operator==(const channel_unknown&, const channel_unknown&) = default;
};

using channel_frame = std::variant<channel_hello, channel_message, channel_ack, channel_bye, channel_unknown>;

[[nodiscard]] std::string encode(const channel_frame& frame);
/// nullopt for what is not of the format. Unknown keys are ignored, of duplicate ones the last counts.
[[nodiscard]] std::optional<channel_frame> decode_channel_frame(std::string_view text);

}  // namespace flowersec::rendezvous
