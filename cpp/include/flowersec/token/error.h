// Why a token, a keyset or a signing request was refused.
// Layer token, part `verify`. To a peer every refusal of a token looks the same; these codes are for logs and tests.
#pragma once

#include "flowersec/base/error.h"

namespace flowersec::token {

/// In the order of the checks. A verification code refuses one attach; a signing code refuses one token to be made.
enum class token_errc {
  malformed = 1,      ///< not three parts separated by dots, or the first is not FST2
  bad_base64url,      ///< payload or signature is not canonical base64url
  bad_json,           ///< the payload is not one JSON object with fields of the right types
  bad_kid,            ///< blank key id
  bad_channel_id,     ///< channel id not 1 to 256 bytes after trimming
  bad_role,           ///< role neither 1 nor 2
  bad_token_id,       ///< blank token id
  bad_idle_timeout,   ///< idle time-out not above 0
  unknown_kid,        ///< no key of that id in the keyset
  bad_signature,      ///< signature not 64 bytes, or it does not verify
  wrong_audience,     ///< another audience than expected
  wrong_issuer,       ///< another issuer than expected, or none
  exp_after_init,     ///< expires after the end of the init window
  iat_after_exp,      ///< issued after its own expiry
  issued_in_future,   ///< issue time later than now + skew
  init_expired,       ///< init window ended before now - skew
  expired,            ///< expired before now - skew
  lifetime_too_long,  ///< exp - iat above the server's bound
  init_too_far,       ///< init window ends later than the server's horizon allows
  bad_audience,       ///< signing only: blank audience
  bad_issuer,         ///< signing only: the issuer is not valid UTF-8
  bad_time,           ///< signing only: a time is not above 0, or beyond 2^53 - 1
  bad_keyset,         ///< keyset file refused; the text of the failure names entry and defect
  bad_options,        ///< the caller's own configuration: empty audience, negative skew or bound
};

[[nodiscard]] const char* describe(token_errc code) noexcept;
[[nodiscard]] error_code make_error_code(token_errc code) noexcept;

}  // namespace flowersec::token

FLOWERSEC_REGISTER_ERRC(flowersec::token::token_errc)
