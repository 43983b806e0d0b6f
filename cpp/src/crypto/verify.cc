#include "flowersec/crypto/verify.h"

#include <sodium.h>

#include "crypto/sodium.h"

namespace flowersec::crypto {

static_assert(crypto_sign_BYTES == ed25519_signature_bytes);
static_assert(crypto_sign_PUBLICKEYBYTES == ed25519_public_key_bytes);

bool ed25519_verify(byte_view message, byte_view signature, const ed25519_public_key& key) noexcept {
  if (signature.size() != ed25519_signature_bytes) return false;
  prepare_sodium();
  return crypto_sign_verify_detached(reinterpret_cast<const unsigned char*>(signature.data()),
                                     reinterpret_cast<const unsigned char*>(message.data()), message.size(),
                                     reinterpret_cast<const unsigned char*>(key.data())) == 0;
}

}  // namespace flowersec::crypto
