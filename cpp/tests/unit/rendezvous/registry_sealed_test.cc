// The sealed connection to a registry: whether the registry goes away, and what it opens beside our stream.
#include <boost/asio/post.hpp>

#include "flowersec/ws/upgrade.h"
#include "rendezvous/registry_connection.h"
#include "unit/endpoint/sealed_fixture.h"

namespace flowersec::testing {
namespace {

using rendezvous::rendezvous_errc;

/// A registry of which the test is the one end, and the client's connection to it.
class sealed_registry : public ::testing::Test {
 protected:
  sealed_registry() : acceptor_(context_, {asio::ip::address_v4::loopback(), 0}) {}

  /// Connects, plays `registry`, and waits until the connection is lost.
  template <class Play>
  void play(Play registry, ws::accept_options accepting = {.origins = ws::origin_policy::everybody()}) {
    losses = 0;
    const auto body = [this, registry, accepting]() -> awaitable<void> {
      dial();
      auto peer = co_await acceptor_.async_accept(asio::use_awaitable);
      auto with = accepting;
      auto [refused, accepted] = co_await ws::async_accept(std::move(peer), std::move(with), ws_result);
      socket = std::move(accepted.socket);
      co_await registry();
      while (losses == 0) co_await next_turn();
    };
    run(context_, body());
    EXPECT_EQ(losses, 1);
    frames = {};
    session = {};
    socket = {};
    run_out(context_);
  }
  /// The handshake, and the stream.
  awaitable<void> open() {
    session = co_await endpoint::async_accept_sealed(std::move(socket), credentials(), endpoint::common_options{});
    while (!frames) {
      auto incoming = co_await session.async_accept_stream();
      if (incoming.kind == rendezvous::registry_stream_kind) frames = std::move(incoming.stream);
    }
  }
  /// Ends the session as a server does that goes on, or as one that ends.
  void end_session(bool going_away) {
    ws::accept_options accepting{.origins = ws::origin_policy::everybody()};
    accepting.socket.going_away = std::make_shared<const std::atomic<bool>>(going_away);
    play(
        [this]() -> awaitable<void> {
          co_await open();
          (void)co_await session.async_close(with_error);
        },
        std::move(accepting));
  }
  static awaitable<void> next_turn() { co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable); }

  asio::io_context context_;
  tcp::acceptor acceptor_;
  std::shared_ptr<rendezvous::registry_connection> connection;
  ws::message_socket socket;
  endpoint::session session;
  flowersec::stream frames;
  error_code lost;
  bool draining = false;
  int losses = 0;

 private:
  void dial() {
    rendezvous::registry_listener listener{.opened = {}, .frame = {}, .lost = [this](error_code why, bool said_so) {
                                             lost = why;
                                             draining = said_so;
                                             ++losses;
                                           }};
    auto info = sealed_info("ws://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/rv/v1/sealed");
    connection = rendezvous::make_sealed_connection(rendezvous::client_strand{context_.get_executor()},
                                                    std::move(listener), std::move(info), dial_options());
    connection->dial();
  }
};

TEST_F(sealed_registry, that_ends_a_session_with_1001_goes_away) {
  end_session(true);
  EXPECT_EQ(lost, make_error_code(rendezvous_errc::connection_lost));
  EXPECT_TRUE(draining);
}

TEST_F(sealed_registry, that_ends_a_session_with_1000_does_not_go_away) {
  end_session(false);
  EXPECT_EQ(lost, make_error_code(rendezvous_errc::connection_lost));
  EXPECT_FALSE(draining);
}

TEST_F(sealed_registry, that_ends_the_stream_does_not_go_away) {
  play([this]() -> awaitable<void> {
    co_await open();
    co_await frames.async_shutdown_send();
  });
  EXPECT_EQ(lost, make_error_code(rendezvous_errc::connection_lost));
  EXPECT_FALSE(draining);
}

TEST_F(sealed_registry, has_no_stream_but_ours) {
  play([this]() -> awaitable<void> {
    co_await open();
    for (const auto kind : {rendezvous::registry_stream_kind, endpoint::rpc_stream_kind}) {
      auto unasked = co_await session.async_open_stream(std::string{kind});
      char byte = 0;
      const auto [failed, bytes] = co_await unasked.async_read_some(asio::buffer(&byte, 1), with_error);
      EXPECT_EQ(failed, asio::error::connection_reset);
    }
    EXPECT_EQ(losses, 0);
    (void)co_await session.async_close(with_error);
  });
}

TEST_F(sealed_registry, that_closes_before_the_handshake_goes_away_with_1001_1012_and_1013_only) {
  for (const std::uint16_t code : {1000, 1001, 1008, 1011, 1012, 1013, 1014}) {
    play([this, code]() -> awaitable<void> {
      (void)co_await socket.async_close(static_cast<ws::close_code>(code), "", ws_result);
    });
    EXPECT_TRUE(lost == endpoint::endpoint_errc::handshake_failed) << lost.message();
    EXPECT_EQ(draining, code == 1001 || code == 1012 || code == 1013) << code;
  }
  play([this]() -> awaitable<void> {
    socket.abort();
    co_return;
  });
  EXPECT_FALSE(draining);
}

TEST_F(sealed_registry, that_answers_503_goes_away_and_with_another_status_it_does_not) {
  for (const unsigned status : {403, 404, 429, 500, 502, 503, 504}) {
    ws::accept_options accepting{.origins = ws::origin_policy::everybody()};
    accepting.on_head = [status](const ws::request_head&) {
      return ws::head_answer{ws::plain_answer_text(status, "no", false)};
    };
    play([]() -> awaitable<void> { co_return; }, std::move(accepting));
    EXPECT_TRUE(lost == endpoint::endpoint_errc::dial_failed) << lost.message();
    EXPECT_EQ(draining, status == 503) << status;
  }
}

}  // namespace
}  // namespace flowersec::testing
