// Serving streams: how a stream ends when its handler does, and what an observer hears of streams nobody serves.
#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <set>
#include <stdexcept>

#include "direct_fixture.h"
#include "endpoint/session_state.h"
#include "recording_observer.h"
#include "support/link_pair.h"

namespace flowersec::testing {
namespace {

using endpoint::stream_router;

/// Everything until the end of the stream, and how it ended.
awaitable<std::pair<std::string, error_code>> read_all(flowersec::stream& from) {
  std::string text;
  auto [failed, n] = co_await asio::async_read(from, asio::dynamic_buffer(text), with_error);
  co_return std::pair{std::move(text), failed};
}

TEST(serving, a_stream_is_closed_in_order_when_its_handler_returns) {
  with_session([](both ends) -> awaitable<void> {
    const std::string answer(300'000, 'a');  // more than one window
    ends.server.async_serve(stream_router{}.on("answer",
                                               [&answer](flowersec::stream on) -> awaitable<void> {
                                                 co_await asio::async_write(on, asio::buffer(answer),
                                                                            endpoint::default_token{});
                                               }),
                            asio::detached);
    auto mine = co_await ends.client.async_open_stream("answer");
    co_await asio::async_write(mine, asio::buffer("nobody reads this", 17), endpoint::default_token{});
    const auto [text, end] = co_await read_all(mine);
    EXPECT_EQ(text, answer);
    EXPECT_EQ(end, asio::error::eof);
  });
}

TEST(serving, a_stream_is_reset_when_its_handler_throws) {
  with_session([](both ends) -> awaitable<void> {
    ends.server.async_serve(stream_router{}.on("fail",
                                               [](flowersec::stream on) -> awaitable<void> {
                                                 co_await asio::async_write(on, asio::buffer("half", 4),
                                                                            endpoint::default_token{});
                                                 throw std::runtime_error{"the other half is missing"};
                                               }),
                            asio::detached);
    auto mine = co_await ends.client.async_open_stream("fail");
    const auto [text, end] = co_await read_all(mine);
    EXPECT_EQ(end, asio::error::connection_reset);
  });
}

TEST(serving, a_stream_is_reset_when_its_handler_is_cancelled_however_that_returns) {
  with_session([](both ends) -> awaitable<void> {
    asio::cancellation_signal stop;
    asio::experimental::channel<void(error_code)> started{co_await asio::this_coro::executor, 1};
    ends.server.async_serve(
        stream_router{}.on("wait",
                           [&started](flowersec::stream on) -> awaitable<void> {
                             started.try_send(error_code{});
                             std::array<char, 1> block{};
                             static_cast<void>(co_await on.async_read_some(asio::buffer(block), with_error));
                           }),
        asio::bind_cancellation_slot(stop.slot(), asio::detached));
    auto mine = co_await ends.client.async_open_stream("wait");
    co_await started.async_receive(endpoint::default_token{});
    stop.emit(asio::cancellation_type::terminal);
    const auto [text, end] = co_await read_all(mine);
    EXPECT_EQ(end, asio::error::connection_reset);
    co_await ends.client.async_probe();  // the session lives
  });
}

TEST(serving, a_handler_may_pass_its_stream_on) {
  with_session([](both ends) -> awaitable<void> {
    flowersec::stream kept;
    asio::experimental::channel<void(error_code)> passed{co_await asio::this_coro::executor, 1};
    ends.server.async_serve(stream_router{}.on("pass",
                                               [&](flowersec::stream on) -> awaitable<void> {
                                                 kept = std::move(on);
                                                 passed.try_send(error_code{});
                                                 co_return;
                                               }),
                            asio::detached);
    auto mine = co_await ends.client.async_open_stream("pass");
    co_await passed.async_receive(endpoint::default_token{});
    co_await ends.client.async_probe();
    co_await asio::async_write(kept, asio::buffer("later", 5), endpoint::default_token{});
    co_await kept.async_shutdown_send();
    const auto [text, end] = co_await read_all(mine);
    EXPECT_EQ(text, "later");
    EXPECT_EQ(end, asio::error::eof);
  });
}

enum class fate : std::uint8_t { served, reset, next };

/// Cancels serving when so many steps have run since the client opened a stream, and says what became of that; empty
/// when there were fewer steps.
std::optional<fate> cancel_serving_after(int steps) {
  link_pair pair;
  endpoint::session server{std::make_shared<endpoint::session::shared>(pair.server.link, endpoint::path::direct,
                                                                       endpoint::role::server, "channel")};
  asio::cancellation_signal stop;
  std::optional<error_code> ended;
  bool served = false;
  auto serve = [&served](const flowersec::stream&) -> awaitable<void> {
    served = true;
    co_return;
  };
  server.async_serve(stream_router{}.on("x", serve),
                     asio::bind_cancellation_slot(stop.slot(), [&ended](error_code why) { ended = why; }));
  pair.poll();
  flowersec::stream mine;
  pair.client.link->open(
      "x", {[&mine](error_code, flowersec::stream opened) { mine = std::move(opened); }, pair.context.get_executor()});
  pair.context.restart();
  for (int run = 0; run < steps; ++run) {
    if (pair.context.poll_one() == 0) return std::nullopt;
  }
  stop.emit(asio::cancellation_type::terminal);
  pair.poll();
  EXPECT_EQ(ended, error_code{endpoint::make_error({.path = endpoint::path::direct,
                                                    .stage = endpoint::stage::yamux,
                                                    .code = endpoint::endpoint_errc::canceled})})
      << "at step " << steps;
  if (served) return fate::served;
  bool is_next = false;
  pair.server.link->accept({[&is_next](error_code failed, const endpoint::incoming_stream&) { is_next = !failed; },
                            pair.context.get_executor()});
  pair.poll();
  if (is_next) return fate::next;
  EXPECT_EQ(pair.read_all(mine).end, asio::error::connection_reset) << steps;
  return fate::reset;
}

TEST(serving, that_is_cancelled_ends_whether_a_stream_has_just_arrived_or_not) {
  std::set<fate> seen;
  for (int steps = 0;; ++steps) {
    const auto what = cancel_serving_after(steps);
    if (!what) break;
    seen.insert(*what);
  }
  EXPECT_TRUE(seen.contains(fate::reset)) << "it arrived too late to be served";
  EXPECT_TRUE(seen.contains(fate::served));
}

TEST(serving, may_be_cancelled_by_a_handler_of_its_own) {
  with_session([](both ends) -> awaitable<void> {
    asio::cancellation_signal stop;
    asio::experimental::channel<void(error_code, error_code)> done{co_await asio::this_coro::executor, 1};
    ends.server.async_serve(
        stream_router{}.on("stop",
                           [&stop](flowersec::stream) -> awaitable<void> {
                             stop.emit(asio::cancellation_type::terminal);
                             co_return;
                           }),
        asio::bind_cancellation_slot(stop.slot(), [&done](error_code why) { done.try_send(error_code{}, why); }));
    auto mine = co_await ends.client.async_open_stream("stop");
    const auto why = co_await done.async_receive(endpoint::default_token{});
    EXPECT_EQ(why, endpoint::endpoint_errc::canceled);
    co_await ends.client.async_probe();  // the session lives
  });
}

TEST(observer, hears_of_a_stream_that_nobody_serves) {
  const auto seen = std::make_shared<recording_observer>();
  auto accept = listening();
  accept.common.events = seen;
  with_session(
      [&](both ends) -> awaitable<void> {
        ends.server.async_serve(stream_router{}, asio::detached);
        auto mine = co_await ends.client.async_open_stream("unknown");
        const auto [text, end] = co_await read_all(mine);
        EXPECT_EQ(end, asio::error::connection_reset);
        // The second is the client's rpc stream, the third the one above.
        EXPECT_EQ(seen->take(),
                  (std::vector<std::string>{"direct handshake/handshake_ok ok", "direct rpc/missing_handler fail",
                                            "direct rpc/missing_handler fail"}));
      },
      dial_options(), accept);
}

TEST(observer, hears_of_a_stream_whose_hello_is_not_valid) {
  const auto seen = std::make_shared<recording_observer>();
  auto accept = listening();
  accept.common.events = seen;
  with_session(
      [&](both ends) -> awaitable<void> {
        auto mine = co_await ends.client.async_open_stream("\xff");
        const auto [text, end] = co_await read_all(mine);
        EXPECT_EQ(end, asio::error::connection_reset);
        EXPECT_EQ(seen->take().back(), "direct rpc/stream_hello_failed fail");
      },
      dial_options(), accept);
}

TEST(observer, of_a_client_hears_of_a_server_that_does_not_answer) {
  asio::io_context near;
  asio::io_context far;
  auto listener = listen_on(far);
  const auto seen = std::make_shared<recording_observer>();
  auto options = dial_options();
  options.common.events = seen;
  options.common.liveness = endpoint::liveness{.interval = 200ms, .timeout = 200ms};
  endpoint::session client;
  endpoint::session server;
  endpoint::async_connect(near.get_executor(), info_for(listener.url()), options,
                          [&](error_code failed, endpoint::session up) {
                            EXPECT_FALSE(failed) << failed.message();
                            client = up;
                          });
  listener.async_accept([&](error_code failed, endpoint::session up) {
    EXPECT_FALSE(failed) << failed.message();
    server = up;
  });
  while (!client || !server) {
    near.poll_one();
    far.poll_one();
  }
  // From here on the server stands still.
  bool ended = false;
  client.async_wait_end([&](error_code, const endpoint::termination& how) {
    ended = true;
    EXPECT_EQ(to_string(how.info), "direct: yamux/timeout");
    near.stop();
  });
  near.restart();
  near.run_for(20s);
  EXPECT_TRUE(ended);
  const auto told = seen->take();
  EXPECT_EQ(std::ranges::count(told, "direct yamux/liveness_timeout fail"), 1);
}

}  // namespace
}  // namespace flowersec::testing
