#include <stdexcept>

#include "rendezvous/frame_reading.h"

namespace flowersec::rendezvous {
namespace {

constexpr error_frame invalid{.code = rendezvous_errc::invalid_frame, .fatal = true};

using decoded = std::optional<client_frame>;

decoded read_register(json_object_reader& reader) {
  std::uint32_t version = 0;
  reader.read("v", version);
  const auto key = read_key(reader, "public_key");
  const auto registry_key = read_key(reader, "registry_key");
  if (!key || !registry_key || version != registry_version) return std::nullopt;
  register_frame frame{.key = *key, .registry_key = *registry_key};
  std::optional<bool> replace;
  read_bytes(reader, "proof", frame.proof);
  read_bytes(reader, "instance", frame.instance);
  reader.read("replace", replace);
  if (reader.find("pow_nonce") != nullptr) read_bytes(reader, "pow_nonce", frame.pow_nonce.emplace());
  if (!reader.ok()) return std::nullopt;
  frame.replace = replace.value_or(false);
  return frame;
}

/// Once the rid is known, a call that is wrong ends nothing but itself.
boost::system::result<client_frame, error_frame> read_call(json_object_reader& reader) {
  std::uint64_t rid = 0;
  read_rid(reader, rid);
  if (!reader.ok()) return invalid;
  const auto to = read_key(reader, "to");
  const auto eph = read_key(reader, "eph");
  std::optional<std::string> note;
  read_note(reader, note);
  if (!to || !eph || !reader.ok()) return error_frame{.code = rendezvous_errc::invalid_frame, .rid = rid};
  return client_frame{call_frame{.rid = rid, .to = *to, .eph = *eph, .note = std::move(note)}};
}

decoded read_accept(json_object_reader& reader) {
  std::string call_id;
  read_id(reader, "call_id", call_id);
  const auto eph = read_key(reader, "eph");
  if (!reader.ok() || !eph) return std::nullopt;
  return accept_frame{.call_id = std::move(call_id), .eph = *eph};
}

decoded read_decline(json_object_reader& reader) {
  decline_frame frame;
  read_id(reader, "call_id", frame.call_id);
  return reader.ok() ? decoded{std::move(frame)} : std::nullopt;
}

decoded read_cancel(json_object_reader& reader) {
  cancel_frame frame;
  read_rid(reader, frame.rid);
  return reader.ok() ? decoded{frame} : std::nullopt;
}

template <class Frame>
decoded read_watch(json_object_reader& reader) {
  Frame frame{.keys = read_keys(reader, "keys", max_watched_keys)};
  return reader.ok() ? decoded{std::move(frame)} : std::nullopt;
}

decoded read_other(std::string_view type, json_object_reader& reader) {
  if (type == "register") return read_register(reader);
  if (type == "accept") return read_accept(reader);
  if (type == "decline") return read_decline(reader);
  if (type == "cancel") return read_cancel(reader);
  if (type == "watch") return read_watch<watch_frame>(reader);
  if (type == "unwatch") return read_watch<unwatch_frame>(reader);
  if (type == "ping") return read_time<ping_frame>(reader);
  if (type == "pong") return read_time<pong_frame>(reader);
  return unknown_frame{};
}

}  // namespace

void throw_exception_from_error(const error_frame& what, const boost::source_location& /*where*/) {
  throw std::runtime_error{std::string{to_string(what.code)}};
}

std::string encode(const client_frame& frame) {
  std::string out;
  std::visit(overloaded{
                 [&](const register_frame& from) {
                   auto writer = begin_frame(out, "register");
                   writer.field("v", registry_version)
                       .field("public_key", from.key.text())
                       .field("registry_key", from.registry_key.text())
                       .field("proof", encode_base64url(from.proof))
                       .field("instance", encode_base64url(from.instance));
                   if (from.replace) writer.field("replace", true);
                   if (from.pow_nonce) writer.field("pow_nonce", encode_base64url(*from.pow_nonce));
                   writer.end();
                 },
                 [&](const call_frame& from) {
                   begin_frame(out, "call")
                       .field("rid", from.rid)
                       .field("to", from.to.text())
                       .field("eph", from.eph.text())
                       .field("note", from.note)
                       .end();
                 },
                 [&](const accept_frame& from) {
                   begin_frame(out, "accept").field("call_id", from.call_id).field("eph", from.eph.text()).end();
                 },
                 [&](const decline_frame& from) { begin_frame(out, "decline").field("call_id", from.call_id).end(); },
                 [&](const cancel_frame& from) { begin_frame(out, "cancel").field("rid", from.rid).end(); },
                 [&](const watch_frame& from) { begin_frame(out, "watch").raw("keys", key_list(from.keys)).end(); },
                 [&](const unwatch_frame& from) { begin_frame(out, "unwatch").raw("keys", key_list(from.keys)).end(); },
                 [&](const ping_frame& from) { begin_frame(out, "ping").field("t", from.t).end(); },
                 [&](const pong_frame& from) { begin_frame(out, "pong").field("t", from.t).end(); },
                 [&](const unknown_frame&) { begin_frame(out, "unknown").end(); },
             },
             frame);
  return out;
}

boost::system::result<client_frame, error_frame> decode_client_frame(std::string_view text) {
  const auto object = parse_json_object(text, max_registry_frame_bytes);
  if (!object) return invalid;
  json_object_reader reader{*object};
  std::string type;
  reader.read("type", type);
  if (!reader.ok()) return invalid;
  if (type == "call") return read_call(reader);
  auto frame = read_other(type, reader);
  if (!frame) return invalid;
  return std::move(*frame);
}

}  // namespace flowersec::rendezvous
