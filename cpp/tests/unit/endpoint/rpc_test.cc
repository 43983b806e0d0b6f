// RPC over a session, both ways: calls, notifications, limits, ends.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "direct_fixture.h"
#include "flowersec/base/json_frame.h"
#include "flowersec/endpoint/coroutine_handler.h"

namespace flowersec::testing {
namespace {

using endpoint::endpoint_errc;
using endpoint::stage;
using inbox = asio::experimental::channel<void(error_code, std::string)>;

rpc::router demo_router() {
  rpc::router router;
  router.on_request(1, [](const rpc::request&, rpc::responder answer) { answer.succeed(R"({"ok":true})"); });
  router.on_request(7, [](rpc::request call, rpc::responder answer) { answer.succeed(std::move(call.payload)); });
  router.on_request(9, [](const rpc::request&, rpc::responder answer) { answer.fail(418, "teapot"); });
  router.on_request(10, [](const rpc::request&, rpc::responder) { throw std::runtime_error{"broken"}; });
  return router;
}

void serve(endpoint::session& session, endpoint::stream_router routes) {
  session.async_serve(std::move(routes), asio::detached);
}

TEST(rpc, calls_are_answered_and_failures_of_the_handler_are_in_the_reply) {
  with_session([](both ends) -> awaitable<void> {
    serve(ends.server, endpoint::stream_router{}.on_rpc(demo_router()));
    const auto ok = co_await ends.client.async_call(1, "{}");
    EXPECT_EQ(ok.payload, R"({"ok":true})");
    EXPECT_FALSE(ok.error);
    const auto echoed = co_await ends.client.async_call(7, R"({"n": 1.0})");
    EXPECT_EQ(echoed.payload, R"({"n": 1.0})");
    const auto refused = co_await ends.client.async_call(9, "{}");
    EXPECT_EQ(refused.error, (rpc::call_error{418, "teapot"}));
    const auto broken = co_await ends.client.async_call(10, "{}");
    EXPECT_EQ(broken.error, (rpc::call_error{500, "internal error"}));
    const auto unknown = co_await ends.client.async_call(99, "{}");
    EXPECT_EQ(unknown.error, (rpc::call_error{404, "handler not found"}));
  });
}

TEST(rpc, sixty_four_calls_at_once_each_get_their_own_answer) {
  with_session([](both ends) -> awaitable<void> {
    serve(ends.server, endpoint::stream_router{}.on_rpc(demo_router()));
    int right = 0;
    int answered = 0;
    inbox done{co_await asio::this_coro::executor, 64};
    for (int i = 0; i < 64; ++i) {
      ends.client.async_call(7, std::to_string(i), [&, i](error_code failed, rpc::reply reply) {
        right += !failed && reply.payload == std::to_string(i) ? 1 : 0;
        if (++answered == 64) done.try_send(error_code{}, "all");
      });
    }
    co_await done.async_receive(endpoint::default_token{});
    EXPECT_EQ(right, 64);
  });
}

TEST(rpc, a_payload_that_is_no_json_is_refused_before_anything_is_sent) {
  with_session([](both ends) -> awaitable<void> {
    serve(ends.server, endpoint::stream_router{}.on_rpc(demo_router()));
    auto [failed, reply] = co_await ends.client.async_call(7, "{", with_error);
    EXPECT_EQ(failed, endpoint_errc::rpc_failed);
    auto [too_large, none] = co_await ends.client.async_call(7, '"' + std::string(1'100'000, 'x') + '"', with_error);
    EXPECT_EQ(too_large, stage::rpc);
    const auto good = co_await ends.client.async_call(7, "1");
    EXPECT_EQ(good.payload, "1");
  });
}

TEST(rpc, handlers_may_be_coroutines_and_are_cancelled_when_the_session_ends) {
  with_session([](both ends) -> awaitable<void> {
    const auto executor = co_await asio::this_coro::executor;
    inbox stopped{executor, 1};
    rpc::router router;
    router.on_request(1, endpoint::in_coroutine(executor, [](rpc::request call) -> awaitable<rpc::reply> {
                        co_await asio::post(co_await asio::this_coro::executor, endpoint::default_token{});
                        co_return rpc::success(call.payload);
                      }));
    router.on_request(2, endpoint::in_coroutine(executor, [](rpc::request) -> awaitable<rpc::reply> {
                        throw std::runtime_error{"broken"};
                        co_return rpc::reply{};
                      }));
    router.on_request(3, endpoint::in_coroutine(executor, [&](rpc::request) -> awaitable<rpc::reply> {
                        asio::steady_timer forever{co_await asio::this_coro::executor, std::chrono::hours{1}};
                        auto [failed] = co_await forever.async_wait(with_error);
                        stopped.try_send(error_code{}, failed.message());
                        co_return rpc::reply{};
                      }));
    serve(ends.server, endpoint::stream_router{}.on_rpc(std::move(router)));
    const auto answered = co_await ends.client.async_call(1, "5");
    EXPECT_EQ(answered.payload, "5");
    const auto broken = co_await ends.client.async_call(2, "5");
    EXPECT_EQ(broken.error->code, 500u);
    ends.client.async_call(3, "5", asio::detached);
    co_await ends.client.async_probe();
    co_await ends.client.async_close();
    const auto seen = co_await stopped.async_receive(endpoint::default_token{});
    EXPECT_EQ(seen, error_code{asio::error::operation_aborted}.message());
  });
}

TEST(rpc, a_time_out_and_a_cancellation_are_local) {
  with_session([](both ends) -> awaitable<void> {
    rpc::router router = demo_router();
    std::vector<rpc::responder> kept;
    router.on_request(5, [&](const rpc::request&, rpc::responder answer) { kept.push_back(std::move(answer)); });
    serve(ends.server, endpoint::stream_router{}.on_rpc(std::move(router)));
    const endpoint::rpc_call_options quick{.timeout = 20ms};
    auto [late, none] = co_await ends.client.async_call(5, "{}", quick, with_error);
    EXPECT_EQ(late, endpoint_errc::timeout);
    EXPECT_EQ(late, stage::rpc);

    asio::cancellation_signal signal;
    inbox done{co_await asio::this_coro::executor, 1};
    ends.client.async_call(5, "{}", asio::bind_cancellation_slot(signal.slot(), [&](error_code failed, rpc::reply) {
                             done.try_send(error_code{}, failed == endpoint_errc::rpc_failed ? "given up" : "other");
                           }));
    co_await ends.client.async_probe();
    signal.emit(asio::cancellation_type::total);
    const auto told = co_await done.async_receive(endpoint::default_token{});
    EXPECT_EQ(told, "given up");
    // Late answers disturb nobody.
    kept.clear();
    const auto good = co_await ends.client.async_call(7, "1");
    EXPECT_EQ(good.payload, "1");
  });
}

TEST(rpc, a_time_out_of_any_length_is_one) {
  with_session([](both ends) -> awaitable<void> {
    rpc::router router = demo_router();
    std::vector<rpc::responder> kept;
    router.on_request(5, [&](const rpc::request&, rpc::responder answer) { kept.push_back(std::move(answer)); });
    serve(ends.server, endpoint::stream_router{}.on_rpc(std::move(router)));
    const auto longest_of_clock = std::chrono::floor<std::chrono::milliseconds>(mono_time::duration::max());
    for (const auto time : {std::chrono::milliseconds::max(), longest_of_clock, longest_of_clock + 1ms}) {
      const endpoint::rpc_call_options patient{.timeout = time};
      auto [failed, reply] = co_await ends.client.async_call(7, "1", patient, with_error);
      EXPECT_FALSE(failed) << time;
    }
    for (const auto time : {0ms, std::chrono::milliseconds::min()}) {
      const endpoint::rpc_call_options quick{.timeout = time};
      auto [failed, reply] = co_await ends.client.async_call(5, "1", quick, with_error);
      EXPECT_EQ(failed, endpoint_errc::timeout) << time;
    }
  });
}

TEST(rpc, notifications_reach_every_handler_of_their_type_in_order) {
  with_session([](both ends) -> awaitable<void> {
    inbox heard{co_await asio::this_coro::executor, 16};
    for (int copy = 0; copy < 2; ++copy) {
      ends.client.on_notification(2, [&](const std::string& payload) { heard.try_send(error_code{}, payload); });
    }
    ends.client.on_notification(3, [](const std::string&) { throw std::runtime_error{"ignored"}; });
    serve(ends.server, endpoint::stream_router{}.on_rpc([](const endpoint::rpc_peer& peer) {
      peer.notify(3, "0");
      peer.notify(2, "1");
      rpc::router router;
      router.on_request(1, [peer](const rpc::request&, rpc::responder answer) {
        peer.notify(2, "2");
        answer.succeed("3");
      });
      return router;
    }));
    const auto answered = co_await ends.client.async_call(1, "{}");
    EXPECT_EQ(answered.payload, "3");
    co_await ends.server.async_notify(2, "4");
    std::string order;
    for (int i = 0; i < 6; ++i) {
      const auto text = co_await heard.async_receive(endpoint::default_token{});
      order += text;
    }
    EXPECT_EQ(order, "112244");
  });
}

TEST(rpc, a_client_notifies_its_server) {
  with_session([](both ends) -> awaitable<void> {
    inbox heard{co_await asio::this_coro::executor, 16};
    rpc::router router;
    router.on_notification(2, [&](std::string_view payload) { heard.try_send(error_code{}, std::string{payload}); });
    serve(ends.server, endpoint::stream_router{}.on_rpc(std::move(router)));
    for (const auto* text : {"1", "2", "3"}) co_await ends.client.async_notify(2, text);
    std::string order;
    for (int i = 0; i < 3; ++i) {
      const auto text = co_await heard.async_receive(endpoint::default_token{});
      order += text;
    }
    EXPECT_EQ(order, "123");
  });
}

TEST(rpc, a_server_may_call_a_client_that_serves) {
  with_session([](both ends) -> awaitable<void> {
    serve(ends.client, endpoint::stream_router{}.on_rpc(demo_router()));
    const auto echoed = co_await ends.server.async_call(7, "42");
    EXPECT_EQ(echoed.payload, "42");
    const auto refused = co_await ends.server.async_call(9, "42");
    EXPECT_EQ(refused.error->code, 418u);
  });
}

TEST(rpc, an_endpoint_that_serves_no_rpc_resets_the_stream_and_the_session_lives) {
  with_session([](both ends) -> awaitable<void> {
    serve(ends.server, endpoint::stream_router{}.on("echo", [](flowersec::stream) -> awaitable<void> { co_return; }));
    auto [failed, reply] = co_await ends.client.async_call(1, "{}", with_error);
    EXPECT_EQ(failed, stage::rpc);
    co_await ends.client.async_probe();
    auto [again, none] = co_await ends.client.async_call(1, "{}", with_error);
    EXPECT_EQ(again, endpoint_errc::not_connected);
    auto [unheard] = co_await ends.client.async_notify(1, "{}", with_error);
    EXPECT_EQ(unheard, endpoint_errc::not_connected);
  });
}

/// A second stream of kind rpc, of which the test plays the client's side.
awaitable<flowersec::stream> rpc_by_hand(endpoint::session& client, std::string said) {
  auto by_hand = co_await client.async_open_stream("rpc");
  co_await asio::async_write(by_hand, asio::buffer(said), endpoint::default_token{});
  co_return by_hand;
}

/// What is left to read, and how it ended.
awaitable<std::string> rest_of(flowersec::stream& from, error_code expected) {
  std::string text;
  auto [end, bytes] = co_await asio::async_read(from, asio::dynamic_buffer(text), with_error);
  EXPECT_EQ(end, expected) << end.message();
  co_return text;
}

std::string frame_of(std::string_view json) {
  const auto frame = encode_json_frame(json);
  return std::string{as_text(frame)};
}

TEST(rpc, a_server_closes_its_half_behind_its_answers_when_the_client_has_closed_its_own) {
  with_session([](both ends) -> awaitable<void> {
    serve(ends.server, endpoint::stream_router{}.on_rpc(demo_router()));
    const auto asked = frame_of(R"({"type_id":7,"request_id":1,"response_to":0,"payload":"x"})");
    const auto answer = frame_of(R"({"type_id":7,"request_id":0,"response_to":1,"payload":"x"})");
    auto stream = co_await rpc_by_hand(ends.client, asked);
    std::string heard(answer.size(), '.');
    co_await asio::async_read(stream, asio::buffer(heard), endpoint::default_token{});
    EXPECT_EQ(heard, answer);
    co_await stream.async_shutdown_send();
    const auto behind = co_await rest_of(stream, asio::error::eof);
    EXPECT_EQ(behind, "");
    co_await ends.client.async_probe();
  });
}

TEST(rpc, a_server_closes_its_half_too_when_the_client_has_closed_its_own_inside_an_envelope) {
  with_session([](both ends) -> awaitable<void> {
    serve(ends.server, endpoint::stream_router{}.on_rpc(demo_router()));
    const auto asked = frame_of(R"({"type_id":7,"request_id":1,"response_to":0,"payload":"x"})");
    for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, std::size_t{4}, asked.size() - 1}) {
      auto stream = co_await rpc_by_hand(ends.client, asked.substr(0, cut));
      co_await stream.async_shutdown_send();
      const auto behind = co_await rest_of(stream, asio::error::eof);
      EXPECT_EQ(behind, "") << cut;
    }
  });
}

