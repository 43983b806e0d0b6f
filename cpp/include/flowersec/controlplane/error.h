// Errors of the control plane library.
// Layer controlplane. Each value refuses one operation and leaves every key and file as it was.
#pragma once

#include <string>

#include "flowersec/base/error.h"

namespace flowersec::controlplane {

enum class controlplane_errc {
  blank_kid = 1,         ///< a key id is blank, or not valid UTF-8
  kid_conflict,          ///< the id is published with another key
  unknown_kid,           ///< no such id is published
  active_kid,            ///< the signing key cannot be retired
  key_mismatch,          ///< the private key does not belong to the published key
  bad_key_file,          ///< a private key file breaks its format
  file_too_large,        ///< a file is longer than its reader accepts
  missing_tunnel_url,    ///< empty, or not valid UTF-8
  missing_audience,      ///< empty, or not valid UTF-8
  missing_issuer,        ///< empty, or not valid UTF-8
  missing_ws_url,        ///< empty, or not valid UTF-8
  bad_channel_id,        ///< not 1 to 256 bytes of UTF-8 after trimming
  bad_token_lifetime,    ///< negative
  bad_idle_timeout,      ///< negative, above 2^31 - 1 seconds; not above 0 in a grant to be reissued
  bad_clock_skew,        ///< negative
  bad_suite,             ///< an unknown suite, none left, or a default that is not allowed
  bad_init_window,       ///< not above 0, or it ends later than a number in JSON can say
  channel_init_expired,  ///< the init window of a grant to be reissued is over
  no_randomness,         ///< the random source failed
};

[[nodiscard]] const char* describe(controlplane_errc code) noexcept;
[[nodiscard]] error_code make_error_code(controlplane_errc code) noexcept;

/// A failure with words for an operator: names the file or the field. Never contains a secret.
struct failure {
  error_code code;
  std::string text;
};

/// Found by result::value() on a failure; throws boost::system::system_error.
[[noreturn]] void throw_exception_from_error(const failure& what, const boost::source_location& where);

template <class T>
using outcome = boost::system::result<T, failure>;

}  // namespace flowersec::controlplane

FLOWERSEC_REGISTER_ERRC(flowersec::controlplane::controlplane_errc)
