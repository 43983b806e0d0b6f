#include "flowersec/crypto/sign.h"

#include <sodium.h>

#include <new>

#include "crypto/sodium.h"

namespace flowersec::crypto {
namespace {

static_assert(crypto_sign_SECRETKEYBYTES == ed25519_private_key_bytes);

unsigned char* raw(std::byte* bytes) noexcept { return reinterpret_cast<unsigned char*>(bytes); }
const unsigned char* raw(const std::byte* bytes) noexcept { return reinterpret_cast<const unsigned char*>(bytes); }

}  // namespace

void ed25519_signing_key::deleter::operator()(std::byte* key) const noexcept { sodium_free(key); }

ed25519_signing_key::ed25519_signing_key() {
  prepare_sodium();
  key_.reset(static_cast<std::byte*>(sodium_malloc(ed25519_private_key_bytes)));
  if (key_ == nullptr) throw std::bad_alloc{};
}

ed25519_signing_key ed25519_signing_key::from_seed(std::span<const std::byte, ed25519_seed_bytes> seed) {
  ed25519_signing_key key;
  (void)crypto_sign_seed_keypair(raw(key.public_key_.data()), raw(key.key_.get()), raw(seed.data()));
  return key;
}

result<ed25519_signing_key> ed25519_signing_key::from_private_key(byte_view private_key) {
  if (private_key.size() != ed25519_private_key_bytes) return crypto_errc::bad_length;
  auto key = from_seed(private_key.first<ed25519_seed_bytes>());
  // A wrong public half would make signatures that leak the private key.
  const auto stored = private_key.subspan<ed25519_seed_bytes>();
  if (!constant_time_equal(stored, key.public_key_)) return crypto_errc::bad_private_key;
  return key;
}

result<ed25519_signing_key> ed25519_signing_key::generate(random_source& random) {
  secret_bytes<ed25519_seed_bytes> seed;
  if (!random.fill(seed.mutable_view())) return crypto_errc::no_randomness;
  return from_seed(seed.view());
}

ed25519_signature ed25519_signing_key::sign(byte_view message) const noexcept {
  ed25519_signature signature;
  (void)crypto_sign_detached(raw(signature.data()), nullptr, raw(message.data()), message.size(), raw(key_.get()));
  return signature;
}

secret_bytes<ed25519_private_key_bytes> ed25519_signing_key::private_key() const noexcept {
  return secret_bytes<ed25519_private_key_bytes>{
      std::span<const std::byte, ed25519_private_key_bytes>{key_.get(), ed25519_private_key_bytes}};
}

}  // namespace flowersec::crypto
