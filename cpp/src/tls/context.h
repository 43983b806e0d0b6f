// OpenSSL contexts: which certificates a server presents and a client trusts, and why they are refused.
// Layer tls, private. `http` and `ws` stand on it and add what their streams need; neither reads a PEM file itself.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "flowersec/base/error.h"

struct ssl_ctx_st;

namespace flowersec::tls {

enum class tls_errc {
  config_invalid = 1,     ///< certificate, key or CA could not be loaded, or do not belong together
  private_key_encrypted,  ///< a PEM file needs a password; nobody is asked for one
  certificate_too_weak,   ///< OpenSSL's security level refuses the strength of a key or a signature
};

[[nodiscard]] const char* describe(tls_errc code) noexcept;
[[nodiscard]] error_code make_error_code(tls_errc code) noexcept;

/// TLS 1.2 or newer, without renegotiation and compression. Record buffers are given back between records, so an idle
/// session is small.
using context_ptr = std::shared_ptr<ssl_ctx_st>;

/// Presents a certificate chain, leaf first; asks clients for none. Selects http/1.1 where a client offers it.
/// Errors   every tls_errc. The terminal is never asked for a password.
[[nodiscard]] result<context_ptr> server_context(const std::string& chain_file, const std::string& key_file);

/// Verifies servers. `ca_pem` are the only trusted certificates when given, else the system's are.
/// Errors   config_invalid: a text without certificates, or with one that cannot be read, trusts nobody.
[[nodiscard]] result<context_ptr> client_context(const std::optional<std::string>& ca_pem);

/// The same with the certificates in a PEM file.
[[nodiscard]] result<context_ptr> client_context_from_file(const std::string& ca_file);

}  // namespace flowersec::tls

FLOWERSEC_REGISTER_ERRC(flowersec::tls::tls_errc)