TEST(rpc, the_end_of_the_client_s_half_stops_handlers_and_what_they_answer_is_not_sent) {
  with_session([](both ends) -> awaitable<void> {
    rpc::router router;
    std::vector<std::pair<std::stop_token, rpc::responder>> kept;
    inbox begun{co_await asio::this_coro::executor, 1};
    router.on_request(5, [&](const rpc::request& asked, rpc::responder answer) {
      kept.emplace_back(asked.stop, std::move(answer));
      begun.try_send(error_code{}, "");
    });
    serve(ends.server, endpoint::stream_router{}.on_rpc(std::move(router)));
    const auto asked = frame_of(R"({"type_id":5,"request_id":1,"response_to":0,"payload":null})");
    auto stream = co_await rpc_by_hand(ends.client, asked);
    co_await begun.async_receive(endpoint::default_token{});
    EXPECT_FALSE(kept.at(0).first.stop_requested());
    co_await stream.async_shutdown_send();
    const auto behind = co_await rest_of(stream, asio::error::eof);
    EXPECT_EQ(behind, "");
    EXPECT_TRUE(kept.at(0).first.stop_requested());
    kept.at(0).second.succeed("1");
    kept.clear();
    co_await ends.client.async_probe();
  });
}

TEST(rpc, a_client_that_breaks_the_rules_is_reset) {
  with_session([](both ends) -> awaitable<void> {
    serve(ends.server, endpoint::stream_router{}.on_rpc(demo_router()));
    auto stream = co_await rpc_by_hand(ends.client, std::string(4, '\0'));
    const auto behind = co_await rest_of(stream, asio::error::connection_reset);
    EXPECT_EQ(behind, "");
  });
}

