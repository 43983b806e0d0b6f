// What an HTTP exchange can fail with, besides the transport's own errors.
// Layer http. Knows nothing of Flowersec.
#pragma once

#include "flowersec/base/error.h"

namespace flowersec::http {

/// Each ends one exchange; the connection under it is closed.
enum class http_errc {
  url_invalid = 1,        ///< not an absolute http or https URL with a host and without user-info
  timeout,                ///< the exchange took longer than its limit
  response_invalid,       ///< not an HTTP response, or cut short
  header_too_large,       ///< header block over its limit
  body_too_large,         ///< announced or actual body over its limit
  redirect_cross_origin,  ///< a redirect to another scheme, host or port; nothing was sent there
  redirect_invalid,       ///< a redirect whose Location is not a URL
  too_many_redirects,     ///< more than the limit
  header_invalid,         ///< a header or method of the caller that cannot be sent
  tls_config_invalid,     ///< certificate, key or CA could not be loaded
  private_key_encrypted,  ///< a PEM file needs a password; nobody is asked for one
  tls_failed,             ///< handshake failed, the certificate is not trusted, or it is for another host
  stop_deadline,          ///< server: requests were still running at the end of a graceful stop and were dropped
  certificate_too_weak,   ///< a certificate whose key or signature the TLS library refuses for its strength
};

[[nodiscard]] const char* describe(http_errc code) noexcept;
[[nodiscard]] error_code make_error_code(http_errc code) noexcept;

}  // namespace flowersec::http

FLOWERSEC_REGISTER_ERRC(flowersec::http::http_errc)
