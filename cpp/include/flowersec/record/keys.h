// What one direction of a session is protected with.
// Layer record. Made by the handshake, moved in, never copied, wiped with its owner.
// Source: PROTOCOL, "Key schedule" and "Rekey".
#pragma once

#include <array>

#include "flowersec/crypto/aead.h"
#include "flowersec/crypto/hash.h"
#include "flowersec/crypto/secret.h"
#include "flowersec/record/frame.h"

namespace flowersec::record {

using nonce_prefix = std::array<std::byte, 4>;

using secret_key = crypto::secret_bytes<crypto::aead_key_bytes>;

/// Every later key comes from `rekey_base`, never from the key before it, so both halves live side by side.
struct direction_keys {
  direction way;
  secret_key key;       ///< of the first epoch
  nonce_prefix prefix;  ///< the same in every epoch
  secret_key rekey_base;
  crypto::sha256_digest transcript_hash;
};

/// The key that follows the rekey record with this sequence number.
/// Source   salt = HMAC(rekey_base, transcript_hash || u64be(sequence) || u8(way));
///          key  = HKDF(salt, "flowersec-e2ee-v1:rekey", "flowersec-e2ee-v1:rekey:key").
[[nodiscard]] secret_key derive_next_key(const direction_keys& keys, std::uint64_t sequence);

}  // namespace flowersec::record
