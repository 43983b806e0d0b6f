#include "http/tls.h"

#include "flowersec/http/client.h"
#include "flowersec/http/server.h"
#include "tls/context.h"

namespace flowersec::http {
namespace {

error_code as_http_error(error_code error) noexcept {
  if (error == tls::tls_errc::private_key_encrypted) return make_error_code(http_errc::private_key_encrypted);
  if (error == tls::tls_errc::certificate_too_weak) return make_error_code(http_errc::certificate_too_weak);
  return make_error_code(http_errc::tls_config_invalid);
}

}  // namespace

result<std::shared_ptr<ssl_ctx_st>> load_server_tls(const std::string& chain_file, const std::string& key_file) {
  auto context = tls::server_context(chain_file, key_file);
  if (!context) return as_http_error(context.error());
  return context;
}

result<std::shared_ptr<ssl_ctx_st>> load_client_tls(const std::optional<std::string>& ca_pem) {
  auto context = tls::client_context(ca_pem);
  if (!context) return as_http_error(context.error());
  return context;
}

std::shared_ptr<boost::asio::ssl::context> share_context(ssl_ctx_st& native) {
  SSL_CTX_up_ref(&native);  // the context object releases one reference
  return std::make_shared<boost::asio::ssl::context>(&native);
}

}  // namespace flowersec::http
