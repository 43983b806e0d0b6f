#include "flowersec/token/grant.h"

#include <algorithm>

#include "flowersec/base/text.h"
#include "flowersec/messages/tunnel_v1.h"

namespace flowersec::token {
namespace {

using messages::controlplane::v1::channel_init_grant;
using messages::direct::v1::direct_connect_info;

result<std::string> check_channel_id(std::string_view given) {
  const auto channel_id = trim(given);
  if (channel_id.empty()) return grant_errc::missing_channel_id;
  if (channel_id.size() > messages::tunnel::v1::max_channel_id_bytes) return grant_errc::invalid_input;
  return std::string{channel_id};
}

bool has_sound_suites(const channel_init_grant& grant) noexcept {
  const auto& allowed = grant.allowed_suites;
  const auto known = [](auto id) { return crypto::is_known(static_cast<crypto::suite>(id)); };
  return std::all_of(allowed.begin(), allowed.end(), known) &&
         std::find(allowed.begin(), allowed.end(), grant.default_suite) != allowed.end();
}

}  // namespace

const char* name_of(grant_errc code) noexcept {
  switch (code) {
    case grant_errc::role_mismatch:
      return "role_mismatch";
    case grant_errc::missing_tunnel_url:
      return "missing_tunnel_url";
    case grant_errc::missing_ws_url:
      return "missing_ws_url";
    case grant_errc::missing_channel_id:
      return "missing_channel_id";
    case grant_errc::invalid_input:
      return "invalid_input";
    case grant_errc::missing_token:
      return "missing_token";
    case grant_errc::missing_init_exp:
      return "missing_init_exp";
    case grant_errc::invalid_suite:
      return "invalid_suite";
    case grant_errc::invalid_psk:
      return "invalid_psk";
  }
  return "unknown";
}

const char* describe(grant_errc code) noexcept {
  switch (code) {
    case grant_errc::role_mismatch:
      return "the grant is for the other role";
    case grant_errc::missing_tunnel_url:
      return "the grant names no tunnel URL";
    case grant_errc::missing_ws_url:
      return "the connect info names no WebSocket URL";
    case grant_errc::missing_channel_id:
      return "the channel id is blank";
    case grant_errc::invalid_input:
      return "the channel id is longer than 256 bytes";
    case grant_errc::missing_token:
      return "the grant holds no token";
    case grant_errc::missing_init_exp:
      return "the end of the init window is missing";
    case grant_errc::invalid_suite:
      return "the default suite is not among the allowed suites";
    case grant_errc::invalid_psk:
      return "the pre-shared key is not base64url of 32 bytes";
  }
  return "unknown grant error";
}

error_code make_error_code(grant_errc code) noexcept {
  static constexpr errc_category<grant_errc> category{"flowersec.grant"};
  return {static_cast<int>(code), category};
}

result<tunnel_credential> check_grant(const channel_init_grant& grant, messages::controlplane::v1::role expected) {
  if (grant.role != expected) return grant_errc::role_mismatch;
  const auto url = trim(grant.tunnel_url);
  if (url.empty()) return grant_errc::missing_tunnel_url;
  auto channel_id = check_channel_id(grant.channel_id);
  if (!channel_id) return channel_id.error();
  const auto token = trim(grant.token.view());
  if (token.empty()) return grant_errc::missing_token;
  if (grant.channel_init_expire_at_unix_s <= 0) return grant_errc::missing_init_exp;
  if (!has_sound_suites(grant)) return grant_errc::invalid_suite;
  auto psk = crypto::psk::from_base64url(trim(grant.e2ee_psk_b64u.view()));
  if (!psk) return grant_errc::invalid_psk;
  return tunnel_credential{.tunnel_url = std::string{url},
                           .channel_id = std::move(*channel_id),
                           .init_exp = unix_seconds{grant.channel_init_expire_at_unix_s},
                           .idle_timeout = std::chrono::seconds{grant.idle_timeout_seconds},
                           .role = grant.role,
                           .token = messages::sensitive_text{token},
                           .psk = std::move(*psk),
                           .suite = static_cast<crypto::suite>(grant.default_suite)};
}

result<direct_credential> check_direct_info(const direct_connect_info& info) {
  const auto url = trim(info.ws_url);
  if (url.empty()) return grant_errc::missing_ws_url;
  auto channel_id = check_channel_id(info.channel_id);
  if (!channel_id) return channel_id.error();
  if (info.channel_init_expire_at_unix_s <= 0) return grant_errc::missing_init_exp;
  const auto suite = static_cast<crypto::suite>(info.default_suite);
  if (!crypto::is_known(suite)) return grant_errc::invalid_suite;
  auto psk = crypto::psk::from_base64url(trim(info.e2ee_psk_b64u.view()));
  if (!psk) return grant_errc::invalid_psk;
  return direct_credential{.ws_url = std::string{url},
                           .channel_id = std::move(*channel_id),
                           .init_exp = unix_seconds{info.channel_init_expire_at_unix_s},
                           .psk = std::move(*psk),
                           .suite = suite};
}

}  // namespace flowersec::token
