#include "http/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "flowersec/http/server.h"

namespace flowersec::http {

namespace ssl = boost::asio::ssl;

namespace {

void require_modern(ssl::context& context) { SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION); }

/// OpenSSL asks the terminal for the password of an encrypted PEM text unless somebody answers: a server would wait
/// there for ever. This one has no password; `asked`, a bool, remembers that one was wanted.
int refuse_password(char* /*into*/, int /*size*/, int /*writing*/, void* asked) {
  if (asked != nullptr) *static_cast<bool*>(asked) = true;
  return -1;
}

/// Whether OpenSSL's security level is why a certificate was not taken.
bool is_too_weak(unsigned long error) noexcept {
  if (ERR_GET_LIB(error) != ERR_LIB_SSL) return false;
  const auto reason = ERR_GET_REASON(error);
  return reason == SSL_R_EE_KEY_TOO_SMALL || reason == SSL_R_CA_KEY_TOO_SMALL || reason == SSL_R_CA_MD_TOO_WEAK;
}

/// http/1.1 is all we speak. A client that offers only other protocols may find out.
int choose_protocol(SSL* /*session*/, const unsigned char** chosen, unsigned char* chosen_bytes,
                    const unsigned char* offered, unsigned int offered_bytes, void* /*unused*/) {
  static constexpr unsigned char ours[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, chosen_bytes, ours, sizeof ours, offered, offered_bytes) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

/// Trusts every certificate of the text. Not Asio's, which lets OpenSSL ask for passwords.
bool trust_pem(SSL_CTX& context, const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> text{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                       &BIO_free};
  if (!text) return false;
  auto* store = SSL_CTX_get_cert_store(&context);
  std::size_t added = 0;
  while (auto* certificate = PEM_read_bio_X509(text.get(), nullptr, &refuse_password, nullptr)) {
    const bool taken = X509_STORE_add_cert(store, certificate) == 1;
    X509_free(certificate);
    if (!taken) return false;
    ++added;
  }
  ERR_clear_error();  // the end of the text is reported as an error
  return added > 0;
}

}  // namespace

result<std::shared_ptr<ssl_ctx_st>> load_server_tls(const std::string& chain_file, const std::string& key_file) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  require_modern(*context);
  auto* const native = context->native_handle();
  bool wants_password = false;
  SSL_CTX_set_default_passwd_cb(native, &refuse_password);
  SSL_CTX_set_default_passwd_cb_userdata(native, &wants_password);
  const bool usable = SSL_CTX_use_certificate_chain_file(native, chain_file.c_str()) == 1 &&
                      SSL_CTX_use_PrivateKey_file(native, key_file.c_str(), SSL_FILETYPE_PEM) == 1 &&
                      SSL_CTX_check_private_key(native) == 1;
  SSL_CTX_set_default_passwd_cb_userdata(native, nullptr);
  if (!usable) {
    const bool weak = is_too_weak(ERR_peek_last_error());
    ERR_clear_error();
    if (weak) return make_error_code(http_errc::certificate_too_weak);
    return make_error_code(wants_password ? http_errc::private_key_encrypted : http_errc::tls_config_invalid);
  }
  SSL_CTX_set_alpn_select_cb(native, &choose_protocol, nullptr);
  return std::shared_ptr<ssl_ctx_st>{context, context->native_handle()};
}

result<std::shared_ptr<ssl::context>> make_client_tls(const std::optional<std::string>& ca_pem) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
  require_modern(*context);
  auto* const native = context->native_handle();
  const bool trusting = ca_pem ? trust_pem(*native, *ca_pem) : SSL_CTX_set_default_verify_paths(native) == 1;
  if (!trusting) return make_error_code(http_errc::tls_config_invalid);
  context->set_verify_mode(ssl::verify_peer);
  return context;
}

std::shared_ptr<ssl::context> share_context(ssl_ctx_st& native) {
  SSL_CTX_up_ref(&native);  // the context object releases one reference
  return std::make_shared<ssl::context>(&native);
}

}  // namespace flowersec::http
