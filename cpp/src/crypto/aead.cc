#include "flowersec/crypto/aead.h"

#include <openssl/evp.h>

#include "crypto/openssl.h"

namespace flowersec::crypto {
namespace {

enum class direction : int { open = 0, seal = 1 };

const EVP_CIPHER* algorithm() {
  static EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  require(cipher != nullptr);
  return cipher;
}

const unsigned char* in(byte_view bytes) noexcept { return reinterpret_cast<const unsigned char*>(bytes.data()); }
unsigned char* out(mutable_byte_view bytes) noexcept { return reinterpret_cast<unsigned char*>(bytes.data()); }

/// Sets what is given and keeps the rest: (key, no nonce) for a new key, (no key, nonce) for a new record.
void initialise(EVP_CIPHER_CTX* context, const unsigned char* key, const unsigned char* nonce, direction way) {
  require(EVP_CipherInit_ex2(context, nullptr, key, nonce, static_cast<int>(way), nullptr) == 1);
}

detail::cipher_context new_context(aead_key_view key, direction way) {
  detail::cipher_context context{EVP_CIPHER_CTX_new()};
  require(context != nullptr &&
          EVP_CipherInit_ex2(context.get(), algorithm(), in(key), nullptr, static_cast<int>(way), nullptr) == 1);
  return context;
}

/// With `to` null the bytes are associated data. Sizes were checked against aead_max_plaintext_bytes.
void feed(EVP_CIPHER_CTX* context, byte_view from, unsigned char* to) {
  if (from.empty()) return;
  int written = 0;
  require(EVP_CipherUpdate(context, to, &written, in(from), static_cast<int>(from.size())) == 1);
}

}  // namespace

void detail::cipher_context_deleter::operator()(evp_cipher_ctx_st* context) const noexcept {
  EVP_CIPHER_CTX_free(context);
}

aes_256_gcm_sealer::aes_256_gcm_sealer(aead_key_view key) : context_(new_context(key, direction::seal)) {}

void aes_256_gcm_sealer::rekey(aead_key_view key) { initialise(context_.get(), in(key), nullptr, direction::seal); }

void aes_256_gcm_sealer::begin(aead_nonce_view nonce, byte_view aad) {
  initialise(context_.get(), nullptr, in(nonce), direction::seal);
  feed(context_.get(), aad, nullptr);
}

void aes_256_gcm_sealer::update(byte_view plaintext, mutable_byte_view ciphertext) {
  feed(context_.get(), plaintext, out(ciphertext));
}

void aes_256_gcm_sealer::finish(std::span<std::byte, aead_tag_bytes> tag) {
  int written = 0;
  require(EVP_EncryptFinal_ex(context_.get(), out(tag), &written) == 1);
  require(EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, aead_tag_bytes, tag.data()) == 1);
}

bool aes_256_gcm_sealer::seal(aead_nonce_view nonce, byte_view aad, byte_view plaintext, mutable_byte_view ciphertext,
                              std::span<std::byte, aead_tag_bytes> tag) {
  if (plaintext.size() > aead_max_plaintext_bytes || aad.size() > aead_max_plaintext_bytes) return false;
  if (ciphertext.size() != plaintext.size()) return false;
  begin(nonce, aad);
  update(plaintext, ciphertext);
  finish(tag);
  return true;
}

bool aes_256_gcm_sealer::seal(aead_nonce_view nonce, byte_view aad, mutable_byte_view data,
                              std::span<std::byte, aead_tag_bytes> tag) {
  return seal(nonce, aad, data, data, tag);
}

aes_256_gcm_opener::aes_256_gcm_opener(aead_key_view key) : context_(new_context(key, direction::open)) {}

void aes_256_gcm_opener::rekey(aead_key_view key) { initialise(context_.get(), in(key), nullptr, direction::open); }

bool aes_256_gcm_opener::open(aead_nonce_view nonce, byte_view aad, byte_view ciphertext, mutable_byte_view plaintext,
                              std::span<const std::byte, aead_tag_bytes> tag) {
  if (ciphertext.size() > aead_max_plaintext_bytes || aad.size() > aead_max_plaintext_bytes) return false;
  if (plaintext.size() != ciphertext.size()) return false;
  auto* const context = context_.get();
  initialise(context, nullptr, in(nonce), direction::open);
  feed(context, aad, nullptr);
  feed(context, ciphertext, out(plaintext));
  // OpenSSL takes the expected tag through a pointer to non-const that it only reads.
  require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, aead_tag_bytes, const_cast<std::byte*>(tag.data())) == 1);
  std::array<unsigned char, aead_tag_bytes> nothing_left;
  int written = 0;
  if (EVP_DecryptFinal_ex(context, nothing_left.data(), &written) == 1) return true;
  wipe(plaintext);
  return false;
}

bool aes_256_gcm_opener::open(aead_nonce_view nonce, byte_view aad, mutable_byte_view data,
                              std::span<const std::byte, aead_tag_bytes> tag) {
  return open(nonce, aad, data, data, tag);
}

}  // namespace flowersec::crypto
