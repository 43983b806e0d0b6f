// Two message sockets of one loopback connection, plain or TLS, and raw ends for misbehaving peers.
#pragma once

#include <boost/asio/connect.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "flowersec/ws/accept.h"
#include "flowersec/ws/connect.h"
#include "support/run_tasks.h"
#include "support/test_certificates.h"

namespace flowersec::ws::testing {

using boost::asio::awaitable;
using boost::asio::ip::tcp;
using flowersec::testing::as_result;
using flowersec::testing::run_tasks;
using flowersec::testing::task;

inline std::string text_of(const received_message& message) { return std::string{as_text(message.payload)}; }

/// A listener on a port of its own, and the options both ends use.
class loopback {
 public:
  explicit loopback(boost::asio::io_context& context)
      : acceptor_(context, tcp::endpoint{boost::asio::ip::address_v4::loopback(), 0}) {
    connecting.origin = "https://app.example";
  }

  /// Serves and trusts a fresh certificate for "localhost" and 127.0.0.1.
  void use_tls() {
    authority = std::make_unique<flowersec::testing::test_authority>();
    const auto files = authority->issue("DNS:localhost,IP:127.0.0.1");
    accepting.tls = tls_context::server(files.chain, files.key).value();
    connecting.tls = tls_context::client(authority->ca_pem()).value();
  }

  [[nodiscard]] url address() const {
    const auto scheme = accepting.tls ? "wss" : "ws";
    return parse_url(std::string{scheme} + "://127.0.0.1:" + std::to_string(port()) + "/ws").value();
  }
  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  /// The next TCP connection.
  awaitable<tcp::socket> tcp_peer() { co_return co_await acceptor_.async_accept(boost::asio::use_awaitable); }
  /// A TCP connection to the listener.
  awaitable<tcp::socket> tcp_client() {
    tcp::socket socket{acceptor_.get_executor()};
    co_await socket.async_connect(acceptor_.local_endpoint(), boost::asio::use_awaitable);
    co_return socket;
  }

  awaitable<message_socket> accept() {
    auto accepted = co_await async_accept(co_await tcp_peer(), accepting);
    co_return std::move(accepted.socket);
  }
  awaitable<message_socket> connect() {
    co_return co_await async_connect(acceptor_.get_executor(), address(), connecting);
  }

  accept_options accepting{.origins = *origin_policy::allow_list({"https://app.example"}, false),
                           .path = {},
                           .tls = {},
                           .busy = false,
                           .socket = {}};
  connect_options connecting;
  std::unique_ptr<flowersec::testing::test_authority> authority;

 private:
  tcp::acceptor acceptor_;
};

inline constexpr std::string_view raw_upgrade =
    "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Origin: https://app.example\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Upgrades by hand; what follows is up to the test.
inline awaitable<void> upgrade_raw(tcp::socket& socket, std::string_view early = {}) {
  co_await boost::asio::async_write(socket, boost::asio::buffer(std::string{raw_upgrade}.append(early)),
                                    boost::asio::use_awaitable);
  std::string head;
  while (!head.ends_with("\r\n\r\n")) {
    char next = 0;  // one at a time: the first frame may be right behind
    co_await boost::asio::async_read(socket, boost::asio::buffer(&next, 1), boost::asio::use_awaitable);
    head += next;
  }
}

inline awaitable<void> send_raw(tcp::socket& socket, byte_buffer bytes) {
  co_await boost::asio::async_write(socket, boost::asio::buffer(bytes), boost::asio::use_awaitable);
}

/// One frame of a server, read to its last byte.
struct raw_frame {
  frame_header header;
  byte_buffer payload;
};

inline awaitable<raw_frame> read_raw(tcp::socket& socket) {
  byte_buffer head;
  raw_frame frame;
  while (true) {
    const auto decoded = decode_frame_header(head, role::server);
    if (decoded.result == header_decoding::outcome::violation) throw std::runtime_error{describe(decoded.error)};
    if (decoded.result == header_decoding::outcome::complete) {
      frame.header = decoded.header;
      break;
    }
    std::byte next;
    co_await boost::asio::async_read(socket, boost::asio::buffer(&next, 1), boost::asio::use_awaitable);
    head.push_back(next);
  }
  frame.payload.resize(static_cast<std::size_t>(frame.header.payload_bytes));
  co_await boost::asio::async_read(socket, boost::asio::buffer(frame.payload), boost::asio::use_awaitable);
  co_return frame;
}

/// Ends when the peer closes.
inline task echo_until_closed(loopback& net) {
  auto socket = co_await net.accept();
  while (true) {
    const auto [error, message] = co_await socket.async_read_message(as_result);
    if (error) {
      EXPECT_EQ(error, ws_errc::closed_by_peer);
      break;
    }
    co_await socket.async_write_message(message.kind, message.payload);
  }
  co_await socket.async_close(close_code::normal, "");
}

}  // namespace flowersec::ws::testing
