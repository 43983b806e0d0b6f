#include "http/tls.h"

#include <boost/asio/buffer.hpp>

#include "flowersec/http/server.h"

namespace flowersec::http {

namespace ssl = boost::asio::ssl;

namespace {

void require_modern(ssl::context& context) { SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION); }

}  // namespace

result<std::shared_ptr<ssl_ctx_st>> load_server_tls(const std::string& chain_file, const std::string& key_file) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  require_modern(*context);
  error_code chain_error;
  error_code key_error;
  context->use_certificate_chain_file(chain_file, chain_error);
  context->use_private_key_file(key_file, ssl::context::pem, key_error);
  if (chain_error || key_error || SSL_CTX_check_private_key(context->native_handle()) != 1) {
    return make_error_code(http_errc::tls_config_invalid);
  }
  return std::shared_ptr<ssl_ctx_st>{context, context->native_handle()};
}

result<std::shared_ptr<ssl::context>> make_client_tls(const std::optional<std::string>& ca_pem) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
  require_modern(*context);
  error_code error;
  if (ca_pem) {
    context->add_certificate_authority(boost::asio::buffer(*ca_pem), error);
  } else {
    context->set_default_verify_paths(error);
  }
  if (error) return make_error_code(http_errc::tls_config_invalid);
  context->set_verify_mode(ssl::verify_peer);
  return context;
}

std::shared_ptr<ssl::context> share_context(ssl_ctx_st& native) {
  SSL_CTX_up_ref(&native);  // the context object releases one reference
  return std::make_shared<ssl::context>(&native);
}

}  // namespace flowersec::http
