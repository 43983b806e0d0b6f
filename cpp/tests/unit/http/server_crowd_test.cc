// The HTTP server when all its places are taken: who loses one to a newcomer, and who does not.
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <optional>
#include <vector>

#include "support/standstill.h"
#include "unit/http/server_fixture.h"

namespace flowersec::http {
namespace {

using namespace testing;                                         // NOLINT
using namespace boost::asio::experimental::awaitable_operators;  // NOLINT
using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string ask = "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n";

class full_server : public http_server {
 protected:
  full_server() {
    // Nobody goes by a time-out.
    options.limits.header_timeout = seconds{30};
    options.limits.request_timeout = seconds{30};
    options.limits.place_grace = milliseconds{50};
  }

  /// Connects and asks.
  task ask_once(std::string& answer) {
    auto socket = co_await dial();
    co_await boost::asio::async_write(socket, boost::asio::buffer(ask), boost::asio::use_awaitable);
    co_await boost::asio::async_read(socket, boost::asio::dynamic_buffer(answer), as_result);
  }
};

/// What each of a crowd says, and then no more.
struct crowd_case {
  const char* name;
  std::string said;
};

class a_crowd_that : public full_server, public ::testing::WithParamInterface<crowd_case> {};

TEST_P(a_crowd_that, never_completes_a_request_keeps_no_newcomer_out) {
  options.limits.max_connections = 8;
  start();
  constexpr std::size_t crowd_size = 12;  // the last ones wait before the newcomer
  std::vector<tcp::socket> crowd;
  std::string answer;
  const auto clients = [&]() -> task {
    while (crowd.size() < crowd_size) {
      crowd.push_back(co_await dial());
      co_await boost::asio::async_write(crowd.back(), boost::asio::buffer(GetParam().said), boost::asio::use_awaitable);
    }
    co_await ask_once(answer);
  };
  flowersec::testing::undisturbed_time taken;
  run_tasks(context, clients());
  EXPECT_LT(taken.elapsed(), seconds{1});
  EXPECT_TRUE(answer.ends_with("GET /healthz ")) << answer;
}

INSTANTIATE_TEST_SUITE_P(server, a_crowd_that,
                         ::testing::Values(crowd_case{"says_nothing", ""}, crowd_case{"says_one_byte", "P"},
                                           crowd_case{"never_ends_its_head", "POST / HTTP/1.1\r\nHost: x\r\n"},
                                           crowd_case{"sends_its_body_slowly",
                                                      "POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nab"},
                                           crowd_case{"has_asked_and_begins_again", "GET / HTTP/1.1\r\n\r\nP"}),
                         [](const auto& one) { return std::string{one.param.name}; });

TEST_F(full_server, whoever_waits_for_an_answer_keeps_its_place) {
  options.limits.max_connections = 2;
  std::optional<responder> kept;
  handler = [&](const request& asked, const responder& answer) {
    if (asked.target == "/slow") {
      kept = answer;
      return;
    }
    answer(text_response(200, "here"));
    if (kept) (*kept)(text_response(200, "slow"));
  };
  start();
  std::string slow_answer;
  std::string newcomers_answer;
  std::string nothing;
  const auto clients = [&]() -> task {
    auto slow = co_await dial();
    const std::string ask_slowly = "GET /slow HTTP/1.1\r\nConnection: close\r\n\r\n";
    co_await boost::asio::async_write(slow, boost::asio::buffer(ask_slowly), boost::asio::use_awaitable);
    auto silent = co_await dial();
    const auto be_silent = [&]() -> task {
      co_await boost::asio::async_read(silent, boost::asio::dynamic_buffer(nothing), as_result);
    };
    const auto read_slowly = [&]() -> task {
      co_await boost::asio::async_read(slow, boost::asio::dynamic_buffer(slow_answer), as_result);
    };
    co_await (be_silent() && read_slowly() && ask_once(newcomers_answer));
  };
  run_tasks(context, clients());
  EXPECT_EQ(nothing, "");
  EXPECT_TRUE(newcomers_answer.ends_with("here"));
  EXPECT_TRUE(slow_answer.ends_with("slow"));
}

TEST_F(full_server, a_place_is_not_taken_within_the_grace) {
  options.limits.max_connections = 1;
  options.limits.place_grace = seconds{30};
  start();
  std::string first_answer;
  std::string second_answer;
  const auto clients = [&]() -> task {
    auto first = co_await dial();
    co_await boost::asio::async_write(first, boost::asio::buffer(ask.substr(0, 1)), boost::asio::use_awaitable);
    auto second = co_await dial();
    co_await boost::asio::async_write(second, boost::asio::buffer(ask), boost::asio::use_awaitable);
    co_await boost::asio::async_write(first, boost::asio::buffer(ask.substr(1)), boost::asio::use_awaitable);
    co_await boost::asio::async_read(first, boost::asio::dynamic_buffer(first_answer), as_result);
    first.close();
    co_await boost::asio::async_read(second, boost::asio::dynamic_buffer(second_answer), as_result);
  };
  run_tasks(context, clients());
  EXPECT_TRUE(first_answer.ends_with("GET /healthz "));
  EXPECT_TRUE(second_answer.ends_with("GET /healthz "));
}

}  // namespace
}  // namespace flowersec::http
