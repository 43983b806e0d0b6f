#include "rendezvous/frame_reading.h"
#include "rendezvous/ticket_codec.h"

namespace flowersec::rendezvous {
namespace {

using decoded = std::optional<server_frame>;

std::optional<channel_ticket> read_grant(json_object_reader& reader, ticket_role role) {
  const auto* found = reader.find("grant");
  if (found == nullptr || !found->is_object()) return std::nullopt;
  auto ticket = read_ticket(found->get_object());
  if (!ticket || ticket->role != role) return std::nullopt;
  return ticket;
}

decoded read_challenge(json_object_reader& reader) {
  std::uint32_t version = 0;
  challenge_frame frame;
  reader.read("v", version);
  frame.registry_keys = read_keys(reader, "registry_keys", max_offered_keys);
  read_bytes(reader, "challenge", frame.challenge);
  reader.read("expires_in_s", frame.expires_in_s);
  const auto* work = reader.find("pow");
  if (!reader.ok() || version != registry_version || frame.expires_in_s == 0) return std::nullopt;
  if (work == nullptr) return frame;
  if (!work->is_object()) return std::nullopt;
  json_object_reader inner{work->get_object()};
  inner.read("bits", frame.pow_bits.emplace());
  return inner.ok() ? decoded{std::move(frame)} : std::nullopt;
}

decoded read_registered(json_object_reader& reader) {
  const auto key = read_key(reader, "public_key");
  if (!key) return std::nullopt;
  registered_frame frame{.key = *key};
  read_id(reader, "session", frame.session);
  reader.read("keepalive_s", frame.keepalive_s);
  return reader.ok() && frame.keepalive_s != 0 ? decoded{std::move(frame)} : std::nullopt;
}

decoded read_incoming(json_object_reader& reader) {
  std::string call_id;
  read_id(reader, "call_id", call_id);
  const auto from = read_key(reader, "from");
  const auto eph = read_key(reader, "eph");
  std::optional<std::string> note;
  read_note(reader, note);
  auto grant = read_grant(reader, ticket_role::server);
  if (!reader.ok() || !from || !eph || !grant) return std::nullopt;
  return incoming_frame{
      .call_id = std::move(call_id), .from = *from, .eph = *eph, .note = std::move(note), .grant = std::move(*grant)};
}

decoded read_grant_frame(json_object_reader& reader) {
  std::uint64_t rid = 0;
  std::string call_id;
  read_rid(reader, rid);
  read_id(reader, "call_id", call_id);
  const auto eph = read_key(reader, "eph");
  auto grant = read_grant(reader, ticket_role::client);
  if (!reader.ok() || !eph || !grant) return std::nullopt;
  return grant_frame{.rid = rid, .call_id = std::move(call_id), .eph = *eph, .grant = std::move(*grant)};
}

decoded read_cancelled(json_object_reader& reader) {
  cancelled_frame frame;
  read_id(reader, "call_id", frame.call_id);
  return reader.ok() ? decoded{std::move(frame)} : std::nullopt;
}

decoded read_presence(json_object_reader& reader) {
  const auto key = read_key(reader, "key");
  bool online = false;
  reader.read("online", online);
  if (!reader.ok() || !key) return std::nullopt;
  return presence_frame{.key = *key, .online = online};
}

decoded read_error(json_object_reader& reader) {
  error_frame frame;
  std::string code;
  reader.read("code", code);
  reader.read("rid", frame.rid);
  reader.read("fatal", frame.fatal);
  if (!reader.ok() || frame.rid == 0U) return std::nullopt;
  frame.code = registry_error_named(code);
  return frame;
}

}  // namespace

std::string encode(const server_frame& frame) {
  std::string out;
  std::visit(
      overloaded{
          [&](const challenge_frame& from) {
            auto writer = begin_frame(out, "challenge");
            writer.field("v", registry_version)
                .raw("registry_keys", key_list(from.registry_keys))
                .field("challenge", encode_base64url(from.challenge))
                .field("expires_in_s", from.expires_in_s);
            if (from.pow_bits) writer.raw("pow", "{\"bits\":" + std::to_string(*from.pow_bits) + "}");
            writer.end();
          },
          [&](const registered_frame& from) {
            begin_frame(out, "registered")
                .field("public_key", from.key.text())
                .field("session", from.session)
                .field("keepalive_s", from.keepalive_s)
                .end();
          },
          [&](const incoming_frame& from) {
            begin_frame(out, "incoming")
                .field("call_id", from.call_id)
                .field("from", from.from.text())
                .field("eph", from.eph.text())
                .field("note", from.note)
                .raw("grant", encode_ticket(from.grant))
                .end();
          },
          [&](const grant_frame& from) {
            begin_frame(out, "grant")
                .field("rid", from.rid)
                .field("call_id", from.call_id)
                .field("eph", from.eph.text())
                .raw("grant", encode_ticket(from.grant))
                .end();
          },
          [&](const cancelled_frame& from) { begin_frame(out, "cancelled").field("call_id", from.call_id).end(); },
          [&](const presence_frame& from) {
            begin_frame(out, "presence").field("key", from.key.text()).field("online", from.online).end();
          },
          [&](const ping_frame& from) { begin_frame(out, "ping").field("t", from.t).end(); },
          [&](const pong_frame& from) { begin_frame(out, "pong").field("t", from.t).end(); },
          [&](const error_frame& from) {
            begin_frame(out, "error")
                .field("rid", from.rid)
                .field("code", to_string(from.code))
                .field("fatal", from.fatal)
                .end();
          },
          [&](const unknown_frame&) { begin_frame(out, "unknown").end(); },
      },
      frame);
  return out;
}

std::optional<server_frame> decode_server_frame(std::string_view text) {
  const auto object = parse_json_object(text, max_registry_frame_bytes);
  if (!object) return std::nullopt;
  json_object_reader reader{*object};
  std::string type;
  reader.read("type", type);
  if (!reader.ok()) return std::nullopt;
  if (type == "challenge") return read_challenge(reader);
  if (type == "registered") return read_registered(reader);
  if (type == "incoming") return read_incoming(reader);
  if (type == "grant") return read_grant_frame(reader);
  if (type == "cancelled") return read_cancelled(reader);
  if (type == "presence") return read_presence(reader);
  if (type == "error") return read_error(reader);
  if (type == "ping") return read_time<ping_frame>(reader);
  if (type == "pong") return read_time<pong_frame>(reader);
  return unknown_frame{};
}

}  // namespace flowersec::rendezvous
