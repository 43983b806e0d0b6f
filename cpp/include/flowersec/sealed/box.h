// The sealed box `ownwire-seal-v1`: a pre-shared key on its way to a server whose public key the sender knows.
// Layer sealed. Knows the 80 bytes, not the message they travel in. Source: PROTOCOL, "Sealed open: box".
#pragma once

#include <array>
#include <string_view>

#include "flowersec/crypto/secret.h"
#include "flowersec/sealed/key.h"

namespace flowersec::sealed {

/// Sealing public key (32), ciphertext (32), tag (16).
inline constexpr std::size_t box_bytes = 80;
using box = std::array<std::byte, box_bytes>;

inline constexpr std::size_t max_channel_id_bytes = 256;

/// Seals with a key pair made for this box alone and wiped with it. Bound to `channel_id`.
/// Errors   bad_channel_id: not 1 to 256 bytes; weak_key; random_failed.
[[nodiscard]] result<box> seal(const public_key& gateway, std::string_view channel_id, const crypto::psk& psk,
                               random_source& random);

/// Errors   not_opened, whatever the cause.
[[nodiscard]] result<crypto::psk> open(const key_pair& gateway, std::string_view channel_id, byte_view sealed);

}  // namespace flowersec::sealed
