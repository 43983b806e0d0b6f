#include "flowersec/http/error.h"

namespace flowersec::http {
namespace {

constexpr errc_category<http_errc> category{"flowersec.http"};

}  // namespace

const char* describe(http_errc code) noexcept {
  switch (code) {
    case http_errc::url_invalid:
      return "not an http or https URL";
    case http_errc::timeout:
      return "HTTP exchange took too long";
    case http_errc::response_invalid:
      return "not a valid HTTP response";
    case http_errc::header_too_large:
      return "HTTP header block is too large";
    case http_errc::body_too_large:
      return "HTTP body is too large";
    case http_errc::redirect_cross_origin:
      return "redirect leads to another origin";
    case http_errc::redirect_invalid:
      return "redirect without a usable location";
    case http_errc::too_many_redirects:
      return "too many redirects";
    case http_errc::header_invalid:
      return "request method or header cannot be sent";
    case http_errc::tls_config_invalid:
      return "TLS certificate, key or CA cannot be used";
    case http_errc::private_key_encrypted:
      return "a PEM file is encrypted, and no password is asked for";
    case http_errc::tls_failed:
      return "TLS handshake failed";
    case http_errc::stop_deadline:
      return "requests were dropped at the end of a graceful stop";
    case http_errc::certificate_too_weak:
      return "the certificate's key or signature is too weak";
  }
  return "unknown HTTP error";
}

error_code make_error_code(http_errc code) noexcept { return {static_cast<int>(code), category}; }

}  // namespace flowersec::http
