// A gateway on loopback, to which users and internal clients of support/ownwire_people.h connect.
// Test support.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <string>
#include <utility>
#include <vector>

#include "flowersec/ownwire/gateway.h"
#include "flowersec/ownwire/internal_frames.h"
#include "support/ownwire_people.h"
#include "support/run_coroutine.h"

namespace flowersec::ownwire {

inline gateway_options usual_options() {
  gateway_options options;
  options.credentials =
      endpoint::sealed_credentials::of(sealed::keyring{{.key = identity(), .created_at = unix_seconds{1}}});
  options.public_port = public_port_options{.listen = any_loopback_port};
  options.internal_port.listen = any_loopback_port;
  return options;
}

inline ws::connect_options extended_options() { return {.subprotocol = std::string{extended_subprotocol}}; }

/// What a server answers to one request in clear.
inline awaitable<std::string> ask(std::uint16_t port, std::string request) {
  tcp::socket socket{co_await asio::this_coro::executor};
  const tcp::endpoint to{asio::ip::address_v4::loopback(), port};
  co_await socket.async_connect(to, asio::use_awaitable);
  co_await asio::async_write(socket, asio::buffer(request), asio::use_awaitable);
  std::string answer;
  std::array<char, 4096> buffer;
  while (true) {
    const auto [failed, bytes] = co_await socket.async_read_some(asio::buffer(buffer), as_result);
    if (failed) co_return answer;
    answer.append(buffer.data(), bytes);
    if (answer.starts_with("HTTP/1.1 101")) co_return answer;
  }
}

/// A request for an upgrade, with further header lines.
inline std::string upgrade_request(std::string_view path, std::string_view host, std::string_view more = {}) {
  return "GET " + std::string{path} + " HTTP/1.1\r\nHost: " + std::string{host} +
         "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" +
         std::string{more} + "\r\n";
}

/// Its first line.
inline std::string status_of(const std::string& answer) { return answer.substr(0, answer.find("\r\n")); }

/// From 127.0.0.x.
inline awaitable<tcp::socket> arrive(std::uint16_t port, unsigned last_of_address) {
  tcp::socket socket{co_await asio::this_coro::executor};
  socket.open(tcp::v4());
  socket.bind({asio::ip::address_v4{0x7F000000U + last_of_address}, 0});
  co_await socket.async_connect({asio::ip::address_v4::loopback(), port}, asio::use_awaitable);
  co_return socket;
}

/// The first line of the answer to a request for /healthz; empty when there is none.
inline awaitable<std::string> health(tcp::socket& socket) {
  const std::string request = "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n";
  co_await asio::async_write(socket, asio::buffer(request), as_result);
  std::array<char, 4096> buffer;
  const auto [failed, bytes] = co_await socket.async_read_some(asio::buffer(buffer), as_result);
  co_return failed ? std::string{} : status_of(std::string{buffer.data(), bytes});
}

/// A port with three places, two of them for one address.
inline awaitable<void> fill_the_entrance(std::uint16_t port) {
  auto first = co_await arrive(port, 1);
  auto second = co_await arrive(port, 1);
  auto third = co_await arrive(port, 1);
  EXPECT_EQ(co_await health(third), "") << "one more of an address";
  auto other = co_await arrive(port, 2);
  auto beyond = co_await arrive(port, 3);
  EXPECT_EQ(co_await health(beyond), "HTTP/1.1 503 Service Unavailable") << "one more of all";
  EXPECT_EQ(co_await health(first), "HTTP/1.1 200 OK");
  EXPECT_EQ(co_await health(other), "HTTP/1.1 200 OK");
  // A place is free again when its connection has its answer.
  for (std::string status; status != "HTTP/1.1 200 OK";) {
    auto next = co_await arrive(port, 1);
    status = co_await health(next);
  }
  EXPECT_EQ(co_await health(second), "HTTP/1.1 200 OK");
}

struct gateway_world {
  explicit gateway_world(gateway_options options = usual_options())
      : gate{gateway::open(context.get_executor(), std::move(options)).value()} {}
  /// The gateway lives elsewhere than those who talk to it.
  gateway_world(asio::any_io_executor of_gateway, gateway_options options)
      : gate{gateway::open(std::move(of_gateway), std::move(options)).value()} {}

  void run(awaitable<void> body, std::chrono::seconds limit = 60s) { testing::run(context, std::move(body), limit); }
  [[nodiscard]] std::string public_url() const {
    return "ws://127.0.0.1:" + std::to_string(gate.public_port()) + "/ws";
  }
  [[nodiscard]] std::string internal_url(std::string_view path = "/ws") const {
    return "ws://127.0.0.1:" + std::to_string(gate.internal_port()) + std::string{path};
  }

  asio::io_context context;
  gateway gate;
};

}  // namespace flowersec::ownwire
