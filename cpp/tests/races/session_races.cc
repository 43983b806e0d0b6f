// Public calls from many threads at once, for the thread sanitizer: one session, an executor with several threads.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/read.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <thread>

#include "flowersec/base/json_frame.h"
#include "flowersec/messages/rpc_v1.h"
#include "unit/endpoint/direct_fixture.h"

namespace flowersec::testing {
namespace {

awaitable<void> echo(flowersec::stream on) {
  std::vector<char> block(16'384);
  for (;;) {
    auto [failed, n] = co_await on.async_read_some(asio::buffer(block), with_error);
    if (failed) break;
    auto [write_failed, written] = co_await asio::async_write(on, asio::buffer(block, n), with_error);
    if (write_failed) break;
  }
  co_await on.async_shutdown_send(with_error);
}

rpc::router echo_router() {
  rpc::router router;
  router.on_request(7, [](rpc::request call, rpc::responder answer) { answer.succeed(std::move(call.payload)); });
  return router;
}

struct world {
  world() {
    auto credential = endpoint::fixed_credential::from(info_for("")).value();
    listener.emplace(endpoint::direct_listener::open(pool.get_executor(), std::move(credential), listening()).value());
    auto accepted = listener->async_accept(asio::use_future);
    client =
        endpoint::async_connect(pool.get_executor(), info_for(listener->url()), dial_options(), asio::use_future).get();
    server = accepted.get();
    server.async_serve(endpoint::stream_router{}.on("echo", echo).on_rpc(echo_router()), asio::detached);
  }
  ~world() {
    listener.reset();
    client = {};
    server = {};
    pool.join();
  }

  asio::thread_pool pool{4};
  std::optional<endpoint::direct_listener> listener;
  endpoint::session client;
  endpoint::session server;
};

bool echo_once(endpoint::session& session, std::size_t bytes) {
  auto stream = session.async_open_stream("echo", asio::use_future).get();
  const std::string text(bytes, 'r');
  auto writing = asio::async_write(stream, asio::buffer(text), asio::use_future);
  std::string back(bytes, ' ');
  asio::async_read(stream, asio::buffer(back), asio::use_future).get();
  writing.get();
  return back == text;
}

TEST(races, many_threads_share_one_session) {
  world w;
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        right += echo_once(w.client, 1'000 * static_cast<std::size_t>(t + 1)) ? 1 : 0;
        right += w.client.async_call(7, std::to_string(i), asio::use_future).get().payload == std::to_string(i) ? 1 : 0;
        w.client.async_ping(asio::use_future).get();
        w.server.async_rekey(asio::use_future).get();
        static_cast<void>(w.client.async_probe(asio::use_future).get());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, 80);
}

TEST(races, closing_crosses_everything_else) {
  for (int round = 0; round < 10; ++round) {
    world w;
    std::atomic<int> ended = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        try {
          for (;;) static_cast<void>(echo_once(w.client, 50'000));
        } catch (const boost::system::system_error&) {
          ++ended;
        }
      });
    }
    threads.emplace_back([&] {
      try {
        for (;;) static_cast<void>(w.client.async_call(7, "1", asio::use_future).get());
      } catch (const boost::system::system_error&) {
        ++ended;
      }
    });
    static_cast<void>(w.client.async_probe(asio::use_future).get());
    (round % 2 == 0 ? w.client : w.server).async_close(asio::use_future).get();
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(ended, 4);
  }
}

TEST(races, streams_are_cancelled_reset_and_dropped_from_other_threads) {
  world w;
  for (int round = 0; round < 20; ++round) {
    auto stream = w.client.async_open_stream("echo", asio::use_future).get();
    std::string block(1'000'000, 'r');
    auto reading = asio::async_read(stream, asio::buffer(block), asio::use_future);
    std::thread other{[&] { round % 2 == 0 ? stream.cancel() : stream.reset(); }};
    EXPECT_THROW(reading.get(), boost::system::system_error);
    other.join();
  }
  EXPECT_TRUE(echo_once(w.client, 1'000));
}

/// Takes the rpc stream that the server opens to call on, says many notifications on it and ends it.
awaitable<void> notify_and_end(endpoint::session client) {
  auto in = co_await client.async_accept_stream();
  const auto frame = encode_json_frame(encode(messages::rpc::v1::rpc_envelope{.type_id = 1}));
  byte_buffer many;
  for (int i = 0; i < 300; ++i) append(many, frame);
  co_await asio::async_write(in.stream, asio::buffer(many.data(), many.size()), endpoint::default_token{});
  co_await in.stream.async_shutdown_send();
  std::array<char, 4096> block{};
  for (error_code failed; !failed;) {
    auto [end, n] = co_await in.stream.async_read_some(asio::buffer(block), with_error);
    failed = end;
  }
}

TEST(races, a_server_calls_on_a_new_stream_while_notifications_of_the_last_one_are_delivered) {
  std::atomic<int> heard = 0;  // until the world has ended
  world w;
  w.server.on_notification(1, [&heard](const std::string&) { ++heard; });
  for (int round = 0; round < 10; ++round) {
    auto peer = asio::co_spawn(w.pool, notify_and_end(w.client), asio::use_future);
    EXPECT_THROW(w.server.async_call(7, "1", asio::use_future).get(), boost::system::system_error);
    peer.get();
  }
  EXPECT_GT(heard, 0);
}

}  // namespace
}  // namespace flowersec::testing
