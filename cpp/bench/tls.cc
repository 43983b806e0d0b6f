#include "tls.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <cstdio>

#include "relay.h"

namespace flowersec::bench {
namespace {

constexpr auto io_timeout = std::chrono::seconds{5};

void require(bool fine) {
  if (!fine) throw bench_error("OpenSSL failed");
}

struct file_closer {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

std::unique_ptr<std::FILE, file_closer> create(const std::string& path) {
  std::unique_ptr<std::FILE, file_closer> file{std::fopen(path.c_str(), "w")};
  if (!file) fail_with_errno(path);
  return file;
}

/// What the tunnel sets too: memory of idle connections goes back, a retried write may come from another address.
tls_context make_context(const SSL_METHOD* method) {
  tls_context context{SSL_CTX_new(method)};
  require(context != nullptr);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_ENABLE_PARTIAL_WRITE);
  return context;
}

}  // namespace

tls_identity::tls_identity() {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{EVP_EC_gen("P-256"), &EVP_PKEY_free};
  const std::unique_ptr<X509, decltype(&X509_free)> certificate{X509_new(), &X509_free};
  require(key != nullptr && certificate != nullptr);
  constexpr long day_seconds = 86'400;
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -day_seconds);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), day_seconds);
  auto* name = X509_get_subject_name(certificate.get());
  constexpr std::array<unsigned char, 10> host{"localhost"};
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, host.data(), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509_set_pubkey(certificate.get(), key.get());
  require(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
  require(PEM_write_X509(create(certificate_file()).get(), certificate.get()) == 1);
  require(PEM_write_PrivateKey(create(key_file()).get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
}

tls_context make_client_context() { return make_context(TLS_client_method()); }

tls_context make_server_context(const std::string& certificate_file, const std::string& key_file) {
  auto context = make_context(TLS_server_method());
  require(SSL_CTX_use_certificate_chain_file(context.get(), certificate_file.c_str()) == 1);
  require(SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) == 1);
  return context;
}

tls_session handshake(SSL_CTX* context, int fd, bool as_server) {
  tls_session session{SSL_new(context)};
  require(session != nullptr && SSL_set_fd(session.get(), fd) == 1);
  const int done = as_server ? SSL_accept(session.get()) : SSL_connect(session.get());
  if (done != 1) throw bench_error("a TLS handshake failed");
  return session;
}

tls_connection::tls_connection(SSL_CTX* context, std::uint16_t port, int source_host)
    : fd_(connect_to(port, source_host)) {
  set_timeout(fd_.get(), io_timeout);
  session_ = handshake(context, fd_.get(), false);
}

void tls_connection::write(byte_view bytes) {
  while (!bytes.empty()) {
    std::size_t written = 0;
    if (SSL_write_ex(session_.get(), bytes.data(), bytes.size(), &written) != 1) throw bench_error("TLS write failed");
    bytes = bytes.subspan(written);
  }
}

std::size_t tls_connection::read_some(mutable_byte_view into) {
  std::size_t count = 0;
  if (SSL_read_ex(session_.get(), into.data(), into.size(), &count) != 1) throw bench_error("TLS read failed");
  return count;
}

void tls_connection::read_whole(mutable_byte_view into) {
  while (!into.empty()) into = into.subspan(read_some(into));
}

void tls_connection::upgrade(const std::string& path, const std::string& origin) {
  write(as_bytes(upgrade_request(path, origin)));
  std::string answer;
  while (!answer.ends_with("\r\n\r\n")) {
    std::array<std::byte, 1024> chunk{};
    answer += as_text(std::span{chunk}.first(read_some(chunk)));
  }
  check_upgrade_answer(answer);
}

}  // namespace flowersec::bench
