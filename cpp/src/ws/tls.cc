#include "flowersec/ws/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <string_view>

#include "flowersec/ws/error.h"
#include "ws/descriptor_bio.h"

namespace flowersec::ws {
namespace {

using context_ptr = std::shared_ptr<SSL_CTX>;

/// What every context has in common. Record buffers are given back between records, so an idle session is small.
context_ptr make_context(const SSL_METHOD* method) {
  context_ptr context{SSL_CTX_new(method), &SSL_CTX_free};
  if (!context) return nullptr;
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  // An end without close_notify is an ordinary end here: the WebSocket's own close frame tells whole from cut.
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return context;
}

/// OpenSSL asks the terminal for the password of an encrypted PEM file unless somebody answers: a server would wait
/// there for ever. This one has no password; `asked`, a bool, remembers that one was wanted.
int refuse_password(char* /*into*/, int /*size*/, int /*writing*/, void* asked) {
  if (asked != nullptr) *static_cast<bool*>(asked) = true;
  return -1;
}

bool trust_pem(SSL_CTX& context, std::string_view pem) {
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

/// Chooses http/1.1, the only protocol that carries these upgrades; a client that offers others only goes without.
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

/// Whether the failed handshake began like an HTTP request. To be asked before the error queue is cleared.
bool was_plain_http(const SSL& session) noexcept {
  const auto error = ERR_peek_error();
  return SSL_is_server(&session) == 1 && ERR_GET_LIB(error) == ERR_LIB_SSL &&
         ERR_GET_REASON(error) == SSL_R_HTTP_REQUEST;
}

/// Tells somebody who forgot the s of https, below TLS. What is here of the request is read away: unread, it would turn
/// the close into a reset that overtakes the answer.
void answer_plain_http(const SSL& session) noexcept {
  constexpr std::string_view answer =
      "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
  BIO_write(SSL_get_wbio(&session), answer.data(), static_cast<int>(answer.size()));
  std::array<std::byte, 16384> dropped;
  BIO_read(SSL_get_rbio(&session), dropped.data(), static_cast<int>(dropped.size()));
}

/// The reason behind a failed handshake or record.
ws_errc classify(const SSL& session) noexcept {
  switch (SSL_get_verify_result(&session)) {
    case X509_V_OK:
      return ws_errc::tls_failed;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return ws_errc::certificate_host_mismatch;
    default:
      return ws_errc::certificate_untrusted;
  }
}

}  // namespace

result<tls_context> tls_context::client(std::optional<std::string> ca_pem) {
  const auto context = make_context(TLS_client_method());
  if (!context) return make_error_code(ws_errc::tls_config_invalid);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  const bool trusting = ca_pem ? trust_pem(*context, *ca_pem) : SSL_CTX_set_default_verify_paths(context.get()) == 1;
  if (!trusting) return make_error_code(ws_errc::tls_config_invalid);
  return tls_context{context};
}

result<tls_context> tls_context::client_from_file(const std::string& ca_file) {
  const auto context = make_context(TLS_client_method());
  if (!context) return make_error_code(ws_errc::tls_config_invalid);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (SSL_CTX_load_verify_file(context.get(), ca_file.c_str()) != 1) {
    ERR_clear_error();
    return make_error_code(ws_errc::tls_config_invalid);
  }
  return tls_context{context};
}

result<tls_context> tls_context::server(const std::string& chain_file, const std::string& key_file) {
  const auto context = make_context(TLS_server_method());
  if (!context) return make_error_code(ws_errc::tls_config_invalid);
  bool wants_password = false;
  SSL_CTX_set_default_passwd_cb(context.get(), &refuse_password);
  SSL_CTX_set_default_passwd_cb_userdata(context.get(), &wants_password);
  const bool usable = SSL_CTX_use_certificate_chain_file(context.get(), chain_file.c_str()) == 1 &&
                      SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) == 1 &&
                      SSL_CTX_check_private_key(context.get()) == 1;
  SSL_CTX_set_default_passwd_cb_userdata(context.get(), nullptr);
  if (!usable) {
    ERR_clear_error();
    return make_error_code(wants_password ? ws_errc::private_key_encrypted : ws_errc::tls_config_invalid);
  }
  SSL_CTX_set_alpn_select_cb(context.get(), &choose_protocol, nullptr);
  return tls_context{context};
}

void tls_session::free_session::operator()(ssl_st* session) const noexcept { SSL_free(session); }

result<tls_session> tls_session::make(const tls_context& context, int descriptor) {
  tls_session session{SSL_new(context.native())};
  auto* bio = session.session_ ? make_descriptor_bio(descriptor) : nullptr;
  if (bio == nullptr) return make_error_code(ws_errc::tls_failed);
  SSL_set_bio(session.session_.get(), bio, bio);
  return session;
}

result<tls_session> tls_session::connect(const tls_context& context, int descriptor, const std::string& host,
                                         bool host_is_ip) {
  auto session = make(context, descriptor);
  if (!session) return session;
  auto* ssl = session->session_.get();
  SSL_set_connect_state(ssl);
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const bool named = host_is_ip
                         ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1
                         : SSL_set1_host(ssl, host.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
  if (!named) return make_error_code(ws_errc::tls_failed);
  return session;
}

result<tls_session> tls_session::accept(const tls_context& context, int descriptor) {
  auto session = make(context, descriptor);
  if (session) SSL_set_accept_state(session->session_.get());
  return session;
}

io_result tls_session::explain(int outcome, std::size_t bytes) noexcept {
  if (outcome > 0) return {.status = io_status::done, .bytes = bytes, .error = {}};
  const int socket_error = errno;
  const int reason = SSL_get_error(session_.get(), outcome);
  if (reason == SSL_ERROR_SSL && was_plain_http(*session_)) answer_plain_http(*session_);
  ERR_clear_error();
  switch (reason) {
    case SSL_ERROR_WANT_READ:
      return {.status = io_status::want_read, .bytes = 0, .error = {}};
    case SSL_ERROR_WANT_WRITE:
      return {.status = io_status::want_write, .bytes = 0, .error = {}};
    case SSL_ERROR_ZERO_RETURN:
      return {.status = io_status::end, .bytes = 0, .error = {}};
    case SSL_ERROR_SYSCALL:
      if (socket_error == 0) return {.status = io_status::end, .bytes = 0, .error = {}};
      return {.status = io_status::failed, .bytes = 0, .error = {socket_error, boost::system::system_category()}};
    default:
      return {.status = io_status::failed, .bytes = 0, .error = make_error_code(classify(*session_))};
  }
}

// OpenSSL's error queue belongs to the thread and SSL_get_error() reads it, so each attempt starts with an empty one.

io_result tls_session::handshake() noexcept {
  ERR_clear_error();
  errno = 0;
  return explain(SSL_do_handshake(session_.get()), 0);
}

io_result tls_session::read(mutable_byte_view into) noexcept {
  ERR_clear_error();
  errno = 0;
  std::size_t bytes = 0;
  const int outcome = SSL_read_ex(session_.get(), into.data(), into.size(), &bytes);
  return explain(outcome, bytes);
}

io_result tls_session::write(byte_view from) noexcept {
  if (from.empty()) return {};
  ERR_clear_error();
  errno = 0;
  std::size_t bytes = 0;
  const int outcome = SSL_write_ex(session_.get(), from.data(), from.size(), &bytes);
  return explain(outcome, bytes);
}

io_result tls_session::shutdown() noexcept {
  ERR_clear_error();
  errno = 0;
  // 0 means that our half is out and the peer's has not come, which is all that is asked for.
  const int outcome = SSL_shutdown(session_.get());
  return explain(outcome == 0 ? 1 : outcome, 0);
}

}  // namespace flowersec::ws
