// Messages of flowersec.e2ee.v1: the JSON payloads of the three handshake frames.
// Layer messages. Source: PROTOCOL, "Handshake messages".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "flowersec/messages/decode_error.h"

namespace flowersec::messages::e2ee::v1 {

enum class role : std::uint8_t { client = 1, server = 2 };

enum class suite : std::uint16_t {
  x25519_hkdf_sha256_aes_256_gcm = 1,
  p256_hkdf_sha256_aes_256_gcm = 2,
};

/// Flags of a record header; binary framing, never JSON.
enum class record_flags : std::uint8_t { app = 0, ping = 1, rekey = 2 };

/// Bits of the feature words. Bound into the transcript; unknown bits are allowed.
enum class e2ee_feature_bits : std::uint32_t { rekey = 1 };

/// Client to server.
struct e2ee_init {
  std::string channel_id;
  v1::role role{};
  std::uint8_t version = 0;
  v1::suite suite{};
  std::string client_eph_pub_b64u;
  std::string nonce_c_b64u;
  std::uint32_t client_features = 0;
};

/// Server to client.
struct e2ee_resp {
  std::string handshake_id;
  std::string server_eph_pub_b64u;
  std::string nonce_s_b64u;
  std::uint32_t server_features = 0;
};

/// Client to server.
struct e2ee_ack {
  std::string handshake_id;
  std::uint64_t timestamp_unix_s = 0;
  std::string auth_tag_b64u;
};

/// Compact JSON, keys in the order above.
[[nodiscard]] std::string encode(const e2ee_init& message);
[[nodiscard]] std::string encode(const e2ee_resp& message);
[[nodiscard]] std::string encode(const e2ee_ack& message);

/// Types, ranges and declared enum values only.
[[nodiscard]] decoded<e2ee_init> decode_e2ee_init(std::string_view text);
[[nodiscard]] decoded<e2ee_resp> decode_e2ee_resp(std::string_view text);
[[nodiscard]] decoded<e2ee_ack> decode_e2ee_ack(std::string_view text);

}  // namespace flowersec::messages::e2ee::v1
