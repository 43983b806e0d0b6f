// The messages of the internal WebSocket: one JSON text each, between the gateway and the site owner's own program.
// Layer ownwire, part `frames`: texts only, no I/O and no state.
// Source: PROTOCOL, "OwnWire, internal WebSocket".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "flowersec/ownwire/limits.h"

namespace flowersec::ownwire {

/// Subprotocol that selects the extended dialect.
inline constexpr std::string_view extended_subprotocol = "ownwire.v2";
/// Kind of the stream that carries the compatible dialect on an encrypted internal link.
inline constexpr std::string_view internal_stream_kind = "ownwire/internal";

enum class dialect : std::uint8_t {
  compatible,  ///< three keys, and nothing but texts of users
  extended,    ///< ownwire.v2: every message has a type
};

/// Who wrote a text, as internal clients are told.
struct text_sender {
  std::string session_id{};
  std::optional<std::string> metadata{};
  std::optional<std::string> auth{};  ///< extended only
  std::string remote_addr{};          ///< extended only
  friend bool operator==(const text_sender&, const text_sender&) = default;
};

/// A user's text. Shape compatible: content, session_id, metadata if there is one.
[[nodiscard]] std::string encode_text(dialect how, const text_sender& from, std::uint64_t id, std::string_view content);

/// Why a session is over.
enum class end_reason : std::uint8_t {
  bye,           ///< the user ended it
  disconnected,  ///< the connection was lost before the first message
  expired,       ///< nobody took it up again in time
  evicted,       ///< it made room for another
};
[[nodiscard]] std::string_view to_string(end_reason reason) noexcept;

/// Why the gateway did not do what a message of an extended client asked for.
enum class client_error : std::uint8_t {
  invalid_frame,      ///< not a message of the format
  session_unknown,    ///< no such session, or it is over
  content_too_large,  ///< above max_content_bytes, or above max_chat_frame_bytes once it is written as JSON
  reply_dropped,      ///< the user was away and too many replies waited for it
};
[[nodiscard]] std::string_view to_string(client_error code) noexcept;

// What only the extended dialect has.
[[nodiscard]] std::string encode_session_start(const text_sender& who);
[[nodiscard]] std::string encode_session_end(std::string_view session_id, end_reason reason);
[[nodiscard]] std::string encode_client_typing(std::string_view session_id, bool on);
[[nodiscard]] std::string encode_delivered(std::string_view session_id, std::uint64_t message_id);
[[nodiscard]] std::string encode_client_error(client_error code, const std::optional<std::string>& session_id,
                                              std::optional<std::uint64_t> message_id);

/// A reply to a user.
struct client_reply {
  std::string session_id{};
  std::string content{};
  std::optional<std::string> metadata{};
  std::optional<std::uint64_t> message_id{};  ///< extended only: the client's own, told again when it was delivered
  friend bool operator==(const client_reply&, const client_reply&) = default;
};
struct client_typing {
  std::string session_id{};
  bool on = false;
  friend bool operator==(const client_typing&, const client_typing&) = default;
};
/// To be passed over: an empty reply, or a type of another version.
struct client_nothing {
  friend bool operator==(const client_nothing&, const client_nothing&) = default;
};
/// To be logged and passed over; an extended client is answered with it.
struct client_refusal {
  client_error code = client_error::invalid_frame;
  std::optional<std::string> session_id{};
  std::optional<std::uint64_t> message_id{};
  friend bool operator==(const client_refusal&, const client_refusal&) = default;
};

using client_message = std::variant<client_reply, client_typing, client_nothing, client_refusal>;

/// Reads what an internal client sent. Metadata that is no text, or above max_metadata_bytes, is left out and the reply
/// goes on. The text's size is the transport's matter.
[[nodiscard]] client_message decode_client_message(dialect how, std::string_view text);

}  // namespace flowersec::ownwire
