#include "flowersec/messages/tunnel_v1.h"

#include "flowersec/base/base64url.h"
#include "flowersec/base/text.h"
#include "messages/codec.h"

namespace flowersec::messages::tunnel::v1 {
namespace {

using capabilities = std::map<std::string, std::string>;

constexpr std::string_view attach_name = "Attach";

void read_caps(json_object_reader& reader, std::string_view name, std::optional<capabilities>& into) {
  const auto* member = reader.find(name);
  if (member == nullptr) return;
  const auto* object = member->if_object();
  if (object == nullptr) return reader.fail(name);
  auto& caps = into.emplace();
  for (const auto& [key, value] : *object) {
    const auto* text = value.if_string();
    if (text == nullptr) return reader.fail(std::string{name} + "[]");
    caps.insert_or_assign(std::string{key.data(), key.size()}, std::string{text->data(), text->size()});
  }
}

std::string encode_caps(const capabilities& caps) {
  std::string out;
  json_object_writer writer{out};
  for (const auto& [key, value] : caps) writer.field(key, value);
  writer.end();
  return out;
}

bool has_size_within(std::string_view text, std::size_t max) noexcept { return !text.empty() && text.size() <= max; }

/// Name of the first field that breaks its rule; empty when all hold. Expects trimmed values.
std::string_view first_bad_field(const attach& message) noexcept {
  if (message.v != attach_version) return "v";
  if (!has_size_within(message.channel_id, max_channel_id_bytes)) return "channel_id";
  if (!has_size_within(message.token.view(), max_token_bytes)) return "token";
  if (!is_valid_endpoint_instance_id(message.endpoint_instance_id)) return "endpoint_instance_id";
  return {};
}

}  // namespace

std::string encode(const attach& message) {
  std::string out;
  json_object_writer writer{out};
  writer.field("v", message.v)
      .field("channel_id", message.channel_id)
      .field("role", number_of(message.role))
      .field("token", message.token.view())
      .field("endpoint_instance_id", message.endpoint_instance_id);
  if (message.caps) writer.raw("caps", encode_caps(*message.caps));
  writer.end();
  return out;
}

decoded<attach> decode_attach(std::string_view text) {
  return decode_object<attach>(attach_name, text, [](json_object_reader& reader, attach& message) {
    reader.read("v", message.v);
    reader.read("channel_id", message.channel_id);
    read_enum(reader, "role", message.role, {role::client, role::server});
    read_sensitive(reader, "token", message.token);
    reader.read("endpoint_instance_id", message.endpoint_instance_id);
    read_caps(reader, "caps", message.caps);
  });
}

decoded<attach> read_attach(std::string_view text) {
  auto message = decode_attach(text);
  if (!message) return message;
  message->channel_id = std::string{trim(message->channel_id)};
  message->token = sensitive_text{trim(message->token.view())};
  message->endpoint_instance_id = std::string{trim(message->endpoint_instance_id)};
  if (const auto field = first_bad_field(*message); !field.empty()) return bad_field(attach_name, field);
  return message;
}

bool is_valid_endpoint_instance_id(std::string_view id) noexcept {
  const auto size = base64url_decoded_size(id.size());
  if (!size || *size < min_endpoint_instance_id_bytes || *size > max_endpoint_instance_id_bytes) return false;
  std::array<std::byte, max_endpoint_instance_id_bytes> bytes;
  return decode_base64url_into(id, mutable_byte_view{bytes}.first(*size));
}

}  // namespace flowersec::messages::tunnel::v1
