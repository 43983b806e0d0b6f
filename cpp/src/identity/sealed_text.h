// A text sealed with a passphrase: JSON with the cost of a guess, a salt, a nonce and the ciphertext.
// Layer identity, private. Knows nothing of what is sealed. Source: IDENTITY, "The identity file".
#pragma once

#include "flowersec/identity/file.h"

namespace flowersec::identity {

/// Whether a text claims to be sealed: an object with a member `kdf`.
[[nodiscard]] bool is_sealed(std::string_view text);
/// Errors   bad_passphrase, no_randomness; crypto_errc::no_memory, bad_length.
[[nodiscard]] result<std::string> seal_text(std::string_view text, std::string_view passphrase, random_source& random,
                                            crypto::password_cost cost);
/// Errors   bad_passphrase, bad_file, wrong_passphrase; crypto_errc::no_memory.
[[nodiscard]] file_result<secret_text> open_text(std::string_view sealed, std::string_view passphrase);

}  // namespace flowersec::identity
