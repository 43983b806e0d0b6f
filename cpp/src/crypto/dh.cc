#include "flowersec/crypto/dh.h"

#include <sodium.h>

#include "crypto/p256.h"
#include "crypto/sodium.h"

namespace flowersec::crypto {
namespace {

static_assert(crypto_scalarmult_BYTES == shared_secret_bytes);
static_assert(crypto_scalarmult_SCALARBYTES == dh_private_key_bytes);

const unsigned char* in(byte_view bytes) noexcept { return reinterpret_cast<const unsigned char*>(bytes.data()); }
unsigned char* out(mutable_byte_view bytes) noexcept { return reinterpret_cast<unsigned char*>(bytes.data()); }

/// Multiplications of libsodium leave a copy of the scalar on the stack, not deeper than this.
constexpr std::size_t stack_of_multiplication = 4096;

}  // namespace

bool is_valid_public_key(suite id, byte_view key) {
  switch (id) {
    case suite::x25519:
      return key.size() == x25519_public_key_bytes;
    case suite::p256:
      return p256::is_valid_point(key);
  }
  return false;
}

result<dh_key_pair> dh_key_pair::generate(suite id, random_source& random) {
  secret_bytes<dh_private_key_bytes> bytes;
  for (;;) {
    if (!random.fill(bytes.mutable_view())) return crypto_errc::no_randomness;
    // A P-256 scalar outside 1..n-1 comes up once in 2^32 draws; drawing again keeps the distribution uniform.
    if (id == suite::p256 && !p256::is_valid_scalar(bytes.view())) continue;
    return from_private(id, bytes.view());
  }
}

result<dh_key_pair> dh_key_pair::from_private(suite id, byte_view private_key) {
  if (private_key.size() != dh_private_key_bytes) return crypto_errc::bad_length;
  const auto scalar = private_key.first<dh_private_key_bytes>();
  dh_key_pair pair{id, secret_bytes<dh_private_key_bytes>{scalar}};
  const mutable_byte_view public_key{pair.public_key_};
  switch (id) {
    case suite::x25519:
      prepare_sodium();
      (void)crypto_scalarmult_base(out(public_key), in(scalar));
      sodium_stackzero(stack_of_multiplication);
      return pair;
    case suite::p256:
      if (!p256::is_valid_scalar(scalar)) return crypto_errc::bad_private_key;
      p256::derive_public_key(scalar, public_key.first<p256_public_key_bytes>());
      return pair;
  }
  return crypto_errc::bad_private_key;
}

result<secret_bytes<shared_secret_bytes>> dh_key_pair::agree(byte_view peer_public_key) const {
  if (peer_public_key.size() != public_key_bytes(id_)) return crypto_errc::bad_length;
  secret_bytes<shared_secret_bytes> secret;
  if (id_ == suite::p256) {
    if (!p256::multiply(private_key_.view(), peer_public_key, secret.mutable_view()))
      return crypto_errc::bad_public_key;
    return secret;
  }
  // Is -1 for an all-zero output, whichever small-order point led to it.
  const int weak = crypto_scalarmult(out(secret.mutable_view()), in(private_key_.view()), in(peer_public_key));
  sodium_stackzero(stack_of_multiplication);
  if (weak != 0) return crypto_errc::weak_shared_secret;
  return secret;
}

}  // namespace flowersec::crypto
