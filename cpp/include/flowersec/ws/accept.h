// Makes a message socket of an accepted TCP connection: TLS, HTTP upgrade, refusals.
// Layer ws, on Asio. Time limits are the caller's cancellation; admission is the caller's count.
// Source: RFC 6455 section 4.2; PROTOCOL, "Opening handshake".
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "flowersec/ws/message_socket.h"
#include "flowersec/ws/origin_policy.h"
#include "flowersec/ws/request_head.h"
#include "flowersec/ws/tls.h"

namespace flowersec::ws {

/// Lets the upgrade go on, through every other check.
struct head_pass {
  /// Selected in the answer when not empty. It is the caller who saw the client offer it.
  std::string subprotocol{};
  /// Passes over accept_options::origins.
  bool any_origin = false;
};

/// A whole HTTP response, sent as it is; the connection is closed behind it, so it should say `Connection: close`.
/// Of one to HEAD only the head is sent.
struct head_answer {
  std::string text;
};

using head_decision = std::variant<head_pass, head_answer>;

struct accept_options {
  origin_policy origins;
  /// The only path that upgrades, compared without the query; others are answered with 404. nullopt: every path.
  std::optional<std::string> path{};
  /// Serve wss with this certificate.
  std::optional<tls_context> tls{};
  /// Answer 503 whatever the request is: the caller is at its limit.
  bool busy = false;
  /// Sees the head of every request first, an upgrade or not, also when busy; so one listener can serve pages beside
  /// the WebSocket. The head is valid during the call. Must not throw. Absent: every request passes.
  std::function<head_decision(const request_head&)> on_head{};
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
/// Errors        upgrade_declined (also after a head_answer), request_invalid, request_too_large (all
///               answered), abrupt_end, tls_failed, or the transport's.
template <typename Token = boost::asio::use_awaitable_t<>>
auto async_accept(boost::asio::ip::tcp::socket socket, accept_options options, Token&& token = {}) {
  return boost::asio::async_initiate<Token, void(error_code, accepted_socket)>(
      [](auto handler, boost::asio::ip::tcp::socket from, accept_options with) {
        detail::start_accept(std::move(from), std::move(with), std::move(handler));
      },
      token, std::move(socket), std::move(options));
}

}  // namespace flowersec::ws
