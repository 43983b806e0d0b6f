// Messages of flowersec.direct.v1: how a client reaches an endpoint without a tunnel.
// Layer messages. Source: PROTOCOL, "Messages".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "flowersec/messages/decode_error.h"
#include "flowersec/messages/sensitive_text.h"

namespace flowersec::messages::direct::v1 {

enum class suite : std::uint16_t {
  x25519_hkdf_sha256_aes_256_gcm = 1,
  p256_hkdf_sha256_aes_256_gcm = 2,
};

struct direct_connect_info {
  std::string ws_url;  ///< WebSocket URL of the endpoint
  std::string channel_id;
  sensitive_text e2ee_psk_b64u;                    ///< 32 bytes, base64url
  std::int64_t channel_init_expire_at_unix_s = 0;  ///< end of the init window, Unix seconds
  suite default_suite{};                           ///< the suite used

  [[nodiscard]] direct_connect_info clone() const;
};

/// Compact JSON, keys in the order above. Contains secrets.
[[nodiscard]] std::string encode(const direct_connect_info& info);
[[nodiscard]] decoded<direct_connect_info> decode_direct_connect_info(std::string_view text);

}  // namespace flowersec::messages::direct::v1
