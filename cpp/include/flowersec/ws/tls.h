// TLS over a non-blocking descriptor: contexts, and a session that reads and writes without waiting.
// Layer ws. The relay and the message socket share it; neither waits in here. An idle session keeps no record
// buffers (about 10 KiB instead of the 70 KiB of a stream with its own buffers), and it moves between threads with
// its descriptor. Threading: a context may be shared, a session has one owner.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "flowersec/base/bytes.h"
#include "flowersec/base/error.h"

struct ssl_ctx_st;
struct ssl_st;

namespace flowersec::ws {

/// TLS 1.2 or newer. Cheap to copy; copies share one OpenSSL context.
class tls_context {
 public:
  /// Verifies servers. `ca_pem` are the only trusted certificates when given, else the system's are.
  [[nodiscard]] static result<tls_context> client(const std::optional<std::string>& ca_pem = std::nullopt);
  /// The same with the certificates in a PEM file.
  [[nodiscard]] static result<tls_context> client_from_file(const std::string& ca_file);
  /// Presents a certificate chain, leaf first; asks clients for none. Offers only http/1.1 by ALPN.
  /// Errors   ws_errc::tls_config_invalid, ::private_key_encrypted: the terminal is never asked for a password.
  [[nodiscard]] static result<tls_context> server(const std::string& chain_file, const std::string& key_file);

  /// For an HTTP server on the same certificate. Not owned.
  [[nodiscard]] ssl_ctx_st* native() const noexcept { return context_.get(); }

 private:
  [[nodiscard]] static result<tls_context> prepared(result<std::shared_ptr<ssl_ctx_st>> context);
  explicit tls_context(std::shared_ptr<ssl_ctx_st> context) noexcept : context_(std::move(context)) {}
  std::shared_ptr<ssl_ctx_st> context_;
};

/// Outcome of one attempt on a non-blocking transport.
enum class io_status : std::uint8_t {
  done,        ///< `bytes` were moved
  want_read,   ///< try again when the descriptor is readable
  want_write,  ///< try again when it is writable
  end,         ///< the peer ends the stream
  failed,      ///< `error` says why; the connection is over
};

struct io_result {
  io_status status = io_status::done;
  std::size_t bytes = 0;
  error_code error;
};

/// A write may want to read and a read may want to write (key updates); wait for what the result says.
class tls_session {
 public:
  /// Verifies that the server's certificate is for `host`, a DNS name or the text of an IP address.
  [[nodiscard]] static result<tls_session> connect(const tls_context& context, int descriptor, const std::string& host,
                                                   bool host_is_ip);
  [[nodiscard]] static result<tls_session> accept(const tls_context& context, int descriptor);

  /// Errors   ws_errc::certificate_untrusted, ::certificate_host_mismatch, ::tls_failed, or the socket's.
  [[nodiscard]] io_result handshake() noexcept;
  [[nodiscard]] io_result read(mutable_byte_view into) noexcept;
  /// May take a part of `from`. After want_*, try again with at least the same bytes, at any address.
  [[nodiscard]] io_result write(byte_view from) noexcept;
  /// Tells the peer that no more comes. One attempt is enough unless the result wants something.
  [[nodiscard]] io_result shutdown() noexcept;

 private:
  struct free_session {
    void operator()(ssl_st* session) const noexcept;
  };
  [[nodiscard]] static result<tls_session> make(const tls_context& context, int descriptor);
  [[nodiscard]] io_result explain(int outcome, std::size_t bytes) noexcept;
  explicit tls_session(ssl_st* session) noexcept : session_(session) {}

  std::unique_ptr<ssl_st, free_session> session_;
};

}  // namespace flowersec::ws
