// Opens a message socket as a client: resolve, TCP, TLS, HTTP upgrade.
// Layer ws, on Asio. Who may be dialled was decided before: here every valid URL is. Time limits are the caller's
// cancellation. Source: RFC 6455 section 4.1; PROTOCOL, "Opening handshake".
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "flowersec/ws/message_socket.h"
#include "flowersec/ws/tls.h"
#include "flowersec/ws/url.h"

namespace flowersec::ws {

struct extra_header {
  std::string name;
  std::string value;
};

struct connect_options {
  /// Value of the Origin header; nullopt sends none.
  std::optional<std::string> origin{};
  /// Sent as they are, with a valid name and without line breaks in the value. Headers of the upgrade itself
  /// (Host, Origin, Connection, Upgrade, Sec-WebSocket-*) are refused with header_invalid.
  std::vector<extra_header> headers{};
  /// Offered to the server, which may select it: see message_socket::subprotocol(). A token, else header_invalid.
  std::optional<std::string> subprotocol{};
  /// Trust for wss; nullopt: the system's certificates.
  std::optional<tls_context> tls{};
  socket_options socket{};
};

namespace detail {
using connect_handler = boost::asio::any_completion_handler<void(error_code, message_socket)>;
void start_connect(boost::asio::any_io_executor executor, url target, connect_options options, connect_handler handler);
}  // namespace detail

/// Offers no extension and at most one subprotocol, and refuses a server that selects anything else. Redirects are not
/// followed. Completion    void(error_code, message_socket) Cancellation  total and terminal; nothing stays open.
/// Errors        upgrade_refused(status), upgrade_invalid, extension_selected, subprotocol_selected,
///               certificate_untrusted, certificate_host_mismatch, tls_failed, header_invalid, random_failed, or those
///               of resolving and connecting.
template <typename Token = boost::asio::use_awaitable_t<>>
auto async_connect(boost::asio::any_io_executor executor, url target, connect_options options, Token&& token = {}) {
  return boost::asio::async_initiate<Token, void(error_code, message_socket)>(
      [](auto handler, boost::asio::any_io_executor ex, url to, connect_options with) {
        detail::start_connect(std::move(ex), std::move(to), std::move(with), std::move(handler));
      },
      token, std::move(executor), std::move(target), std::move(options));
}

}  // namespace flowersec::ws
