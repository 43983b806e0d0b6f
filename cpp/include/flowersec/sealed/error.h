// Errors of the sealed layer.
// Layer sealed. What ends is decided by the layer that called. To a peer most of these look the same: see PROTOCOL,
// "Sealed open".
#pragma once

#include "flowersec/base/error.h"

namespace flowersec::sealed {

enum class sealed_errc {
  not_opened =
      1,          ///< the box is not for this key and channel, or was changed, or has another length: one error for all
  weak_key,       ///< sealing only: the public key forces an all-zero shared secret
  random_failed,  ///< the system gave no random bytes
  message_too_long,  ///< open message of more than max_open_bytes
  not_an_object,     ///< not exactly one valid JSON object
  bad_version,       ///< `v` is not 1
  bad_type,          ///< `type` is not ownwire_open
  bad_channel_id,    ///< not 1 to 256 bytes, or with white space at an end
  bad_kid,           ///< `kid` is not base64url of 8 bytes
  bad_suite,         ///< `suite` is neither 1 nor 2
  bad_box,           ///< `sealed_psk_b64u` is not base64url of 80 bytes
  bad_key_file,      ///< key file refused; the text of the failure names place and defect
  key_file_shared,   ///< group or others can read or write the key file
};

[[nodiscard]] const char* describe(sealed_errc code) noexcept;
[[nodiscard]] error_code make_error_code(sealed_errc code) noexcept;

}  // namespace flowersec::sealed

FLOWERSEC_REGISTER_ERRC(flowersec::sealed::sealed_errc)
