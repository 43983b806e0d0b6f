// Who may be on the way in at a direct listener: so many of one address, and of one behind a proxy.
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include "direct_fixture.h"

namespace flowersec::testing {
namespace {

using asio::ip::tcp;
using endpoint::endpoint_errc;
using endpoint::listen_options;

/// What came before the end.
awaitable<std::string> read_to_the_end(tcp::socket& socket) {
  std::string all;
  std::array<char, 512> buffer{};
  while (true) {
    auto [ended, n] = co_await socket.async_read_some(asio::buffer(buffer), with_error);
    all.append(buffer.data(), n);
    if (ended) co_return all;
  }
}

/// From 127.0.0.`number`.
awaitable<tcp::socket> arrive(const endpoint::direct_listener& listener, unsigned number) {
  tcp::socket socket{co_await asio::this_coro::executor};
  socket.open(tcp::v4());
  socket.bind({asio::ip::address_v4{0x7f000000U + number}, 0});
  co_await socket.async_connect({asio::ip::make_address("127.0.0.1"), listener.port()}, endpoint::default_token{});
  co_return socket;
}

/// The first line of the answer to a request that is no upgrade; empty when there is none.
awaitable<std::string> ask(tcp::socket& socket, std::string_view fields = {}) {
  const std::string request = "GET /ws HTTP/1.1\r\nHost: h\r\n" + std::string{fields} + "\r\n";
  co_await asio::async_write(socket, asio::buffer(request), with_error);
  const auto answer = co_await read_to_the_end(socket);
  co_return answer.substr(0, answer.find("\r\n"));
}

/// An upgrade that a proxy brings for `visitor`, and nothing behind it.
awaitable<std::string> bring(tcp::socket& socket, std::string_view visitor) {
  const auto request =
      "GET /ws HTTP/1.1\r\nHost: h\r\nOrigin: https://app.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nX-Forwarded-For: " +
      std::string{visitor} + "\r\n\r\n";
  co_await asio::async_write(socket, asio::buffer(request), endpoint::default_token{});
  std::array<char, 512> buffer{};
  auto [failed, n] = co_await socket.async_read_some(asio::buffer(buffer), with_error);
  const std::string_view answer{buffer.data(), n};
  co_return std::string{answer.substr(0, answer.find("\r\n"))};
}

TEST(direct_listener, one_address_has_its_share_of_the_places_on_the_way_in) {
  asio::io_context context;
  auto accept = listening();
  accept.max_handshakes = 3;
  accept.max_handshakes_per_address = 2;
  accept.trusted_proxies.clear();
  auto listener = listen_on(context, std::move(accept));
  run(context, [&]() -> awaitable<void> {
    auto first = co_await arrive(listener, 9);
    auto second = co_await arrive(listener, 9);
    auto one_more = co_await arrive(listener, 9);
    EXPECT_EQ(co_await read_to_the_end(one_more), "") << "one more of an address";
    auto other = co_await arrive(listener, 8);
    EXPECT_EQ(co_await ask(other), "HTTP/1.1 400 Bad Request");
    first.close();
    // The listener notices by itself that a client left; the test fails if it never does.
    const auto attempt = [&]() -> awaitable<bool> {
      auto again = co_await arrive(listener, 9);
      co_return co_await ask(again) == "HTTP/1.1 400 Bad Request";
    };
    while (!co_await attempt()) {
    }
  }());
}

TEST(direct_listener, sessions_that_nobody_accepts_keep_the_places_of_their_address) {
  asio::io_context context;
  auto accept = listening();
  accept.max_handshakes_per_address = 1;
  accept.trusted_proxies.clear();
  auto listener = listen_on(context, std::move(accept));
  run(context, [&]() -> awaitable<void> {
    const auto client =
        co_await endpoint::async_connect(co_await asio::this_coro::executor, info_for(listener.url()), dial_options());
    auto one_more = co_await arrive(listener, 1);
    EXPECT_EQ(co_await read_to_the_end(one_more), "");
    const auto server = co_await listener.async_accept();
    auto next = co_await arrive(listener, 1);
    EXPECT_EQ(co_await ask(next), "HTTP/1.1 400 Bad Request");
  }());
}

TEST(direct_listener, a_trusted_proxy_is_no_address_and_those_behind_it_are) {
  asio::io_context context;
  auto accept = listening();
  accept.max_handshakes_per_address = 2;
  auto listener = listen_on(context, std::move(accept));
  run(context, [&]() -> awaitable<void> {
    std::vector<tcp::socket> silent;
    for (int i = 0; i < 3; ++i) silent.push_back(co_await arrive(listener, 1));
    for (auto& each : silent) EXPECT_EQ(co_await ask(each), "HTTP/1.1 400 Bad Request") << "this machine is trusted";

    const std::string switching = "HTTP/1.1 101 Switching Protocols";
    auto first = co_await arrive(listener, 1);
    EXPECT_EQ(co_await bring(first, "2001:db8::1"), switching);
    auto second = co_await arrive(listener, 1);
    EXPECT_EQ(co_await bring(second, "2001:db8::2"), switching);
    auto one_more = co_await arrive(listener, 1);
    EXPECT_EQ(co_await bring(one_more, "2001:db8::3"), "HTTP/1.1 503 Service Unavailable");
    auto other = co_await arrive(listener, 1);
    EXPECT_EQ(co_await bring(other, "2001:db8:0:1::1"), switching);
    first.close();
    // The listener notices by itself that a client left; the test fails if it never does.
    const auto attempt = [&]() -> awaitable<bool> {
      auto again = co_await arrive(listener, 1);
      co_return co_await bring(again, "2001:db8::4") == switching;
    };
    while (!co_await attempt()) {
    }
  }());
}

TEST(direct_listener, a_proxy_that_says_no_visitor_brings_nobody) {
  asio::io_context context;
  auto accept = listening();
  accept.max_handshakes_per_address = 1;
  auto listener = listen_on(context, std::move(accept));
  run(context, [&]() -> awaitable<void> {
    std::vector<tcp::socket> held;
    for (const auto* said : {"unknown", "unknown", "", "127.0.0.7", "127.0.0.7, 127.0.0.8", "_hidden, 127.0.0.8"}) {
      held.push_back(co_await arrive(listener, 1));
      EXPECT_EQ(co_await bring(held.back(), said), "HTTP/1.1 101 Switching Protocols") << said;
    }
  }());
}

/// Through a proxy that says `visitor`: brings its upgrade to the listener, then carries bytes until one side ends.
awaitable<void> carry(tcp::acceptor& acceptor, std::uint16_t to, std::string_view visitor) {
  const auto executor = co_await asio::this_coro::executor;
  auto near = std::make_shared<tcp::socket>(executor);
  co_await acceptor.async_accept(*near, endpoint::default_token{});
  auto far = std::make_shared<tcp::socket>(executor);
  co_await far->async_connect({asio::ip::make_address("127.0.0.1"), to}, endpoint::default_token{});
  std::string request;
  const auto n =
      co_await asio::async_read_until(*near, asio::dynamic_buffer(request), "\r\n\r\n", endpoint::default_token{});
  request.insert(n - 2, "X-Forwarded-For: " + std::string{visitor} + "\r\n");
  co_await asio::async_write(*far, asio::buffer(request), endpoint::default_token{});
  const auto pump = [](std::shared_ptr<tcp::socket> from, std::shared_ptr<tcp::socket> into) -> awaitable<void> {
    std::array<char, 4096> buffer{};
    while (true) {
      auto [ended, got] = co_await from->async_read_some(asio::buffer(buffer), with_error);
      if (ended) break;
      auto [failed, written] = co_await asio::async_write(*into, asio::buffer(buffer, got), with_error);
      if (failed) break;
    }
    error_code ignored;
    into->close(ignored);
  };
  asio::co_spawn(executor, pump(near, far), asio::detached);
  asio::co_spawn(executor, pump(far, near), asio::detached);
}

TEST(direct_listener, a_session_behind_a_proxy_that_nobody_accepts_keeps_the_place_of_its_visitor) {
  asio::io_context context;
  auto accept = listening();
  accept.max_handshakes_per_address = 1;
  auto listener = listen_on(context, std::move(accept));
  run(context, [&]() -> awaitable<void> {
    const auto executor = co_await asio::this_coro::executor;
    tcp::acceptor proxy{executor, {asio::ip::make_address("127.0.0.1"), 0}};
    asio::co_spawn(executor, carry(proxy, listener.port(), "192.0.2.1"), asio::detached);
    const auto url = "ws://127.0.0.1:" + std::to_string(proxy.local_endpoint().port()) + "/ws";
    const auto client = co_await endpoint::async_connect(executor, info_for(url), dial_options());
    auto one_more = co_await arrive(listener, 1);
    EXPECT_EQ(co_await bring(one_more, "192.0.2.1"), "HTTP/1.1 503 Service Unavailable");
    auto other = co_await arrive(listener, 1);
    EXPECT_EQ(co_await bring(other, "192.0.2.2"), "HTTP/1.1 101 Switching Protocols");
    const auto server = co_await listener.async_accept();
    auto next = co_await arrive(listener, 1);
    EXPECT_EQ(co_await bring(next, "192.0.2.1"), "HTTP/1.1 101 Switching Protocols");
  }());
}

TEST(direct_listener, who_is_refused_keeps_no_place_from_being_free_again) {
  asio::io_context context;
  auto accept = listening();
  accept.max_handshakes = 1;
  auto listener = listen_on(context, std::move(accept));
  run(context, [&]() -> awaitable<void> {
    auto holder = co_await arrive(listener, 1);
    auto refused = co_await arrive(listener, 2);
    auto also_refused = co_await arrive(listener, 2);
    EXPECT_EQ(co_await ask(also_refused), "HTTP/1.1 503 Service Unavailable");
    holder.close();
    // The listener notices by itself that a client left; the test fails if it never does.
    const auto attempt = [&]() -> awaitable<bool> {  // while one is still being refused
      auto next = co_await arrive(listener, 3);
      co_return co_await ask(next) == "HTTP/1.1 400 Bad Request";
    };
    while (!co_await attempt()) {
    }
    EXPECT_EQ(co_await ask(refused), "HTTP/1.1 503 Service Unavailable");
  }());
}

TEST(direct_listener, an_entrance_without_places_and_a_proxy_that_is_no_network_are_refused) {
  asio::io_context context;
  const auto refused = [&](auto change) {
    auto options = listening();
    change(options);
    return endpoint::direct_listener::open(context.get_executor(),
                                           endpoint::fixed_credential::from(info_for("")).value(), options)
        .error();
  };
  EXPECT_EQ(refused([](listen_options& o) { o.max_handshakes_per_address = 0; }), endpoint_errc::invalid_option);
  EXPECT_EQ(refused([](listen_options& o) { o.trusted_proxies = {"proxy.example"}; }), endpoint_errc::invalid_option);
}

}  // namespace
}  // namespace flowersec::testing
