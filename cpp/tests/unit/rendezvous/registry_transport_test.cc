// The plain connection to a registry: how it ends, as the registry sees it, and whether the registry goes away.
#include <gtest/gtest.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>

#include "flowersec/ws/accept.h"
#include "flowersec/ws/frame.h"
#include "flowersec/ws/upgrade.h"
#include "rendezvous/registry_connection.h"
#include "support/run_coroutine.h"

namespace flowersec::rendezvous {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
constexpr auto with_error = asio::as_tuple(asio::use_awaitable);

/// A registry of which the test is the one end, and the client's connection to it.
class registry_transport : public ::testing::Test {
 protected:
  registry_transport() : acceptor_(context_, {asio::ip::address_v4::loopback(), 0}) {}

  /// Connects, plays `registry`, and drops what is left.
  template <class Play>
  void play(Play registry) {
    const auto body = [this, registry]() -> awaitable<void> {
      ws::accept_options accepting{.origins = ws::origin_policy::everybody()};
      const auto refused = co_await meet(std::move(accepting));
      EXPECT_FALSE(refused) << refused.message();
      co_await registry();
      connection->drop();
    };
    testing::run(context_, body());
    socket = {};
    testing::run_out(context_);
  }
  /// Connects, and is answered so in place of an upgrade.
  void refuse(std::string answer) {
    const auto body = [this, answer]() -> awaitable<void> {
      ws::accept_options accepting{.origins = ws::origin_policy::everybody()};
      accepting.on_head = [answer](const ws::request_head&) { return ws::head_answer{answer}; };
      const auto refused = co_await meet(std::move(accepting));
      EXPECT_TRUE(refused);
      while (losses == 0) co_await next_turn();
    };
    testing::run(context_, body());
    testing::run_out(context_);
  }
  awaitable<error_code> meet(ws::accept_options accepting) {
    endpoint::connect_options options;
    options.origin = "http://127.0.0.1";
    registry_listener listener{.opened = [this] { opened = true; },
                               .frame = {},
                               .lost =
                                   [this](error_code why, bool said_so) {
                                     lost = why;
                                     draining = said_so;
                                     ++losses;
                                   }};
    const auto url = "ws://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/rv/v1/ws";
    connection = make_plain_connection(client_strand{context_.get_executor()}, std::move(listener), url, options);
    connection->dial();
    auto [not_there, tcp] = co_await acceptor_.async_accept(with_error);
    EXPECT_FALSE(not_there);
    auto [refused, accepted] = co_await ws::async_accept(std::move(tcp), std::move(accepting), with_error);
    socket = std::move(accepted.socket);
    co_return refused;
  }
  /// The registry closes with this code, and waits until that is known.
  void close_with(std::uint16_t code) {
    losses = 0;
    play([this, code]() -> awaitable<void> {
      (void)co_await socket.async_close(static_cast<ws::close_code>(code), "", with_error);
      while (losses == 0) co_await next_turn();
    });
    EXPECT_EQ(losses, 1);
  }
  /// What a registry that reads to the end gets to hear.
  awaitable<std::optional<std::uint16_t>> close_of_the_client() {
    while (true) {
      const auto [failed, message] = co_await socket.async_read_message(with_error);
      if (!failed) continue;
      EXPECT_EQ(failed, make_error_code(ws::ws_errc::closed_by_peer)) << failed.message();
      const auto said = socket.peer_close();
      co_await socket.async_close(ws::close_code::normal, "", with_error);
      co_return said ? said->code : std::nullopt;
    }
  }
  static awaitable<void> next_turn() { co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable); }
  awaitable<void> say(ws::message_kind kind, std::string text) {
    const auto [failed] = co_await socket.async_write_message(kind, as_bytes(text), with_error);
    EXPECT_FALSE(failed) << failed.message();
  }

  asio::io_context context_;
  asio::ip::tcp::acceptor acceptor_;
  std::shared_ptr<registry_connection> connection;
  ws::message_socket socket;
  bool opened = false;
  error_code lost;
  bool draining = false;
  int losses = 0;
};

TEST_F(registry_transport, a_frame_that_is_none_ends_it_with_a_close_frame) {
  play([this]() -> awaitable<void> {
    co_await say(ws::message_kind::text, "[]");
    const auto code = co_await close_of_the_client();
    EXPECT_EQ(code, 1000);
  });
  EXPECT_EQ(lost, make_error_code(rendezvous_errc::bad_registry_frame));
  EXPECT_EQ(losses, 1);
}

