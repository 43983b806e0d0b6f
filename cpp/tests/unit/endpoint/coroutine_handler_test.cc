// RPC handlers that are coroutines, and what becomes of an exception that is thrown before there is a coroutine.
#include "flowersec/endpoint/coroutine_handler.h"

#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <stdexcept>

#include "direct_fixture.h"

namespace flowersec::testing {
namespace {

using endpoint::stage;
using endpoint::stream_router;

awaitable<rpc::reply> twice(int number) { co_return rpc::success(std::to_string(2 * number)); }

/// Not a coroutine itself: it throws before there is one.
awaitable<rpc::reply> twice_of_text(const rpc::request& asked) { return twice(std::stoi(asked.payload)); }

awaitable<void> throw_at_once(const flowersec::stream&) { throw std::runtime_error{"no coroutine"}; }

/// What a handler answered; empty while it is under way.
struct answer_sink final : rpc::reply_sink {
  void finish(rpc::request_key, rpc::reply given) noexcept override { answer = std::move(given); }
  std::optional<rpc::reply> answer;
};

TEST(coroutine_handler, that_throws_before_it_is_a_coroutine_answers_500_and_disturbs_nobody_else) {
  with_session([](both ends) -> awaitable<void> {
    rpc::router router;
    router.on_request(1, endpoint::in_coroutine(co_await asio::this_coro::executor,
                                                [](rpc::request asked) { return twice_of_text(asked); }));
    ends.server.async_serve(stream_router{}.on_rpc(std::move(router)), asio::detached);
    const auto broken = co_await ends.client.async_call(1, "null");
    EXPECT_EQ(broken.error, (rpc::call_error{500, "internal error"}));
    const auto good = co_await ends.client.async_call(1, "21");
    EXPECT_EQ(good.payload, "42");
  });
}

TEST(coroutine_handler, is_cancelled_when_its_stream_ends_before_it_runs) {
  asio::io_context context;
  const auto sink = std::make_shared<answer_sink>();
  const auto handler = endpoint::in_coroutine(context.get_executor(), [](rpc::request) -> awaitable<rpc::reply> {
    asio::steady_timer forever{co_await asio::this_coro::executor, std::chrono::hours{1}};
    co_await forever.async_wait(endpoint::default_token{});
    co_return rpc::success("1");
  });
  std::stop_source stop;
  handler({.type_id = 1, .payload = "null", .stop = stop.get_token()}, rpc::responder{sink, rpc::request_key{1}});
  stop.request_stop();
  context.poll();
  ASSERT_TRUE(sink->answer) << "it waits for ever";
  EXPECT_EQ(sink->answer->error, (rpc::call_error{500, "internal error"}));
}

TEST(serving, a_stream_is_reset_when_its_handler_throws_before_it_is_a_coroutine_and_the_next_one_is_served) {
  with_session([](both ends) -> awaitable<void> {
    ends.server.async_serve(stream_router{}
                                .on("fail", [](flowersec::stream on) { return throw_at_once(on); })
                                .on("good", [](flowersec::stream) -> awaitable<void> { co_return; }),
                            asio::detached);
    for (const auto& [kind, expected] : {std::pair{"fail", error_code{asio::error::connection_reset}},
                                         std::pair{"good", error_code{asio::error::eof}}}) {
      auto mine = co_await ends.client.async_open_stream(kind);
      std::string text;
      auto [end, n] = co_await asio::async_read(mine, asio::dynamic_buffer(text), with_error);
      EXPECT_EQ(end, expected) << kind;
    }
  });
}

TEST(rpc, a_stream_is_reset_when_making_its_handlers_throws_and_the_session_lives) {
  with_session([](both ends) -> awaitable<void> {
    ends.server.async_serve(stream_router{}.on_rpc([](const endpoint::rpc_peer&) -> rpc::router {
      throw std::runtime_error{"no handlers"};
    }),
                            asio::detached);
    auto [failed, reply] = co_await ends.client.async_call(1, "{}", with_error);
    EXPECT_EQ(failed, stage::rpc);
    co_await ends.client.async_probe();
  });
}

}  // namespace
}  // namespace flowersec::testing
