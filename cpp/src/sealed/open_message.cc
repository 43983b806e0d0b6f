#include "flowersec/sealed/open_message.h"

#include "flowersec/base/base64url.h"
#include "flowersec/base/json.h"
#include "flowersec/base/text.h"

namespace flowersec::sealed {
namespace {

/// Reads one member; false when it is missing or of another type.
template <class T>
bool read(const boost::json::object& from, std::string_view name, T& into) {
  json_object_reader reader{from};
  reader.read(name, into);
  return reader.ok();
}

bool is_valid_channel_id(std::string_view id) noexcept {
  return !id.empty() && id.size() <= max_channel_id_bytes && trim(id).size() == id.size();
}

bool is_valid_kid(std::string_view kid) noexcept {
  std::array<std::byte, kid_bytes> bytes;
  return decode_base64url_into(kid, bytes);
}

}  // namespace

std::string encode(const open_message& message) {
  std::string text;
  json_object_writer{text}
      .field("v", open_version)
      .field("type", open_type)
      .field("channel_id", message.channel_id)
      .field("kid", message.kid)
      .field("suite", static_cast<std::uint16_t>(message.suite))
      .field("sealed_psk_b64u", encode_base64url(message.sealed))
      .end();
  return text;
}

result<open_message> decode(std::string_view text) {
  if (text.size() > max_open_bytes) return sealed_errc::message_too_long;
  const auto object = parse_json_object(text, max_open_bytes);
  if (!object) return sealed_errc::not_an_object;

  std::uint32_t version = 0;
  if (!read(*object, "v", version) || version != open_version) return sealed_errc::bad_version;
  std::string type;
  if (!read(*object, "type", type) || type != open_type) return sealed_errc::bad_type;
  open_message message;
  if (!read(*object, "channel_id", message.channel_id) || !is_valid_channel_id(message.channel_id)) {
    return sealed_errc::bad_channel_id;
  }
  if (!read(*object, "kid", message.kid) || !is_valid_kid(message.kid)) return sealed_errc::bad_kid;
  std::uint16_t suite = 0;
  if (!read(*object, "suite", suite)) return sealed_errc::bad_suite;
  message.suite = static_cast<crypto::suite>(suite);
  if (!crypto::is_known(message.suite)) return sealed_errc::bad_suite;
  std::string sealed;
  if (!read(*object, "sealed_psk_b64u", sealed) || !decode_base64url_into(sealed, message.sealed)) {
    return sealed_errc::bad_box;
  }
  return message;
}

}  // namespace flowersec::sealed
