// Ed25519 signing keys.
// Layer crypto, part `sign`, on libsodium. The key is long-lived, so it sits in guarded, locked memory of its own.
// Source: RFC 8032.
#pragma once

#include <memory>

#include "flowersec/base/error.h"
#include "flowersec/base/random.h"
#include "flowersec/crypto/error.h"
#include "flowersec/crypto/secret.h"
#include "flowersec/crypto/verify.h"

namespace flowersec::crypto {

inline constexpr std::size_t ed25519_seed_bytes = 32;
inline constexpr std::size_t ed25519_private_key_bytes = 64;  ///< seed, then public key

/// Move-only; wiped on destruction; a moved-from key may only be destroyed or assigned to.
/// Safe to sign from several threads at once.
class ed25519_signing_key {
 public:
  [[nodiscard]] static ed25519_signing_key from_seed(std::span<const std::byte, ed25519_seed_bytes> seed);
  /// Shape    seed, then public key.
  /// Errors   bad_length; bad_private_key when the public half is not the seed's.
  [[nodiscard]] static result<ed25519_signing_key> from_private_key(byte_view private_key);
  /// Errors   no_randomness.
  [[nodiscard]] static result<ed25519_signing_key> generate(random_source& random);

  [[nodiscard]] const ed25519_public_key& public_key() const noexcept { return public_key_; }
  [[nodiscard]] ed25519_signature sign(byte_view message) const noexcept;
  /// Seed, then public key: the form of the private key file.
  [[nodiscard]] secret_bytes<ed25519_private_key_bytes> private_key() const noexcept;

 private:
  ed25519_signing_key();

  struct deleter {
    void operator()(std::byte* key) const noexcept;  // wipes before it frees
  };
  std::unique_ptr<std::byte, deleter> key_;
  ed25519_public_key public_key_{};
};

}  // namespace flowersec::crypto
