// TLS for the benchmark: a certificate made on the spot, and connections with blocking calls.
// Part of flowersec-bench. Not a model for programs: nothing is verified, since both ends are ours.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "process.h"
#include "sockets.h"

namespace flowersec::bench {

/// A self-signed P-256 certificate and its key, as PEM files that live as long as this.
class tls_identity {
 public:
  tls_identity();
  [[nodiscard]] std::string certificate_file() const { return folder_.file("certificate.pem"); }
  [[nodiscard]] std::string key_file() const { return folder_.file("key.pem"); }

 private:
  temporary_directory folder_;
};

struct ssl_deleter {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
  void operator()(SSL* session) const noexcept { SSL_free(session); }
};
using tls_context = std::unique_ptr<SSL_CTX, ssl_deleter>;
using tls_session = std::unique_ptr<SSL, ssl_deleter>;

[[nodiscard]] tls_context make_client_context();
[[nodiscard]] tls_context make_server_context(const std::string& certificate_file, const std::string& key_file);
/// Runs the handshake on a blocking socket. Throws when it fails.
[[nodiscard]] tls_session handshake(SSL_CTX* context, int fd, bool as_server);

/// A client's connection; blocking, with a time-out of seconds.
class tls_connection {
 public:
  tls_connection(SSL_CTX* context, std::uint16_t port, int source_host);

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  void write(byte_view bytes);
  /// At least one byte; 0 at the end.
  [[nodiscard]] std::size_t read_some(mutable_byte_view into);
  void read_whole(mutable_byte_view into);
  void upgrade(const std::string& path, const std::string& origin);

 private:
  unique_fd fd_;
  tls_session session_;
};

}  // namespace flowersec::bench
