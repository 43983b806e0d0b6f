#include "flowersec/ownwire/frames.h"

#include <array>
#include <stdexcept>

#include "flowersec/base/json.h"

namespace flowersec::ownwire {

namespace {

constexpr std::array error_names{"invalid_frame",       "content_too_large", "metadata_too_large", "rate_limited",
                                 "backend_unavailable", "session_unknown",   "session_taken",      "shutting_down"};

chat_error error_named(std::string_view name) noexcept {
  for (std::size_t i = 0; i < error_names.size(); ++i) {
    if (name == error_names[i]) return static_cast<chat_error>(i);
  }
  return chat_error::other;
}

constexpr error_frame invalid{.code = chat_error::invalid_frame, .fatal = true};

template <class... Fs>
struct overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
overloaded(Fs...) -> overloaded<Fs...>;

json_object_writer begin(std::string& out, std::string_view type) {
  json_object_writer writer{out};
  writer.field("type", type);
  return writer;
}

/// Ids and sequence numbers start at 1.
void read_number(json_object_reader& reader, std::string_view name, std::uint64_t& into) {
  reader.read(name, into);
  if (reader.ok() && into == 0) reader.fail(name);
}

bool fits(const std::optional<std::string>& text, std::size_t limit) { return !text || text->size() <= limit; }

boost::system::result<user_frame, error_frame> read_hello(json_object_reader& reader) {
  std::uint32_t version = 0;
  hello_frame hello;
  reader.read("v", version);
  reader.read("metadata", hello.metadata);
  reader.read("resume", hello.resume);
  reader.read("auth", hello.auth);
  if (!reader.ok() || version != chat_version) return invalid;
  if (!fits(hello.metadata, max_metadata_bytes) || !fits(hello.auth, max_auth_bytes)) {
    return error_frame{.code = chat_error::metadata_too_large, .fatal = true};
  }
  return user_frame{std::move(hello)};
}

boost::system::result<user_frame, error_frame> read_text(json_object_reader& reader) {
  text_frame text;
  read_number(reader, "id", text.id);
  reader.read("content", text.content);
  if (!reader.ok()) return invalid;
  if (text.content.size() > max_content_bytes) {
    return error_frame{.code = chat_error::content_too_large, .id = text.id, .fatal = false};
  }
  return user_frame{std::move(text)};
}

std::optional<gateway_frame> read_welcome(json_object_reader& reader, const boost::json::object& object) {
  std::uint32_t version = 0;
  welcome_frame welcome;
  reader.read("v", version);
  reader.read("session_id", welcome.session_id);
  reader.read("resume_token", welcome.resume_token);
  reader.read("resumed", welcome.resumed);
  reader.read("last_id", welcome.last_id);
  const auto* limits = object.if_contains("limits");
  if (!reader.ok() || version != chat_version || limits == nullptr || !limits->is_object()) return std::nullopt;
  if (welcome.resume_token.size() > max_resume_token_bytes) return std::nullopt;
  json_object_reader inner{limits->get_object()};
  read_number(inner, "max_content_bytes", welcome.max_content);
  if (!inner.ok()) return std::nullopt;
  return welcome;
}

std::optional<gateway_frame> read_reply(json_object_reader& reader) {
  reply_frame reply;
  read_number(reader, "seq", reply.seq);
  reader.read("content", reply.content);
  reader.read("metadata", reply.metadata);
  if (!reader.ok()) return std::nullopt;
  return reply;
}

std::optional<gateway_frame> read_error(json_object_reader& reader) {
  error_frame error;
  std::string code;
  reader.read("code", code);
  reader.read("id", error.id);
  reader.read("fatal", error.fatal);
  if (!reader.ok() || error.id == 0U) return std::nullopt;
  error.code = error_named(code);
  return error;
}

}  // namespace

std::string_view to_string(chat_error code) noexcept {
  const auto index = static_cast<std::size_t>(code);
  return index < error_names.size() ? error_names[index] : "other";
}

void throw_exception_from_error(const error_frame& what, const boost::source_location& /*where*/) {
  throw std::runtime_error{std::string{to_string(what.code)}};
}

std::string encode(const user_frame& frame) {
  std::string out;
  std::visit(overloaded{
                 [&](const hello_frame& hello) {
                   begin(out, "hello")
                       .field("v", chat_version)
                       .field("metadata", hello.metadata)
                       .field("resume", hello.resume)
                       .field("auth", hello.auth)
                       .end();
                 },
                 [&](const text_frame& text) {
                   begin(out, "message").field("id", text.id).field("content", text.content).end();
                 },
                 [&](const received_frame& received) { begin(out, "received").field("seq", received.seq).end(); },
                 [&](const typing_frame& typing) { begin(out, "typing").field("on", typing.on).end(); },
                 [&](const bye_frame&) { begin(out, "bye").end(); },
                 [&](const unknown_frame&) { begin(out, "unknown").end(); },
             },
             frame);
  return out;
}

std::string encode(const gateway_frame& frame) {
  std::string out;
  std::visit(overloaded{
                 [&](const welcome_frame& welcome) {
                   begin(out, "welcome")
                       .field("v", chat_version)
                       .field("session_id", welcome.session_id)
                       .field("resume_token", welcome.resume_token)
                       .field("resumed", welcome.resumed)
                       .field("last_id", welcome.last_id)
                       .raw("limits", "{\"max_content_bytes\":" + std::to_string(welcome.max_content) + "}")
                       .end();
                 },
                 [&](const ack_frame& ack) { begin(out, "ack").field("id", ack.id).end(); },
                 [&](const reply_frame& reply) {
                   begin(out, "message")
                       .field("seq", reply.seq)
                       .field("content", reply.content)
                       .field("metadata", reply.metadata)
                       .end();
                 },
                 [&](const typing_frame& typing) { begin(out, "typing").field("on", typing.on).end(); },
                 [&](const error_frame& error) {
                   begin(out, "error")
                       .field("code", to_string(error.code))
                       .field("id", error.id)
                       .field("fatal", error.fatal)
                       .end();
                 },
                 [&](const unknown_frame&) { begin(out, "unknown").end(); },
             },
             frame);
  return out;
}

boost::system::result<user_frame, error_frame> decode_user_frame(std::string_view text) {
  const auto object = parse_json_object(text, max_chat_frame_bytes);
  if (!object) return invalid;
  json_object_reader reader{*object};
  std::string type;
  reader.read("type", type);
  if (!reader.ok()) return invalid;
  if (type == "hello") return read_hello(reader);
  if (type == "message") return read_text(reader);
  if (type == "received") {
    received_frame received;
    read_number(reader, "seq", received.seq);
    return reader.ok() ? boost::system::result<user_frame, error_frame>{received} : invalid;
  }
  if (type == "typing") {
    typing_frame typing;
    reader.read("on", typing.on);
    return reader.ok() ? boost::system::result<user_frame, error_frame>{typing} : invalid;
  }
  if (type == "bye") return user_frame{bye_frame{}};
  return user_frame{unknown_frame{}};
}

std::optional<gateway_frame> decode_gateway_frame(std::string_view text) {
  const auto object = parse_json_object(text, max_chat_frame_bytes);
  if (!object) return std::nullopt;
  json_object_reader reader{*object};
  std::string type;
  reader.read("type", type);
  if (!reader.ok()) return std::nullopt;
  if (type == "welcome") return read_welcome(reader, *object);
  if (type == "message") return read_reply(reader);
  if (type == "error") return read_error(reader);
  if (type == "ack") {
    ack_frame ack;
    read_number(reader, "id", ack.id);
    return reader.ok() ? std::optional<gateway_frame>{ack} : std::nullopt;
  }
  if (type == "typing") {
    typing_frame typing;
    reader.read("on", typing.on);
    return reader.ok() ? std::optional<gateway_frame>{typing} : std::nullopt;
  }
  return unknown_frame{};
}

}  // namespace flowersec::ownwire
