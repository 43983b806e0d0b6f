#include "flowersec/ownwire/internal_frames.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "flowersec/base/json.h"

namespace flowersec::ownwire {

namespace {

constexpr std::array reason_names{"bye", "disconnected", "expired", "evicted"};
constexpr std::array code_names{"invalid_frame", "session_unknown", "content_too_large", "reply_dropped"};

/// Neither must keep a reply from its user.
std::optional<std::string> lenient_metadata(const boost::json::object& object) {
  const auto* member = object.if_contains("metadata");
  const auto* text = member == nullptr ? nullptr : member->if_string();
  if (text == nullptr || text->size() > max_metadata_bytes) return std::nullopt;
  return std::string{text->data(), text->size()};
}

std::optional<std::uint64_t> positive_integer(const boost::json::object& object, std::string_view name) {
  json_object_reader reader{object};
  std::optional<std::uint64_t> number;
  reader.read(name, number);
  return reader.ok() && number != 0U ? number : std::nullopt;
}

/// The unit of an escape \uXXXX at `at`; nullopt when there is none.
std::optional<unsigned> escaped_unit(std::string_view text, std::size_t at) {
  constexpr std::size_t escape_bytes = 6;
  const auto escape = text.substr(std::min(at, text.size()), escape_bytes);
  if (escape.size() != escape_bytes || !escape.starts_with("\\u")) return std::nullopt;
  unsigned unit = 0;
  const auto [end, wrong] = std::from_chars(escape.data() + 2, escape.data() + escape_bytes, unit, 16);
  if (wrong != std::errc{} || end != escape.data() + escape_bytes) return std::nullopt;
  return unit;
}

/// JSON text with U+FFFD in place of escapes that are half a character, as a program writes them that has cut a text
/// in the middle of one.
std::string mend_surrogates(std::string text) {
  const auto is_high = [](unsigned unit) { return unit >= 0xD800 && unit <= 0xDBFF; };
  const auto is_low = [](unsigned unit) { return unit >= 0xDC00 && unit <= 0xDFFF; };
  for (auto at = text.find('\\'); at != text.npos; at = text.find('\\', at)) {
    const auto unit = escaped_unit(text, at);
    if (!unit) {
      at += 2;  // also past an escaped backslash
      continue;
    }
    const auto next = is_high(*unit) ? escaped_unit(text, at + 6) : std::nullopt;
    if (next && is_low(*next)) {
      at += 12;
      continue;
    }
    if (is_high(*unit) || is_low(*unit)) text.replace(at + 2, 4, "fffd");
    at += 6;
  }
  return text;
}

/// Whoever answers should not lose a whole reply by half a character.
std::optional<boost::json::object> parse_leniently(std::string_view text) {
  auto object = parse_json_object(text, max_internal_frame_bytes);
  if (object || text.size() > max_internal_frame_bytes) return object;
  return parse_json_object(mend_surrogates(std::string{text}), max_internal_frame_bytes);
}

client_refusal refuse(client_error code, std::string session_id, std::optional<std::uint64_t> message_id) {
  client_refusal refusal{.code = code, .session_id = std::nullopt, .message_id = message_id};
  if (!session_id.empty()) refusal.session_id = std::move(session_id);
  return refusal;
}

client_message read_reply(const boost::json::object& object, dialect how) {
  client_reply reply;
  if (how == dialect::extended) reply.message_id = positive_integer(object, "message_id");
  json_object_reader reader{object};
  reader.read("session_id", reply.session_id);
  reader.read("content", reply.content);
  if (!reader.ok()) return refuse(client_error::invalid_frame, std::move(reply.session_id), reply.message_id);
  if (how == dialect::extended && object.contains("message_id") && !object.at("message_id").is_null() &&
      !reply.message_id) {
    return refuse(client_error::invalid_frame, std::move(reply.session_id), std::nullopt);
  }
  if (reply.content.empty()) return client_nothing{};
  if (reply.content.size() > max_content_bytes) {
    return refuse(client_error::content_too_large, std::move(reply.session_id), reply.message_id);
  }
  reply.metadata = lenient_metadata(object);
  return reply;
}

client_message read_typing(const boost::json::object& object) {
  client_typing typing;
  json_object_reader reader{object};
  reader.read("session_id", typing.session_id);
  reader.read("on", typing.on);
  if (!reader.ok()) return refuse(client_error::invalid_frame, std::move(typing.session_id), std::nullopt);
  return typing;
}

}  // namespace

std::string_view to_string(end_reason reason) noexcept { return reason_names[static_cast<std::size_t>(reason)]; }
std::string_view to_string(client_error code) noexcept { return code_names[static_cast<std::size_t>(code)]; }

std::string encode_text(dialect how, const text_sender& from, std::uint64_t id, std::string_view content) {
  std::string out;
  json_object_writer writer{out};
  if (how == dialect::extended) writer.field("type", "message");
  writer.field("content", content).field("session_id", from.session_id).field("metadata", from.metadata);
  if (how == dialect::extended) {
    writer.field("message_id", id).field("auth", from.auth).field("remote_addr", from.remote_addr);
  }
  writer.end();
  return out;
}

std::string encode_session_start(const text_sender& who) {
  std::string out;
  json_object_writer{out}
      .field("type", "session_start")
      .field("session_id", who.session_id)
      .field("metadata", who.metadata)
      .field("auth", who.auth)
      .field("remote_addr", who.remote_addr)
      .end();
  return out;
}

std::string encode_session_end(std::string_view session_id, end_reason reason) {
  std::string out;
  json_object_writer{out}
      .field("type", "session_end")
      .field("session_id", session_id)
      .field("reason", to_string(reason))
      .end();
  return out;
}

std::string encode_client_typing(std::string_view session_id, bool on) {
  std::string out;
  json_object_writer{out}.field("type", "typing").field("session_id", session_id).field("on", on).end();
  return out;
}

std::string encode_delivered(std::string_view session_id, std::uint64_t message_id) {
  std::string out;
  json_object_writer{out}
      .field("type", "delivered")
      .field("session_id", session_id)
      .field("message_id", message_id)
      .end();
  return out;
}

std::string encode_client_error(client_error code, const std::optional<std::string>& session_id,
                                std::optional<std::uint64_t> message_id) {
  std::string out;
  json_object_writer{out}
      .field("type", "error")
      .field("code", to_string(code))
      .field("session_id", session_id)
      .field("message_id", message_id)
      .end();
  return out;
}

client_message decode_client_message(dialect how, std::string_view text) {
  const auto object = parse_leniently(text);
  if (!object) return client_refusal{};
  if (how == dialect::compatible) return read_reply(*object, how);
  json_object_reader reader{*object};
  std::optional<std::string> type;
  reader.read("type", type);
  if (!reader.ok()) return client_refusal{};
  if (!type || *type == "message") return read_reply(*object, how);
  if (*type == "typing") return read_typing(*object);
  return client_nothing{};
}

}  // namespace flowersec::ownwire