TEST(rpc, a_deep_payload_passes_unchanged_both_ways) {
  with_session([](both ends) -> awaitable<void> {
    serve(ends.server, endpoint::stream_router{}.on_rpc(demo_router()));
    const auto deep = std::string(1'000, '[') + R"({"a":[1.0]})" + std::string(1'000, ']');
    const auto answer = co_await ends.client.async_call(7, deep);
    EXPECT_EQ(answer.payload, deep);
  });
}

TEST(rpc, calls_under_way_fail_when_the_session_ends) {
  with_session([](both ends) -> awaitable<void> {
    inbox done{co_await asio::this_coro::executor, 1};
    ends.client.async_call(1, "{}", [&](error_code failed, rpc::reply) {
      done.try_send(error_code{}, failed == endpoint_errc::not_connected ? "gone" : failed.message());
    });
    co_await ends.server.async_close();
    const auto told = co_await done.async_receive(endpoint::default_token{});
    EXPECT_EQ(told, "gone");
  });
}

TEST(rpc, a_flood_of_notifications_is_read_no_faster_than_it_is_taken) {
  with_session([](both ends) -> awaitable<void> {
    const auto executor = co_await asio::this_coro::executor;
    inbox done{executor, 1};
    int taken = 0;
    constexpr int flood = 20'000;
    ends.client.on_notification(2, [&](const std::string&) {
      if (++taken == flood) done.try_send(error_code{}, "all");
    });
    serve(ends.server, endpoint::stream_router{}.on_rpc(demo_router()));
    const auto first = co_await ends.client.async_call(7, "1");
    EXPECT_EQ(first.payload, "1");
    for (int i = 0; i < flood; ++i) co_await ends.server.async_notify(2, "1");
    const auto told = co_await done.async_receive(endpoint::default_token{});
    EXPECT_EQ(told, "all");
    EXPECT_EQ(taken, flood);
  });
}

}  // namespace
}  // namespace flowersec::testing
