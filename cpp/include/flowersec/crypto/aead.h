// AES-256-GCM, one OpenSSL context per direction: the key is set once, a record only brings its nonce.
// (A new context per record costs three times as much at 256 bytes.)
// Layer crypto, part `aead`. Knows nothing of nonce construction or record layout; the caller never repeats a nonce.
// Source: NIST SP 800-38D. One object belongs to one thread at a time.
#pragma once

#include <memory>

#include "flowersec/base/bytes.h"
#include "flowersec/crypto/secret.h"

struct evp_cipher_ctx_st;

namespace flowersec::crypto {

inline constexpr std::size_t aead_key_bytes = 32;
inline constexpr std::size_t aead_nonce_bytes = 12;
inline constexpr std::size_t aead_tag_bytes = 16;
/// Largest plaintext of one call; far above any record and within what OpenSSL counts in an int.
inline constexpr std::size_t aead_max_plaintext_bytes = 1U << 30U;

using aead_key_view = std::span<const std::byte, aead_key_bytes>;
using aead_nonce_view = std::span<const std::byte, aead_nonce_bytes>;

namespace detail {
struct cipher_context_deleter {
  void operator()(evp_cipher_ctx_st* context) const noexcept;  // wipes the key schedule
};
using cipher_context = std::unique_ptr<evp_cipher_ctx_st, cipher_context_deleter>;
}  // namespace detail

class aes_256_gcm_sealer {
 public:
  explicit aes_256_gcm_sealer(aead_key_view key);

  /// Replaces the key; the old key schedule is overwritten.
  void rekey(aead_key_view key);

  /// Encrypts `data` where it lies and writes the tag. `data` and `tag` may be neighbours.
  /// Result   false only for more than aead_max_plaintext_bytes; nothing was written then.
  [[nodiscard]] bool seal(aead_nonce_view nonce, byte_view aad, mutable_byte_view data,
                          std::span<std::byte, aead_tag_bytes> tag);

  /// Encrypts from one buffer into another. Same size, and either the same memory or no overlap.
  [[nodiscard]] bool seal(aead_nonce_view nonce, byte_view aad, byte_view plaintext, mutable_byte_view ciphertext,
                          std::span<std::byte, aead_tag_bytes> tag);

  /// The same in pieces, for a plaintext gathered from several buffers: begin, any number of updates, finish.
  void begin(aead_nonce_view nonce, byte_view aad);
  /// Same size; at most aead_max_plaintext_bytes between begin and finish, which the caller sees to.
  void update(byte_view plaintext, mutable_byte_view ciphertext);
  void finish(std::span<std::byte, aead_tag_bytes> tag);

 private:
  detail::cipher_context context_;
};

class aes_256_gcm_opener {
 public:
  explicit aes_256_gcm_opener(aead_key_view key);

  void rekey(aead_key_view key);

  /// Decrypts `data` where it lies. On false the tag did not verify and `data` was wiped: unauthenticated plaintext
  /// never reaches the caller.
  [[nodiscard]] bool open(aead_nonce_view nonce, byte_view aad, mutable_byte_view data,
                          std::span<const std::byte, aead_tag_bytes> tag);

  /// From one buffer into another. Same size, and either the same memory or no overlap.
  [[nodiscard]] bool open(aead_nonce_view nonce, byte_view aad, byte_view ciphertext, mutable_byte_view plaintext,
                          std::span<const std::byte, aead_tag_bytes> tag);

 private:
  detail::cipher_context context_;
};

}  // namespace flowersec::crypto
