#include "flowersec/record/keys.h"

#include "flowersec/crypto/kdf.h"

namespace flowersec::record {

secret_key derive_next_key(const direction_keys& keys, std::uint64_t sequence) {
  std::array<std::byte, sizeof sequence + sizeof keys.way> which;
  store_be(which.data(), sequence);
  store_be(which.data() + sizeof sequence, static_cast<std::uint8_t>(keys.way));
  const auto salt = crypto::hmac_sha256(keys.rekey_base.view(), {keys.transcript_hash, which});
  auto prk = crypto::hkdf_sha256::extract(salt.view(), {as_bytes("flowersec-e2ee-v1:rekey")});
  return prk.expand<crypto::aead_key_bytes>("flowersec-e2ee-v1:rekey:key");
}

}  // namespace flowersec::record
