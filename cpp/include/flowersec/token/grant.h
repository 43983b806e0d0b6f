// From grants and direct infos as read to what an endpoint connects with: every rule checked once, values typed.
// Layer token, part `grant`. Source: PROTOCOL, "Messages".
#pragma once

#include <chrono>
#include <string>

#include "flowersec/base/clock.h"
#include "flowersec/base/error.h"
#include "flowersec/crypto/secret.h"
#include "flowersec/crypto/suite.h"
#include "flowersec/messages/controlplane_v1.h"
#include "flowersec/messages/direct_v1.h"

namespace flowersec::token {

/// Each refuses a connect before any network activity. The names are the codes of the public error model.
enum class grant_errc {
  role_mismatch = 1,   ///< the grant is for the other role
  missing_tunnel_url,  ///< blank
  missing_ws_url,      ///< blank
  missing_channel_id,  ///< blank
  invalid_input,       ///< channel id above 256 bytes
  missing_token,       ///< blank
  missing_init_exp,    ///< not above 0
  invalid_suite,       ///< no suites, or the default is not among the allowed
  invalid_psk,         ///< not base64url of 32 bytes
};

/// The code's name, for example "missing_token".
[[nodiscard]] const char* name_of(grant_errc code) noexcept;
[[nodiscard]] const char* describe(grant_errc code) noexcept;
[[nodiscard]] error_code make_error_code(grant_errc code) noexcept;

/// What one end of a tunnel channel connects with. Texts are trimmed. Move-only.
struct tunnel_credential {
  std::string tunnel_url;
  std::string channel_id;  ///< 1 to 256 bytes
  unix_seconds init_exp{};
  std::chrono::seconds idle_timeout{};
  messages::controlplane::v1::role role{};
  messages::sensitive_text token;
  crypto::psk psk;
  crypto::suite suite{};
};

/// What a client of a direct endpoint connects with. Texts are trimmed. Move-only.
struct direct_credential {
  std::string ws_url;
  std::string channel_id;  ///< 1 to 256 bytes
  unix_seconds init_exp{};
  crypto::psk psk;
  crypto::suite suite{};
};

/// Errors   the first broken rule, in the order of grant_errc.
[[nodiscard]] result<tunnel_credential> check_grant(const messages::controlplane::v1::channel_init_grant& grant,
                                                    messages::controlplane::v1::role expected);
[[nodiscard]] result<direct_credential> check_direct_info(const messages::direct::v1::direct_connect_info& info);

}  // namespace flowersec::token

FLOWERSEC_REGISTER_ERRC(flowersec::token::grant_errc)
