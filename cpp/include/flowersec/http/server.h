// A small HTTP/1.1 server: one listener, limits on everything a client can make it hold or wait for.
// Layer http, on Beast. For admin listeners and control planes, not for upgrades.
// Threading: everything, the handler included, runs on the executor given (a strand if threads share it); a responder
// may be called from any thread. Source: PROTOCOL, "Plain HTTP behaviour".
#pragma once

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>

#include "flowersec/http/error.h"
#include "flowersec/http/message.h"

struct ssl_ctx_st;

namespace flowersec::http {

struct server_limits {
  std::chrono::milliseconds header_timeout{5000};    ///< TLS handshake; first byte; request line and headers
  std::chrono::milliseconds request_timeout{10000};  ///< the whole request, from its first byte
  std::chrono::milliseconds write_timeout{10000};    ///< one response
  std::chrono::milliseconds idle_timeout{60000};     ///< between two requests of a connection
  /// When all places are taken, a newcomer gets that of the connection that has shown no complete request for longest,
  /// but not within this time from when it came, had its last answer, or began its request.
  std::chrono::milliseconds place_grace{500};
  /// Header block, with 4 KiB of slack. Over it: 431.
  std::size_t max_header_bytes = 32 * 1024 + 4096;
  /// Request body. Over it: 413.
  std::size_t max_body_bytes = 1048576;
  /// Connections at once; later ones wait in the kernel's queue for a place. A client can make us hold
  /// max_connections * (max_header_bytes + max_body_bytes).
  std::size_t max_connections = 256;

  [[nodiscard]] bool validate() const noexcept;
};

/// Words for a request that cannot be read: 400, 413, or 431. `head` is the request without its body; with an empty
/// method when not even that was read.
using refusal_handler = std::function<response(unsigned status, const request& head)>;

struct server_options {
  server_limits limits{};
  /// Serve https with this context; it is kept alive. nullptr: plain HTTP.
  std::shared_ptr<ssl_ctx_st> tls{};
  /// Empty: a line of text, as error_response() makes it.
  refusal_handler refusal{};
};

/// Certificate chain and key in PEM files, TLS 1.2 or newer.
/// Errors   tls_config_invalid, certificate_too_weak, private_key_encrypted: the terminal is never asked for a
/// password.
[[nodiscard]] result<std::shared_ptr<ssl_ctx_st>> load_server_tls(const std::string& chain_file,
                                                                  const std::string& key_file);

class server_core;

class server {
 public:
  server(boost::asio::any_io_executor executor, server_options options, request_handler handler);
  /// Drops every connection.
  ~server();
  server(server&&) noexcept = default;
  server& operator=(server&&) = delete;

  /// Binds and listens; connections are taken from start() on.
  [[nodiscard]] error_code listen(const boost::asio::ip::tcp::endpoint& where);
  [[nodiscard]] boost::asio::ip::tcp::endpoint local_endpoint() const;
  void start();
  /// Another context for later connections; those that are there keep theirs. No effect on a plain HTTP server, which
  /// stays one.
  void replace_tls(std::shared_ptr<ssl_ctx_st> context);

  /// Stops accepting, drops idle connections, lets requests under way be answered within `limit`, drops the rest.
  /// Completion    void(error_code): success, or stop_deadline
  template <typename Token = boost::asio::use_awaitable_t<>>
  auto async_stop(std::chrono::milliseconds limit, Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        [this](auto handler, std::chrono::milliseconds within) { start_stop(within, std::move(handler)); }, token,
        limit);
  }
  /// Drops everything now.
  void abort() noexcept;

 private:
  void start_stop(std::chrono::milliseconds limit, boost::asio::any_completion_handler<void(error_code)> handler);

  std::shared_ptr<server_core> core_;
};

}  // namespace flowersec::http
