#include "flowersec/crypto/password.h"

#include <sodium.h>

#include "crypto/sodium.h"

namespace flowersec::crypto {

static_assert(crypto_pwhash_argon2id_SALTBYTES == password_salt_bytes);

result<secret_bytes<password_key_bytes>> key_from_password(std::string_view passphrase,
                                                           std::span<const std::byte, password_salt_bytes> salt,
                                                           password_cost cost) {
  if (!cost.is_valid()) return crypto_errc::bad_length;
  prepare_sodium();
  secret_bytes<password_key_bytes> key;
  const auto into = key.mutable_view();
  const auto failed =
      crypto_pwhash_argon2id(reinterpret_cast<unsigned char*>(into.data()), into.size(), passphrase.data(),
                             passphrase.size(), reinterpret_cast<const unsigned char*>(salt.data()), cost.passes,
                             std::size_t{cost.memory_kib} * 1024, crypto_pwhash_argon2id_ALG_ARGON2ID13);
  if (failed != 0) return crypto_errc::no_memory;
  return key;
}

}  // namespace flowersec::crypto
