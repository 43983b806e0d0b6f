#include "flowersec/messages/tunnel_v1.h"

#include <array>

#include "flowersec/base/base64url.h"
#include "flowersec/base/text.h"

namespace flowersec::messages::tunnel::v1 {
namespace {

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

decoded<attach> read_attach(std::string_view text) {
  auto message = decode_attach(text);
  if (!message) return message;
  message->channel_id = std::string{trim(message->channel_id)};
  message->token = sensitive_text{trim(message->token.view())};
  message->endpoint_instance_id = std::string{trim(message->endpoint_instance_id)};
  if (const auto field = first_bad_field(*message); !field.empty()) {
    return decode_error{messages_errc::bad_field, "Attach", std::string{field}};
  }
  return message;
}

bool is_valid_endpoint_instance_id(std::string_view id) noexcept {
  const auto size = base64url_decoded_size(id.size());
  if (!size || *size < min_endpoint_instance_id_bytes || *size > max_endpoint_instance_id_bytes) return false;
  std::array<std::byte, max_endpoint_instance_id_bytes> bytes;
  return decode_base64url_into(id, mutable_byte_view{bytes}.first(*size));
}

}  // namespace flowersec::messages::tunnel::v1
