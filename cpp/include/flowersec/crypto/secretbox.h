// NaCl's box precomputation and secretbox (XSalsa20-Poly1305), for peers of an older protocol only.
// Layer crypto, part `secretbox`, on libsodium. Nothing of this protocol is sealed with it: records use AES-256-GCM.
// Source: Bernstein, "Cryptography in NaCl".
#pragma once

#include <optional>

#include "flowersec/base/bytes.h"
#include "flowersec/crypto/secret.h"

namespace flowersec::crypto {

inline constexpr std::size_t secretbox_key_bytes = 32;
inline constexpr std::size_t secretbox_nonce_bytes = 24;
inline constexpr std::size_t secretbox_tag_bytes = 16;

/// HSalsa20 of an X25519 output with zero input: what NaCl's box_beforenm gives.
[[nodiscard]] secret_bytes<secretbox_key_bytes> box_key(std::span<const std::byte, 32> x25519_output) noexcept;

/// Shape    tag || ciphertext. The caller never repeats a nonce under one key.
[[nodiscard]] byte_buffer secretbox_seal(std::span<const std::byte, secretbox_key_bytes> key,
                                         std::span<const std::byte, secretbox_nonce_bytes> nonce, byte_view plaintext);

/// nullopt when it does not verify, whatever the cause.
[[nodiscard]] std::optional<byte_buffer> secretbox_open(std::span<const std::byte, secretbox_key_bytes> key,
                                                        std::span<const std::byte, secretbox_nonce_bytes> nonce,
                                                        byte_view sealed);

}  // namespace flowersec::crypto
