// Why a certificate and its key, which can be read, cannot be used: in words for an operator.
// Layer apps. Blocking file I/O.
#pragma once

#include <string>
#include <string_view>

#include "flowersec/http/server.h"

namespace flowersec::apps {

/// To be put behind a colon.
[[nodiscard]] inline std::string_view tls_reason(const std::string& chain, const std::string& key) {
  const auto loaded = http::load_server_tls(chain, key);
  if (loaded.has_error() && loaded.error() == http::http_errc::private_key_encrypted) {
    return "the key is encrypted, and there is no password for it";
  }
  if (loaded.has_error() && loaded.error() == http::http_errc::certificate_too_weak) {
    return "the certificate's key or signature is too weak; take an RSA key of 2048 bits or more, or one of P-256";
  }
  return "one of them is not PEM, or they do not belong together";
}

}  // namespace flowersec::apps
