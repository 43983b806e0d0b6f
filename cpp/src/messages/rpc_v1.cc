#include "flowersec/messages/rpc_v1.h"

#include "flowersec/base/json_scan.h"
#include "messages/codec.h"
#include "messages/member_scan.h"

namespace flowersec::messages::rpc::v1 {
namespace {

constexpr std::string_view envelope_name = "RpcEnvelope";

/// Raw texts of an envelope's members; a duplicate takes its last value.
struct raw_envelope {
  std::string_view type_id;
  std::string_view request_id;
  std::string_view response_to;
  std::string_view payload = "null";
  std::string_view error;
};

void keep(raw_envelope& raw, const json_member& member) {
  for (const auto& [name, slot] : {std::pair{"type_id", &raw.type_id}, std::pair{"request_id", &raw.request_id},
                                   std::pair{"response_to", &raw.response_to}, std::pair{"payload", &raw.payload},
                                   std::pair{"error", &raw.error}}) {
    if (is_named(member, name)) *slot = member.raw_value;
  }
}

decoded<rpc_error> decode_error_member(std::string_view raw) {
  return decode_object<rpc_error>("RpcError", raw, [](json_object_reader& reader, rpc_error& message) {
    reader.read("code", message.code);
    reader.read("message", message.message);
  });
}

}  // namespace

std::string encode(const stream_hello& message) {
  std::string out;
  json_object_writer{out}.field("kind", message.kind).field("v", message.v).end();
  return out;
}

std::string encode(const rpc_error& message) {
  std::string out;
  json_object_writer{out}.field("code", message.code).field("message", message.message).end();
  return out;
}

std::string encode(const rpc_envelope& message) {
  constexpr std::size_t room_for_the_rest = 128;
  std::string out;
  out.reserve(message.payload.size() + room_for_the_rest);
  json_object_writer writer{out};
  writer.field("type_id", message.type_id)
      .field("request_id", message.request_id)
      .field("response_to", message.response_to)
      .raw("payload", message.payload.empty() ? std::string_view{"null"} : message.payload);
  if (message.error) writer.raw("error", encode(*message.error));
  writer.end();
  return out;
}

decoded<stream_hello> decode_stream_hello(std::string_view text) {
  return decode_object<stream_hello>("StreamHello", text, [](json_object_reader& reader, stream_hello& message) {
    reader.read("kind", message.kind);
    reader.read("v", message.v);
  });
}

decoded<rpc_envelope> decode_rpc_envelope(std::string_view text) {
  raw_envelope raw;
  const bool is_object =
      text.size() <= max_text_bytes && scan_json_object(text, [&raw](const json_member& member) { keep(raw, member); });
  if (!is_object) return decode_error{messages_errc::not_an_object, std::string{envelope_name}, {}};

  const auto type_id = decode_json_unsigned(raw.type_id, std::numeric_limits<std::uint32_t>::max());
  if (!type_id) return bad_field(envelope_name, "type_id");
  const auto request_id = decode_json_unsigned(raw.request_id, max_rpc_id);
  if (!request_id) return bad_field(envelope_name, "request_id");
  const auto response_to = decode_json_unsigned(raw.response_to, max_rpc_id);
  if (!response_to) return bad_field(envelope_name, "response_to");

  rpc_envelope envelope{.type_id = static_cast<std::uint32_t>(*type_id),
                        .request_id = *request_id,
                        .response_to = *response_to,
                        .payload = raw.payload,
                        .error = std::nullopt};
  if (!is_absent(raw.error)) {
    auto error = decode_error_member(raw.error);
    if (!error) return error.error();
    envelope.error = std::move(*error);
  }
  return envelope;
}

}  // namespace flowersec::messages::rpc::v1
