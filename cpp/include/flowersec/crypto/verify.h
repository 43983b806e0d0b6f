// Ed25519 signature verification: all the cryptography that a tunnel needs.
// Layer crypto, part `verify`, on libsodium. Source: RFC 8032, Ed25519 without context or prehash.
#pragma once

#include <array>

#include "flowersec/base/bytes.h"

namespace flowersec::crypto {

inline constexpr std::size_t ed25519_public_key_bytes = 32;
inline constexpr std::size_t ed25519_signature_bytes = 64;

using ed25519_public_key = std::array<std::byte, ed25519_public_key_bytes>;
using ed25519_signature = std::array<std::byte, ed25519_signature_bytes>;

/// False for a signature that is not 64 bytes, does not verify, or is malleable, and for any key that is not a point of
/// full order: such keys can be loaded, but nothing verifies under them.
[[nodiscard]] bool ed25519_verify(byte_view message, byte_view signature, const ed25519_public_key& key) noexcept;

}  // namespace flowersec::crypto
