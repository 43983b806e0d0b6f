// Messages of flowersec.controlplane.v1: what an issuer hands to each end of a channel.
// Layer messages. Source: PROTOCOL, "Messages".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "flowersec/messages/decode_error.h"
#include "flowersec/messages/sensitive_text.h"

namespace flowersec::messages::controlplane::v1 {

enum class role : std::uint8_t { client = 1, server = 2 };

enum class suite : std::uint16_t {
  x25519_hkdf_sha256_aes_256_gcm = 1,
  p256_hkdf_sha256_aes_256_gcm = 2,
};

/// Everything one end needs to reach the other through a tunnel. The grants of the two ends differ in role and token.
struct channel_init_grant {
  std::string tunnel_url;                          ///< WebSocket URL of the tunnel
  std::string channel_id;                          ///< the same for both roles
  std::int64_t channel_init_expire_at_unix_s = 0;  ///< end of the init window, Unix seconds
  std::int32_t idle_timeout_seconds = 0;           ///< idle time-out the tunnel enforces
  v1::role role{};                                 ///< the role this grant is for
  sensitive_text token;                            ///< attach token
  sensitive_text e2ee_psk_b64u;                    ///< 32 bytes, base64url
  std::vector<suite> allowed_suites;               ///< not empty
  suite default_suite{};                           ///< the suite used; one of allowed_suites

  [[nodiscard]] channel_init_grant clone() const;
};

/// Compact JSON, keys in the order above. Contains secrets.
[[nodiscard]] std::string encode(const channel_init_grant& grant);

/// Types, ranges and declared enum values only; emptiness, lengths and roles are for who uses the grant.
[[nodiscard]] decoded<channel_init_grant> decode_channel_init_grant(std::string_view text);

}  // namespace flowersec::messages::controlplane::v1