TEST_F(registry_transport, a_binary_message_ends_it_with_a_close_frame) {
  play([this]() -> awaitable<void> {
    co_await say(ws::message_kind::binary, "{}");
    const auto code = co_await close_of_the_client();
    EXPECT_EQ(code, 1000);
  });
  EXPECT_EQ(lost, make_error_code(rendezvous_errc::bad_registry_frame));
}

TEST_F(registry_transport, a_frame_of_16384_bytes_is_read_and_one_of_a_byte_more_is_a_bad_one) {
  play([this]() -> awaitable<void> {
    const std::string head = R"({"type":"later","x":")";
    co_await say(ws::message_kind::text, head + std::string(16'384 - head.size() - 2, 'x') + "\"}");
    co_await say(ws::message_kind::text, head + std::string(16'385 - head.size() - 2, 'x') + "\"}");
    const auto code = co_await close_of_the_client();
    EXPECT_EQ(code, 1009);
  });
  EXPECT_EQ(lost, make_error_code(rendezvous_errc::bad_registry_frame));
}

TEST_F(registry_transport, who_drops_it_says_so_and_hears_nothing_more) {
  play([this]() -> awaitable<void> {
    while (!opened) co_await next_turn();
    connection->send(ping_frame{.t = 1});
    auto [failed, message] = co_await socket.async_read_message(with_error);
    EXPECT_FALSE(failed);
    connection->drop();
    connection->drop();
    const auto code = co_await close_of_the_client();
    EXPECT_EQ(code, 1000);
  });
  EXPECT_TRUE(opened);
  EXPECT_EQ(losses, 0);
}

TEST_F(registry_transport, who_leaves_it_is_called_when_it_is_over_and_may_drop_it_meanwhile) {
  play([this]() -> awaitable<void> {
    while (!opened) co_await next_turn();
    connection->send(ping_frame{.t = 1});
    auto [failed, message] = co_await socket.async_read_message(with_error);
    EXPECT_FALSE(failed);
    bool gone = false;
    connection->leave([&gone] { gone = true; });
    connection->drop();
    const auto code = co_await close_of_the_client();
    EXPECT_EQ(code, 1000);
    while (!gone) co_await next_turn();
  });
  EXPECT_EQ(losses, 0);
}

TEST_F(registry_transport, the_end_of_tcp_is_a_lost_connection) {
  play([this]() -> awaitable<void> {
    socket.abort();
    while (losses == 0) co_await next_turn();
  });
  EXPECT_EQ(lost, make_error_code(rendezvous_errc::connection_lost));
  EXPECT_FALSE(draining);
}

TEST_F(registry_transport, a_close_with_1001_1012_or_1013_says_that_the_registry_goes_away) {
  for (const std::uint16_t code : {1001, 1012, 1013}) {
    close_with(code);
    EXPECT_EQ(lost, make_error_code(rendezvous_errc::connection_lost));
    EXPECT_TRUE(draining) << code;
  }
}

TEST_F(registry_transport, another_close_does_not) {
  for (const std::uint16_t code : {1000, 1002, 1003, 1008, 1009, 1011, 1014, 3000}) {
    close_with(code);
    EXPECT_EQ(lost, make_error_code(rendezvous_errc::connection_lost));
    EXPECT_FALSE(draining) << code;
  }
}

TEST_F(registry_transport, a_close_is_heard_that_the_end_of_tcp_follows_before_a_frame_of_ours) {
  play([this]() -> awaitable<void> {
    while (!opened) co_await next_turn();
    connection->send(ping_frame{.t = 1});  // which the registry does not read, so that TCP ends with a reset
    co_await next_turn();
    const byte_buffer close =
        ws::make_frame(ws::opcode::close, ws::encode_close_payload({.code = 1001, .reason = {}}), std::nullopt);
    const byte_view frame = close;
    EXPECT_EQ(socket.try_write_frames({&frame, 1}), error_code{});
    socket.abort();
    connection->send(ping_frame{.t = 2});
    while (losses == 0) co_await next_turn();
  });
  EXPECT_EQ(lost, make_error_code(rendezvous_errc::connection_lost));
  EXPECT_TRUE(draining);
}

TEST_F(registry_transport, of_all_answers_to_an_upgrade_503_says_that_the_registry_goes_away) {
  for (const unsigned status : {403, 404, 429, 500, 502, 503, 504}) {
    losses = 0;
    refuse(ws::plain_answer_text(status, "no", false));
    EXPECT_TRUE(lost == endpoint::endpoint_errc::dial_failed) << lost.message();
    EXPECT_EQ(draining, status == 503) << status;
    EXPECT_EQ(losses, 1);
  }
}

}  // namespace
}  // namespace flowersec::rendezvous
