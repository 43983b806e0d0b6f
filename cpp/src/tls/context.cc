#include "tls/context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

namespace flowersec::tls {
namespace {

constexpr errc_category<tls_errc> category{"flowersec.tls"};

/// What every context has in common; nothing when memory is gone.
context_ptr make_context(const SSL_METHOD* method) {
  context_ptr context{SSL_CTX_new(method), &SSL_CTX_free};
  if (!context) return nullptr;
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  return context;
}

context_ptr make_verifying_context() {
  auto context = make_context(TLS_client_method());
  if (context) SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  return context;
}

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

/// Trusts every certificate of the text; a text without any, or with one that cannot be read, is none.
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
  const auto ended = ERR_peek_last_error();
  return added > 0 && ERR_GET_LIB(ended) == ERR_LIB_PEM && ERR_GET_REASON(ended) == PEM_R_NO_START_LINE;
}

/// http/1.1 is all that is spoken above. A client that offers only other protocols goes on without one.
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

}  // namespace

const char* describe(tls_errc code) noexcept {
  switch (code) {
    case tls_errc::config_invalid:
      return "TLS certificate, key or CA cannot be used";
    case tls_errc::private_key_encrypted:
      return "a PEM file is encrypted, and no password is asked for";
    case tls_errc::certificate_too_weak:
      return "the certificate's key or signature is too weak";
  }
  return "unknown TLS error";
}

error_code make_error_code(tls_errc code) noexcept { return {static_cast<int>(code), category}; }

result<context_ptr> server_context(const std::string& chain_file, const std::string& key_file) {
  const auto context = make_context(TLS_server_method());
  if (!context) return make_error_code(tls_errc::config_invalid);
  bool wants_password = false;
  SSL_CTX_set_default_passwd_cb(context.get(), &refuse_password);
  SSL_CTX_set_default_passwd_cb_userdata(context.get(), &wants_password);
  const bool usable = SSL_CTX_use_certificate_chain_file(context.get(), chain_file.c_str()) == 1 &&
                      SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) == 1 &&
                      SSL_CTX_check_private_key(context.get()) == 1;
  SSL_CTX_set_default_passwd_cb_userdata(context.get(), nullptr);
  if (!usable) {
    const bool weak = is_too_weak(ERR_peek_last_error());
    ERR_clear_error();
    if (weak) return make_error_code(tls_errc::certificate_too_weak);
    return make_error_code(wants_password ? tls_errc::private_key_encrypted : tls_errc::config_invalid);
  }
  SSL_CTX_set_alpn_select_cb(context.get(), &choose_protocol, nullptr);
  return context;
}

result<context_ptr> client_context(const std::optional<std::string>& ca_pem) {
  const auto context = make_verifying_context();
  if (!context) return make_error_code(tls_errc::config_invalid);
  const bool trusting = ca_pem ? trust_pem(*context, *ca_pem) : SSL_CTX_set_default_verify_paths(context.get()) == 1;
  ERR_clear_error();  // where a PEM text ends is an error too
  if (!trusting) return make_error_code(tls_errc::config_invalid);
  return context;
}

result<context_ptr> client_context_from_file(const std::string& ca_file) {
  const auto context = make_verifying_context();
  if (!context) return make_error_code(tls_errc::config_invalid);
  if (SSL_CTX_load_verify_file(context.get(), ca_file.c_str()) != 1) {
    ERR_clear_error();
    return make_error_code(tls_errc::config_invalid);
  }
  return context;
}

}  // namespace flowersec::tls
