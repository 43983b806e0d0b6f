// A client whose registry goes away: it is not there again at once, together with everybody else.
#include <boost/asio/post.hpp>

#include "flowersec/rendezvous/frames.h"
#include "flowersec/rendezvous/secure_socket_client.h"
#include "flowersec/ws/upgrade.h"
#include "unit/endpoint/sealed_fixture.h"

namespace flowersec::testing {
namespace {

using rendezvous::registry_transport;

class drained_client : public ::testing::Test {
 protected:
  using farewell = std::function<awaitable<void>(tcp::socket)>;

  drained_client() : acceptor_(context_, {asio::ip::address_v4::loopback(), 0}) {}

  /// Begins to register, is sent away, and would wait up to a day if that says that the registry goes away.
  awaitable<void> send_away(registry_transport over, const farewell& how) {
    auto self = std::make_shared<::flowersec::identity::identity>(
        ::flowersec::identity::identity::generate(system_random()).value());
    rendezvous::secure_socket_options options;
    options.registries.push_back(
        {.url = "ws://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()), .keys = {self->key()}});
    options.contacts = std::make_shared<::flowersec::identity::contacts>(std::move(self));
    options.transport = over;
    options.reconnect = {.enabled = true, .initial_delay = {}, .drain_spread = std::chrono::hours{24}};
    options.on_message = [](const rendezvous::received_message&) {};
    losses_ = 0;
    options.on_state = [this](const rendezvous::socket_event& event) {
      const auto* changed = std::get_if<rendezvous::registry_changed>(&event);
      if (changed != nullptr && changed->why) ++losses_;
    };
    client_.emplace(rendezvous::secure_socket_client::create(context_.get_executor(), std::move(options)).value());
    client_->async_start([](error_code /*told by events*/) {});
    auto peer = co_await acceptor_.async_accept(asio::use_awaitable);
    co_await how(std::move(peer));
    while (losses_ == 0) co_await next_turn();
  }
  /// What the next one says that connects.
  awaitable<std::string> next_one() {
    auto peer = co_await acceptor_.async_accept(asio::use_awaitable);
    std::string said(3, '\0');
    co_await asio::async_read(peer, asio::buffer(said), asio::use_awaitable);
    co_return said;
  }
  /// Whether somebody else comes first.
  bool stays_away(registry_transport over, farewell how) {
    std::string first;
    const auto whole = [&]() -> awaitable<void> {
      co_await send_away(over, how);
      // Time for a wait of nothing.
      for (int turn = 0; turn < 100; ++turn) co_await next_turn();
      tcp::socket somebody{context_};
      co_await somebody.async_connect(acceptor_.local_endpoint(), asio::use_awaitable);
      co_await asio::async_write(somebody, asio::buffer(other_), asio::use_awaitable);
      first = co_await next_one();
    };
    run(context_, whole());
    finish();
    return first == other_;
  }
  bool comes_back(registry_transport over, farewell how) {
    std::string first;
    const auto whole = [&]() -> awaitable<void> {
      co_await send_away(over, how);
      first = co_await next_one();
    };
    run(context_, whole());
    finish();
    return first == "GET";
  }

  static farewell close_with(std::uint16_t code) {
    return [code](tcp::socket peer) -> awaitable<void> {
      auto socket = co_await upgraded(std::move(peer));
      (void)co_await socket.async_close(static_cast<ws::close_code>(code), "", ws_result);
    };
  }
  static farewell answer(unsigned status) {
    return [status](tcp::socket peer) -> awaitable<void> {
      ws::accept_options accepting{.origins = ws::origin_policy::everybody()};
      accepting.on_head = [status](const ws::request_head&) {
        return ws::head_answer{ws::plain_answer_text(status, "no", false)};
      };
      (void)co_await ws::async_accept(std::move(peer), std::move(accepting), ws_result);
    };
  }
  static awaitable<ws::message_socket> upgraded(tcp::socket peer) {
    ws::accept_options accepting{.origins = ws::origin_policy::everybody()};
    auto accepted = co_await ws::async_accept(std::move(peer), std::move(accepting));
    co_return std::move(accepted.socket);
  }
  static awaitable<void> next_turn() { co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable); }

 private:
  void finish() {
    client_.reset();
    run_out(context_);
  }

  asio::io_context context_;
  tcp::acceptor acceptor_;
  std::optional<rendezvous::secure_socket_client> client_;
  const std::string other_ = "who";
  int losses_ = 0;
};

TEST_F(drained_client, stays_away_after_a_close_that_says_so) {
  for (const auto over : {registry_transport::sealed, registry_transport::plain}) {
    for (const std::uint16_t code : {1001, 1012, 1013}) EXPECT_TRUE(stays_away(over, close_with(code))) << code;
  }
}

TEST_F(drained_client, stays_away_after_http_503) {
  for (const auto over : {registry_transport::sealed, registry_transport::plain}) {
    EXPECT_TRUE(stays_away(over, answer(503)));
  }
}

TEST_F(drained_client, stays_away_from_a_registry_that_is_shutting_down) {
  EXPECT_TRUE(stays_away(registry_transport::plain, [](tcp::socket peer) -> awaitable<void> {
    auto socket = co_await upgraded(std::move(peer));
    const auto text = rendezvous::encode(rendezvous::server_frame{
        rendezvous::error_frame{.code = rendezvous::rendezvous_errc::shutting_down, .fatal = true}});
    (void)co_await socket.async_write_message(ws::message_kind::text, as_bytes(text), ws_result);
    (void)co_await listen_to_the_end(socket);
  }));
}

TEST_F(drained_client, comes_back_at_once_after_anything_else) {
  for (const auto over : {registry_transport::sealed, registry_transport::plain}) {
    EXPECT_TRUE(comes_back(over, close_with(1000)));
    EXPECT_TRUE(comes_back(over, close_with(1011)));
    EXPECT_TRUE(comes_back(over, answer(502)));
    EXPECT_TRUE(comes_back(over, [](tcp::socket peer) -> awaitable<void> {
      auto socket = co_await upgraded(std::move(peer));
      socket.abort();
    }));
  }
}

}  // namespace
}  // namespace flowersec::testing
