// NIST P-256 on OpenSSL's point arithmetic. (Key objects would compute and check a public key on every use.)
// Layer crypto, private to the part `dh`. Source: SEC 1, sections 2.3.3, 2.3.4 and 3.3.1.
#pragma once

#include "flowersec/crypto/dh.h"

namespace flowersec::crypto::p256 {

using scalar_view = std::span<const std::byte, dh_private_key_bytes>;

/// Whether the scalar is in 1..n-1.
[[nodiscard]] bool is_valid_scalar(scalar_view scalar);
/// Whether the bytes are an uncompressed point on the curve.
[[nodiscard]] bool is_valid_point(byte_view point);
/// The uncompressed public point of a valid scalar.
void derive_public_key(scalar_view scalar, std::span<std::byte, p256_public_key_bytes> into);
/// X coordinate of scalar times point, left padded. False when the point is not valid.
[[nodiscard]] bool multiply(scalar_view scalar, byte_view point, std::span<std::byte, shared_secret_bytes> into);

}  // namespace flowersec::crypto::p256
