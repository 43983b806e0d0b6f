#include "flowersec/messages/grant_file.h"

#include <array>

#include "flowersec/messages/codec.h"

namespace flowersec::messages {
namespace {

using controlplane::v1::channel_init_grant;

constexpr std::string_view grant_name = "ChannelInitGrant";

decoded<channel_init_grant> read_wrapped(std::string_view text, std::string_view wrapper, controlplane::v1::role role) {
  if (text.size() > max_text_bytes) return decode_error{messages_errc::not_an_object, std::string{grant_name}, {}};
  std::array<std::string_view, 1> wrapped{};
  if (auto bad = find_members({.name = grant_name, .keys = {&wrapper, 1}}, text, wrapped)) return *bad;
  if (!wrapped[0].empty() && !wrapped[0].starts_with('{')) {
    return decode_error{messages_errc::bad_field, std::string{grant_name}, std::string{wrapper}};
  }
  auto grant = controlplane::v1::decode_channel_init_grant(wrapped[0].empty() ? text : wrapped[0]);
  if (grant && grant->role != role) return decode_error{messages_errc::wrong_role, std::string{grant_name}, "role"};
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
