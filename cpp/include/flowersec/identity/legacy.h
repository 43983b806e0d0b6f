// What the original SecureWebSocket made of two keys: NaCl's box secret, and texts sealed with it.
// Layer identity, part `legacy`. For the compatible mode only; none of its secrets is a key of this protocol.
// Source: IDENTITY, "The original's secrets".
#pragma once

#include <optional>
#include <string>

#include "flowersec/crypto/secretbox.h"
#include "flowersec/identity/identity.h"

namespace flowersec::identity {

using legacy_secret = crypto::secret_bytes<crypto::secretbox_key_bytes>;
using legacy_nonce = std::span<const std::byte, crypto::secretbox_nonce_bytes>;

/// The same from both sides. Errors   those of identity::agree().
[[nodiscard]] result<legacy_secret> legacy_secret_of(const identity& own, const public_key& peer);

/// The `message` of an envelope: base64url of the secretbox of the text. The caller never repeats a nonce.
[[nodiscard]] std::string legacy_seal(const legacy_secret& secret, legacy_nonce nonce, std::string_view text);
/// nullopt for what is not canonical base64url, does not verify, or is not UTF-8.
[[nodiscard]] std::optional<std::string> legacy_open(const legacy_secret& secret, legacy_nonce nonce,
                                                     std::string_view message);

}  // namespace flowersec::identity
