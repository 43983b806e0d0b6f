#include "flowersec/crypto/secretbox.h"

#include <sodium.h>

#include <array>

#include "crypto/sodium.h"

namespace flowersec::crypto {
namespace {

static_assert(crypto_secretbox_KEYBYTES == secretbox_key_bytes);
static_assert(crypto_secretbox_NONCEBYTES == secretbox_nonce_bytes);
static_assert(crypto_secretbox_MACBYTES == secretbox_tag_bytes);

const unsigned char* in(byte_view bytes) noexcept { return reinterpret_cast<const unsigned char*>(bytes.data()); }
unsigned char* out(mutable_byte_view bytes) noexcept { return reinterpret_cast<unsigned char*>(bytes.data()); }

}  // namespace

secret_bytes<secretbox_key_bytes> box_key(std::span<const std::byte, 32> x25519_output) noexcept {
  prepare_sodium();
  constexpr std::array<unsigned char, crypto_core_hsalsa20_INPUTBYTES> zero{};
  secret_bytes<secretbox_key_bytes> key;
  (void)crypto_core_hsalsa20(out(key.mutable_view()), zero.data(), in(x25519_output), nullptr);
  return key;
}

byte_buffer secretbox_seal(std::span<const std::byte, secretbox_key_bytes> key,
                           std::span<const std::byte, secretbox_nonce_bytes> nonce, byte_view plaintext) {
  prepare_sodium();
  byte_buffer sealed(plaintext.size() + secretbox_tag_bytes);
  (void)crypto_secretbox_easy(out(sealed), in(plaintext), plaintext.size(), in(nonce), in(key));
  return sealed;
}

std::optional<byte_buffer> secretbox_open(std::span<const std::byte, secretbox_key_bytes> key,
                                          std::span<const std::byte, secretbox_nonce_bytes> nonce, byte_view sealed) {
  prepare_sodium();
  if (sealed.size() < secretbox_tag_bytes) return std::nullopt;
  byte_buffer plaintext(sealed.size() - secretbox_tag_bytes);
  if (crypto_secretbox_open_easy(out(plaintext), in(sealed), sealed.size(), in(nonce), in(key)) != 0) {
    return std::nullopt;
  }
  return plaintext;
}

}  // namespace flowersec::crypto
