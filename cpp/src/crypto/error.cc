#include "flowersec/crypto/error.h"

namespace flowersec::crypto {

const char* describe(crypto_errc code) noexcept {
  switch (code) {
    case crypto_errc::bad_length:
      return "a key or signature has the wrong length";
    case crypto_errc::bad_private_key:
      return "the private key is not valid";
    case crypto_errc::bad_public_key:
      return "the public key is not a valid point";
    case crypto_errc::weak_shared_secret:
      return "the public key leads to an all-zero shared secret";
    case crypto_errc::no_randomness:
      return "the system has no randomness";
    case crypto_errc::no_memory:
      return "there is not enough memory for the key of a passphrase";
    case crypto_errc::bad_private_file:
      return "the file is not an ordinary file, or too large";
    case crypto_errc::private_file_shared:
      return "the file can be read or written by others";
  }
  return "unknown crypto error";
}

error_code make_error_code(crypto_errc code) noexcept {
  static constexpr errc_category<crypto_errc> category{"flowersec.crypto"};
  return {static_cast<int>(code), category};
}

}  // namespace flowersec::crypto
