// Key agreement of the two suites: X25519 (libsodium) and NIST P-256 (OpenSSL).
// Layer crypto, part `dh`. Knows key bytes, not the messages they travel in.
// Source: PROTOCOL, "Public keys and shared secret"; RFC 7748; SEC 1.
#pragma once

#include <array>

#include "flowersec/base/error.h"
#include "flowersec/base/random.h"
#include "flowersec/crypto/error.h"
#include "flowersec/crypto/secret.h"
#include "flowersec/crypto/suite.h"

namespace flowersec::crypto {

inline constexpr std::size_t x25519_public_key_bytes = 32;
inline constexpr std::size_t p256_public_key_bytes = 65;  ///< 04, X, Y: the only accepted encoding
inline constexpr std::size_t max_public_key_bytes = p256_public_key_bytes;
inline constexpr std::size_t dh_private_key_bytes = 32;
inline constexpr std::size_t shared_secret_bytes = 32;

[[nodiscard]] constexpr std::size_t public_key_bytes(suite id) noexcept {
  return id == suite::p256 ? p256_public_key_bytes : x25519_public_key_bytes;
}

/// Whether bytes can be a public key of the suite: the length, and for P-256 a point on the curve. An X25519 key of
/// the right length is always accepted here; weak ones show when the secret is computed.
[[nodiscard]] bool is_valid_public_key(suite id, byte_view key);

/// An ephemeral key pair. Move-only; the private half is wiped with it.
class dh_key_pair {
 public:
  /// Errors   no_randomness.
  [[nodiscard]] static result<dh_key_pair> generate(suite id, random_source& random);
  /// Shape    32 bytes: an X25519 scalar, or a big-endian P-256 scalar in 1..n-1.
  /// Errors   bad_length, bad_private_key.
  [[nodiscard]] static result<dh_key_pair> from_private(suite id, byte_view private_key);

  [[nodiscard]] suite id() const noexcept { return id_; }
  /// As transmitted: 32 or 65 bytes. Valid until this object moves or dies.
  [[nodiscard]] byte_view public_key() const noexcept { return byte_view{public_key_}.first(public_key_bytes(id_)); }

  /// The 32-byte shared secret: the X25519 output, or the X coordinate of the point.
  /// Errors   bad_length; bad_public_key (P-256: another encoding, off the curve, at infinity);
  ///          weak_shared_secret (X25519: all-zero output, RFC 7748 section 6.1).
  [[nodiscard]] result<secret_bytes<shared_secret_bytes>> agree(byte_view peer_public_key) const;

 private:
  dh_key_pair(suite id, secret_bytes<dh_private_key_bytes> private_key) noexcept
      : id_(id), private_key_(std::move(private_key)) {}

  suite id_;
  secret_bytes<dh_private_key_bytes> private_key_;
  std::array<std::byte, max_public_key_bytes> public_key_{};
};

}  // namespace flowersec::crypto
