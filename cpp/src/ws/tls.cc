#include "flowersec/ws/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <string_view>

#include "flowersec/ws/error.h"
#include "tls/context.h"
#include "ws/descriptor_bio.h"

namespace flowersec::ws {
namespace {

/// What a session on a descriptor needs on top. An end without close_notify is an ordinary end here: the WebSocket's
/// own close frame tells whole from cut.
void prepare(SSL_CTX& context) noexcept {
  SSL_CTX_set_options(&context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(&context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

error_code as_ws_error(error_code error) noexcept {
  if (error == tls::tls_errc::private_key_encrypted) return make_error_code(ws_errc::private_key_encrypted);
  return make_error_code(ws_errc::tls_config_invalid);
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

result<tls_context> tls_context::prepared(result<std::shared_ptr<ssl_ctx_st>> context) {
  if (!context) return as_ws_error(context.error());
  prepare(**context);
  return tls_context{*std::move(context)};
}

result<tls_context> tls_context::client(const std::optional<std::string>& ca_pem) {
  return prepared(tls::client_context(ca_pem));
}

result<tls_context> tls_context::client_from_file(const std::string& ca_file) {
  return prepared(tls::client_context_from_file(ca_file));
}

result<tls_context> tls_context::server(const std::string& chain_file, const std::string& key_file) {
  return prepared(tls::server_context(chain_file, key_file));
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
