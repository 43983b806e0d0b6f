// Makes a message socket of an accepted TCP connection: TLS, HTTP upgrade, refusals.
// Layer ws, on Asio. Time limits are the caller's cancellation; admission is the caller's count.
// Source: RFC 6455 section 4.2; PROTOCOL, "Opening handshake".
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <optional>
#include <string>

#include "flowersec/ws/message_socket.h"
#include "flowersec/ws/origin_policy.h"
#include "flowersec/ws/tls.h"

namespace flowersec::ws {

struct accept_options {
  origin_policy origins;
  /// The only path that upgrades, compared without the query; others are answered with 404. nullopt: every path.
  std::optional<std::string> path{};
  /// Serve wss with this certificate.
  std::optional<tls_context> tls{};
  /// Answer 503 whatever the request is: the caller is at its limit.
  bool busy = false;
  socket_options socket{};
};

struct accepted_socket {
  message_socket socket;
  std::string target;  ///< path and query of the request
};

namespace detail {
using accept_handler = boost::asio::any_completion_handler<void(error_code, accepted_socket)>;
void start_accept(boost::asio::ip::tcp::socket socket, accept_options options, accept_handler handler);
}  // namespace detail

/// Reads the request and answers it: 101, or a refusal after which the connection is closed.
/// Completion    void(error_code, accepted_socket), on the socket's executor
/// Cancellation  total and terminal; the connection is closed.
/// Errors        upgrade_declined, request_invalid, request_too_large (all answered), abrupt_end, tls_failed, or the
///               transport's.
template <typename Token = boost::asio::use_awaitable_t<>>
auto async_accept(boost::asio::ip::tcp::socket socket, accept_options options, Token&& token = {}) {
  return boost::asio::async_initiate<Token, void(error_code, accepted_socket)>(
      [](auto handler, boost::asio::ip::tcp::socket from, accept_options with) {
        detail::start_accept(std::move(from), std::move(with), std::move(handler));
      },
      token, std::move(socket), std::move(options));
}

}  // namespace flowersec::ws
