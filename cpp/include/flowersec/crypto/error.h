// Errors of the crypto layer.
// Layer crypto, part `secret`. What ends is decided by the layer that called; here one operation failed.
#pragma once

#include "flowersec/base/error.h"

namespace flowersec::crypto {

enum class crypto_errc {
  bad_length = 1,           ///< a key, signature or text of the wrong length; nothing was computed
  bad_private_key = 2,      ///< not a valid scalar, or the halves of a stored key pair do not belong together
  bad_public_key = 3,       ///< not a point of the curve in the one accepted encoding
  weak_shared_secret = 4,   ///< the peer's public key forces an all-zero shared secret
  no_randomness = 5,        ///< the random source failed
  no_memory = 6,            ///< a key from a passphrase needs more memory than there is
  bad_private_file = 7,     ///< a file for keys is no ordinary file, or too large
  private_file_shared = 8,  ///< group or others have rights to a file for keys
};

[[nodiscard]] const char* describe(crypto_errc code) noexcept;
[[nodiscard]] error_code make_error_code(crypto_errc code) noexcept;

}  // namespace flowersec::crypto

FLOWERSEC_REGISTER_ERRC(flowersec::crypto::crypto_errc)
