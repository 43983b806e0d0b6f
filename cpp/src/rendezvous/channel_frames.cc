#include "rendezvous/channel_frames.h"

#include "flowersec/base/base64url.h"
#include "flowersec/base/json.h"
#include "flowersec/base/json_scan.h"

namespace flowersec::rendezvous {

namespace {

constexpr std::int64_t channel_version = 1;

/// The raw values of the members that some frame has.
struct members {
  std::optional<std::string_view> type, version, conversation, id, content, sent_at_ms;
};

/// A name may be written with escapes.
std::string name_of(const json_member& member) {
  if (member.raw_name.find('\\') == std::string_view::npos) return std::string{member.raw_name};
  return decode_json_string('"' + std::string{member.raw_name} + '"').value_or(std::string{});
}

std::optional<members> read(std::string_view text) {
  members found;
  const bool whole = scan_json_object(text, [&](const json_member& member) {
    const auto name = name_of(member);
    const auto assign = [&](std::optional<std::string_view>& into) { into = member.raw_value; };
    if (name == "type") assign(found.type);
    if (name == "v") assign(found.version);
    if (name == "conversation") assign(found.conversation);
    if (name == "id") assign(found.id);
    if (name == "content") assign(found.content);
    if (name == "sent_at_ms") assign(found.sent_at_ms);
  });
  if (!whole) return std::nullopt;
  return found;
}

std::optional<channel_frame> read_hello(const members& of) {
  if (!of.version || decode_json_signed(*of.version, json_max_safe_integer) != channel_version) return std::nullopt;
  const auto text = of.conversation ? decode_json_string(*of.conversation) : std::nullopt;
  const auto bytes = text ? decode_base64url(*text) : std::nullopt;
  if (!bytes || bytes->size() != conversation_bytes) return std::nullopt;
  channel_hello hello;
  std::copy(bytes->begin(), bytes->end(), hello.conversation.begin());
  return hello;
}

std::optional<std::uint64_t> read_id(const members& of) {
  const auto id = of.id ? decode_json_unsigned(*of.id, json_max_safe_integer) : std::nullopt;
  return id && *id >= 1 ? id : std::nullopt;
}

std::optional<channel_frame> read_message(const members& of) {
  const auto id = read_id(of);
  if (!id || !of.content) return std::nullopt;
  channel_message message{.id = *id, .content = std::string{*of.content}};
  if (of.sent_at_ms && *of.sent_at_ms != "null") {
    message.sent_at_ms = decode_json_signed(*of.sent_at_ms, json_max_safe_integer);
    if (!message.sent_at_ms) return std::nullopt;
  }
  return message;
}

struct writer {
  std::string out{};

  void operator()(const channel_hello& frame) {
    json_object_writer{out}
        .field("type", "hello")
        .field("v", channel_version)
        .field("conversation", encode_base64url(frame.conversation))
        .end();
  }
  void operator()(const channel_message& frame) {
    json_object_writer{out}
        .field("type", "message")
        .field("id", frame.id)
        .raw("content", frame.content)
        .field("sent_at_ms", frame.sent_at_ms)
        .end();
  }
  void operator()(const channel_ack& frame) {
    json_object_writer{out}.field("type", "ack").field("id", frame.id).end();
  }
  void operator()(const channel_bye& /*frame*/) { json_object_writer{out}.field("type", "bye").end(); }
  void operator()(const channel_unknown& /*frame*/) { json_object_writer{out}.field("type", "unknown").end(); }
};

}  // namespace

std::string encode(const channel_frame& frame) {
  writer write;
  std::visit(write, frame);
  return std::move(write.out);
}

std::optional<channel_frame> decode_channel_frame(std::string_view text) {
  const auto of = read(text);
  const auto type = of && of->type ? decode_json_string(*of->type) : std::nullopt;
  if (!type) return std::nullopt;
  if (*type == "hello") return read_hello(*of);
  if (*type == "message") return read_message(*of);
  if (*type == "ack") {
    const auto id = read_id(*of);
    return id ? std::optional<channel_frame>{channel_ack{*id}} : std::nullopt;
  }
  if (*type == "bye") return channel_bye{};
  return channel_unknown{};
}

}  // namespace flowersec::rendezvous
