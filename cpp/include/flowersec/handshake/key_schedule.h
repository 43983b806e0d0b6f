// Transcript, key schedule and authentication tag: what both roles compute from one handshake.
// Layer handshake. Pure functions. Source: PROTOCOL, "Transcript" and "Key schedule"; RFC 5869.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "flowersec/base/bytes.h"
#include "flowersec/base/error.h"
#include "flowersec/crypto/dh.h"
#include "flowersec/crypto/hash.h"
#include "flowersec/crypto/secret.h"

namespace flowersec::handshake {

using nonce = std::array<std::byte, 32>;
using nonce_prefix = std::array<std::byte, 4>;

/// Everything both sides must agree on. The views must outlive it; keys are the bytes as transmitted.
/// handshake_id and timestamp are not part of it.
struct transcript {
  crypto::suite suite;
  std::uint32_t client_features;
  std::uint32_t server_features;
  std::string_view channel_id;  ///< 1..65535 bytes
  nonce nonce_c;
  nonce nonce_s;
  byte_view client_public_key;
  byte_view server_public_key;
};

[[nodiscard]] crypto::sha256_digest hash_of(const transcript& t);

/// Public once ACK is sent; until then whoever knows it can be the client.
/// Source   HMAC-SHA256(psk, transcript_hash || u64be(timestamp_unix_s)).
[[nodiscard]] crypto::secret_bytes<32> compute_auth_tag(const crypto::psk& psk,
                                                        const crypto::sha256_digest& transcript_hash,
                                                        std::uint64_t timestamp_unix_s);

/// Where one direction starts from. Each direction has its own copy of the rekey base, so that each can be owned,
/// and wiped, on its own.
struct direction_secrets {
  crypto::secret_bytes<32> key;
  nonce_prefix prefix;
  crypto::secret_bytes<32> rekey_base;
};

/// What a finished handshake leaves behind; move-only, wiped on destruction.
struct traffic_keys {
  direction_secrets client_to_server;
  direction_secrets server_to_client;
  crypto::sha256_digest transcript_hash;
  /// Features both sides have set.
  std::uint32_t common_features;
};

/// Source   PRK = HMAC-SHA256(psk, shared_secret || transcript_hash), then one HKDF-Expand for each output.
[[nodiscard]] traffic_keys derive_traffic_keys(const crypto::psk& psk, const crypto::secret_bytes<32>& shared_secret,
                                               const crypto::sha256_digest& transcript_hash,
                                               std::uint32_t common_features);

}  // namespace flowersec::handshake
