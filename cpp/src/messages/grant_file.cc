#include "flowersec/messages/grant_file.h"

#include "messages/codec.h"
#include "messages/grant_fields.h"

namespace flowersec::messages {
namespace {

using controlplane::v1::channel_init_grant;

decoded<channel_init_grant> read_wrapped(std::string_view text, std::string_view wrapper, controlplane::v1::role role) {
  const auto object = parse_json_object(text, max_text_bytes);
  if (!object) return decode_error{messages_errc::not_an_object, "ChannelInitGrant", {}};

  const auto* grant_object = &*object;
  if (const auto* wrapped = object->if_contains({wrapper.data(), wrapper.size()})) {
    grant_object = wrapped->if_object();
    if (grant_object == nullptr) return bad_field("ChannelInitGrant", wrapper);
  }
  auto grant = controlplane::v1::decode_channel_init_grant(*grant_object);
  if (grant && grant->role != role) return decode_error{messages_errc::wrong_role, "ChannelInitGrant", "role"};
  return grant;
}

}  // namespace

decoded<channel_init_grant> read_client_grant(std::string_view text) {
  return read_wrapped(text, "grant_client", controlplane::v1::role::client);
}

decoded<channel_init_grant> read_server_grant(std::string_view text) {
  return read_wrapped(text, "grant_server", controlplane::v1::role::server);
}

decoded<channel_init_grant> read_raw_grant(std::string_view text) {
  return controlplane::v1::decode_channel_init_grant(text);
}

decoded<direct::v1::direct_connect_info> read_direct_info(std::string_view text) {
  return direct::v1::decode_direct_connect_info(text);
}

}  // namespace flowersec::messages
