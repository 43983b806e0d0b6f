// The HTTP server on loopback: requests, limits at their edges, time-outs, stopping.
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <optional>
#include <thread>

#include "support/allocation_counter.h"
#include "unit/http/server_fixture.h"

namespace flowersec::http {
namespace {

using namespace testing;                                         // NOLINT
using namespace boost::asio::experimental::awaitable_operators;  // NOLINT
using std::chrono::milliseconds;

TEST_F(http_server, answers_with_length_date_and_body) {
  start();
  const auto answer = exchange("GET /a?b HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_NE(answer.find("\r\nDate: "), std::string::npos);
  EXPECT_NE(answer.find("\r\nContent-Length: 9\r\nConnection: close\r\n\r\nGET /a?b "), std::string::npos);
}

TEST_F(http_server, keeps_a_connection_for_pipelined_requests_and_closes_it_for_http_1_0) {
  start();
  const std::string chunked = "POST /2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ndef\r\n0\r\n\r\n";
  const auto answer = exchange("POST /1 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc" + chunked +
                               "GET /3 HTTP/1.0\r\n\r\nGET /never HTTP/1.1\r\n\r\n");
  const auto first = answer.find("POST /1 abc");
  const auto second = answer.find("POST /2 def");
  const auto third = answer.find("GET /3 ");
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_NE(third, std::string::npos);
  EXPECT_EQ(answer.find("/never"), std::string::npos);
}

TEST_F(http_server, a_head_request_gets_no_body) {
  start();
  const auto answer = exchange("HEAD / HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_NE(answer.find("Content-Length: 7\r\n"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST_F(http_server, a_client_that_expects_100_gets_it_before_it_sends) {
  start();
  std::string answer;
  const auto client = [&]() -> task {
    auto socket = co_await dial();
    const std::string head =
        "POST / HTTP/1.1\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 2\r\n\r\n";
    co_await boost::asio::async_write(socket, boost::asio::buffer(head), boost::asio::use_awaitable);
    std::string interim(25, ' ');
    co_await boost::asio::async_read(socket, boost::asio::buffer(interim), boost::asio::use_awaitable);
    EXPECT_EQ(interim, "HTTP/1.1 100 Continue\r\n\r\n");
    co_await boost::asio::async_write(socket, boost::asio::buffer("hi", 2), boost::asio::use_awaitable);
    co_await boost::asio::async_read(socket, boost::asio::dynamic_buffer(answer), as_result);
  };
  run_tasks(context, client());
  EXPECT_TRUE(answer.ends_with("POST / hi"));
}

TEST_F(http_server, what_is_not_http_is_400) {
  start();
  EXPECT_TRUE(exchange("nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(exchange("GET / HTTP/1.1\r\nbad header\r\n\r\n").starts_with("HTTP/1.1 400 "));
}

TEST_F(http_server, a_header_block_at_the_limit_passes_and_a_little_more_does_not) {
  options.limits.max_header_bytes = 2048;
  start();
  const auto of_size = [](std::size_t size) {
    const std::string front = "GET / HTTP/1.1\r\nConnection: close\r\nA: ";
    return front + std::string(size - front.size() - 4, 'x') + "\r\n\r\n";
  };
  EXPECT_TRUE(exchange(of_size(2048)).starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(exchange(of_size(2048 + 64)).starts_with("HTTP/1.1 431 "));  // Beast counts line by line
}

TEST_F(http_server, the_body_limit_is_exact_announced_or_not) {
  options.limits.max_body_bytes = 10;
  start();
  const std::string post = "POST / HTTP/1.1\r\nConnection: close\r\n";
  EXPECT_TRUE(exchange(post + "Content-Length: 10\r\n\r\n0123456789").ends_with("0123456789"));
  EXPECT_TRUE(exchange(post + "Content-Length: 11\r\n\r\n0123456789x").starts_with("HTTP/1.1 413 "));
  EXPECT_TRUE(
      exchange(post + "Transfer-Encoding: chunked\r\n\r\nb\r\n0123456789x\r\n0\r\n\r\n").starts_with("HTTP/1.1 413 "));
}

TEST_F(http_server, a_body_whose_end_cannot_be_told_ends_the_connection) {
  start();
  const std::string behind = "GET /behind HTTP/1.1\r\nConnection: close\r\n\r\n";
  for (const std::string coding : {"foo", "gzip", "xchunked", "chunked, foo", "identity", ""}) {
    for (const std::string length : {"", "Content-Length: 5\r\n"}) {
      const auto answer =
          exchange("POST / HTTP/1.1\r\n" + length + "Transfer-Encoding: " + coding + "\r\n\r\n" + behind);
      EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << coding;
      EXPECT_EQ(answer.find("HTTP/1.1", 1), std::string::npos) << coding;
    }
  }
}

TEST_F(http_server, an_announced_body_holds_no_memory) {
  if (!flowersec::testing::allocation_counter::counts()) GTEST_SKIP() << "ThreadSanitizer allocates by itself";
  options.limits.max_body_bytes = std::size_t{64} << 20;
  start();
  const flowersec::testing::allocation_counter taken;
  EXPECT_EQ(exchange("POST / HTTP/1.1\r\nContent-Length: 67108864\r\n\r\n12", true), "");
  EXPECT_LE(taken.bytes(), 1048576u);
}

TEST_F(http_server, slow_headers_slow_bodies_and_idle_connections_are_dropped) {
  // A server for each, so that nobody else has to come within its time.
  const auto usual = options.limits;
  options.limits.header_timeout = milliseconds{40};
  start();
  EXPECT_EQ(exchange(""), "");
  EXPECT_EQ(exchange("GET / HT"), "");
  options.limits = usual;
  options.limits.request_timeout = milliseconds{60};
  start();
  EXPECT_EQ(exchange("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n12"), "");
  options.limits = usual;
  options.limits.idle_timeout = milliseconds{40};
  start();
  EXPECT_TRUE(exchange("GET / HTTP/1.1\r\n\r\n").ends_with("GET / "));
}

TEST_F(http_server, the_time_of_a_request_begins_with_its_first_byte_head_included) {
  options.limits.header_timeout = std::chrono::hours{1};
  options.limits.request_timeout = milliseconds{60};
  start();
  EXPECT_EQ(exchange("GET / HT"), "");
  EXPECT_EQ(exchange("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n12"), "");
}

TEST_F(http_server, times_without_end_are_no_end_at_once) {
  options.limits.header_timeout = options.limits.request_timeout = milliseconds::max();
  options.limits.write_timeout = options.limits.idle_timeout = milliseconds::max();
  start();
  EXPECT_TRUE(
      exchange("POST / HTTP/1.1\r\nContent-Length: 5\r\nConnection: close\r\n\r\n12345").ends_with("POST / 12345"));
}

TEST_F(http_server, an_answer_may_come_later_and_from_another_thread) {
  std::thread other;
  handler = [&](const request& asked, const responder& answer) {
    other = std::thread{[answer, target = asked.target] {
      answer(text_response(200, "late " + target));
      answer(text_response(200, "ignored"));
    }};
  };
  start();
  EXPECT_TRUE(exchange("GET /x HTTP/1.1\r\nConnection: close\r\n\r\n").ends_with("late /x"));
  other.join();
}

TEST_F(http_server, a_handler_that_forgets_to_answer_answers_500) {
  handler = [](const request&, const responder&) {};
  start();
  EXPECT_TRUE(exchange("GET / HTTP/1.1\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 500 "));
}

TEST_F(http_server, connections_over_the_limit_wait_for_a_place) {
  options.limits.max_connections = 1;
  start();
  std::string second_answer;
  bool first_gone = false;
  const auto clients = [&]() -> task {
    auto first = co_await dial();
    auto second = co_await dial();
    const std::string ask = "GET / HTTP/1.1\r\nConnection: close\r\n\r\n";
    co_await boost::asio::async_write(second, boost::asio::buffer(ask), boost::asio::use_awaitable);
    const auto wait_for_second = [&]() -> task {
      co_await boost::asio::async_read(second, boost::asio::dynamic_buffer(second_answer), as_result);
      EXPECT_TRUE(first_gone);
    };
    const auto use_first = [&]() -> task {
      co_await boost::asio::async_write(first, boost::asio::buffer(ask), boost::asio::use_awaitable);
      std::string answer;
      co_await boost::asio::async_read(first, boost::asio::dynamic_buffer(answer), as_result);
      first_gone = true;
      first.close();
    };
    co_await (wait_for_second() && use_first());
  };
  run_tasks(context, clients());
  EXPECT_TRUE(second_answer.ends_with("GET / "));
}

TEST_F(http_server, a_graceful_stop_answers_what_is_under_way_and_drops_what_is_idle) {
  responder held;
  handler = [&](const request&, const responder& answer) { held = answer; };
  start();
  const auto address = running->local_endpoint();
  std::string busy_answer;
  const auto scenario = [&]() -> task {
    auto idle = co_await dial();
    auto busy = co_await dial();
    const std::string ask = "GET / HTTP/1.1\r\n\r\n";
    co_await boost::asio::async_write(busy, boost::asio::buffer(ask), boost::asio::use_awaitable);
    while (!held) co_await boost::asio::post(boost::asio::use_awaitable);
    const auto stop = [&]() -> task {
      const auto [error] = co_await running->async_stop(milliseconds::max(), as_result);
      EXPECT_FALSE(error);
    };
    const auto watch = [&]() -> task {
      std::string nothing;
      co_await boost::asio::async_read(idle, boost::asio::dynamic_buffer(nothing), as_result);
      EXPECT_EQ(nothing, "");
      idle.close();
      std::exchange(held, nullptr)(text_response(200, "finished"));
      co_await boost::asio::async_read(busy, boost::asio::dynamic_buffer(busy_answer), as_result);
      busy.close();
      tcp::socket late{context};
      const auto [refused] = co_await late.async_connect(address, as_result);
      EXPECT_EQ(refused, boost::asio::error::connection_refused);
    };
    co_await (stop() && watch());
  };
  run_tasks(context, scenario());
  EXPECT_TRUE(busy_answer.ends_with("finished"));
  EXPECT_NE(busy_answer.find("Connection: close"), std::string::npos);
}

TEST_F(http_server, a_stop_drops_what_does_not_finish_in_time) {
  responder held;
  handler = [&](const request&, const responder& answer) { held = answer; };
  start();
  const auto scenario = [&]() -> task {
    auto busy = co_await dial();
    const std::string ask = "GET / HTTP/1.1\r\n\r\n";
    co_await boost::asio::async_write(busy, boost::asio::buffer(ask), boost::asio::use_awaitable);
    while (!held) co_await boost::asio::post(boost::asio::use_awaitable);
    const auto [error] = co_await running->async_stop(milliseconds{20}, as_result);
    EXPECT_EQ(error, http_errc::stop_deadline);
    std::string nothing;
    co_await boost::asio::async_read(busy, boost::asio::dynamic_buffer(nothing), as_result);
    EXPECT_EQ(nothing, "");
    held = nullptr;
  };
  run_tasks(context, scenario());
}

TEST_F(http_server, an_address_in_use_is_reported) {
  start();
  server second{context.get_executor(), options, [](request, responder) {}};
  EXPECT_EQ(second.listen(running->local_endpoint()), boost::asio::error::address_in_use);
}

TEST(server_limits, are_checked) {
  EXPECT_TRUE(server_limits{}.validate());
  EXPECT_FALSE((server_limits{.header_timeout = milliseconds{0}}.validate()));
  EXPECT_FALSE((server_limits{.place_grace = milliseconds{0}}.validate()));
  EXPECT_FALSE((server_limits{.max_header_bytes = 100}.validate()));
  EXPECT_FALSE((server_limits{.max_connections = 0}.validate()));
}

TEST_F(http_server, an_unreadable_request_is_refused_in_the_words_of_the_application) {
  options.limits.max_body_bytes = 10;
  options.limits.max_header_bytes = 1024;
  options.refusal = [](unsigned status, const request& head) {
    const auto name = find_header(head.headers, "X-Name").value_or("nobody");
    return text_response(status, head.method + ' ' + head.target + ' ' + std::string{name} + ' ' + head.body);
  };
  start();
  const auto head = std::string{"POST /a HTTP/1.1\r\nHost: h\r\nX-Name: me\r\n"};
  EXPECT_TRUE(exchange(head + "Content-Length: 11\r\n\r\n").ends_with("POST /a me "));
  EXPECT_TRUE(exchange(head + "Transfer-Encoding: chunked\r\n\r\nb\r\n").ends_with("POST /a me "));
  const auto chunk = exchange(head + "Transfer-Encoding: chunked\r\n\r\nno chunk\r\n");
  EXPECT_TRUE(chunk.starts_with("HTTP/1.1 400 ")) << chunk;
  EXPECT_TRUE(chunk.ends_with("POST /a me ")) << chunk;
  EXPECT_TRUE(exchange("no request\r\n\r\n").ends_with("  nobody "));
  const auto long_head = exchange("GET / HTTP/1.1\r\nA: " + std::string(2000, 'x') + "\r\n\r\n");
  EXPECT_TRUE(long_head.starts_with("HTTP/1.1 431 ")) << long_head;
  EXPECT_TRUE(long_head.ends_with("  nobody ")) << long_head;
}

/// Where a request comes from, as the server tells it and as it is.
class http_server_addresses : public http_server {
 protected:
  http_server_addresses() {
    handler = [](const request& asked, const responder& answer) { answer(text_response(200, asked.remote_address)); };
  }
  void expect_address_told() {
    std::string expected;
    std::string answer;
    const auto client = [&]() -> task {
      auto socket = co_await dial();
      expected = "127.0.0.1:" + std::to_string(socket.local_endpoint().port());
      const std::string text = "GET / HTTP/1.0\r\n\r\n";
      co_await boost::asio::async_write(socket, boost::asio::buffer(text), as_result);
      co_await boost::asio::async_read(socket, boost::asio::dynamic_buffer(answer), as_result);
    };
    run_tasks(context, client());
    EXPECT_TRUE(answer.ends_with(expected)) << answer;
  }
};

TEST_F(http_server_addresses, a_request_tells_where_it_comes_from) {
  start();
  expect_address_told();
}

TEST_F(http_server_addresses, an_ipv4_client_of_both_families_is_its_ipv4_address) {
  start(boost::asio::ip::address_v6::any());
  expect_address_told();
}

}  // namespace
}  // namespace flowersec::http
