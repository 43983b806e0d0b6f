// What two clients do with a channel between the programs that people run: calls of their own, and either suite.
#include <gmock/gmock.h>

#include <algorithm>

#include "system/rendezvous_programs.h"

namespace flowersec::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;
using namespace rendezvous;
using asio::awaitable;

/// In hexadecimal, as the wiretap writes.
std::string hex(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const char each : text) {
    out += digits[static_cast<unsigned char>(each) >> 4U];
    out += digits[static_cast<unsigned char>(each) & 15U];
  }
  return out;
}

class rendezvous_channel : public ::testing::Test {
 protected:
  rendezvous_channel() {
    a.knows(b);
    b.knows(a);
  }
  awaitable<void> begin(const rendezvous_programs& programs) {
    for (auto* each : {&a, &b}) {
      each->make(programs.url(), programs.key());
      co_await each->client->async_start();
    }
  }
  awaitable<void> end() {
    co_await a.client->async_close();
    co_await b.client->async_close();
  }
  /// Serves one type: says who asked, and what.
  static void serve(rendezvous_person& who) {
    who.options.make_rpc = [](const public_key& peer) {
      rpc::router router;
      router.on_request(7, [peer](rpc::request request, rpc::responder answer) {
        answer.succeed(R"({"from":")" + peer.text() + R"(","asked":)" + request.payload + '}');
      });
      return router;
    };
  }
  /// The answer, or the code with which it failed.
  static awaitable<std::string> ask(endpoint::session session, std::uint32_t type_id) {
    const std::string payload = "[1.0]";
    const auto reply = co_await session.async_call(type_id, payload, asio::use_awaitable);
    co_return reply.ok() ? reply.payload : std::to_string(reply.error->code);
  }
  void run(awaitable<void> body) { testing::run(context, std::move(body), 60s); }

  asio::io_context context;
  rendezvous_person a{context};
  rendezvous_person b{context};
};

TEST_F(rendezvous_channel, carries_calls_of_either_side_and_messages_beside_them) {
  rendezvous_programs programs;
  serve(a);
  serve(b);
  const auto body = [&]() -> awaitable<void> {
    co_await begin(programs);
    auto of_a = co_await a.client->async_open(b.key(), asio::use_awaitable);
    EXPECT_EQ(co_await ask(of_a, 7), R"({"from":")" + a.key().text() + R"(","asked":[1.0]})");
    EXPECT_EQ(co_await ask(of_a, 8), "404");
    co_await a.client->async_send(b.key(), "1");
    auto of_b = co_await b.client->async_open(a.key(), asio::use_awaitable);
    EXPECT_EQ(of_b.channel_id(), of_a.channel_id());
    EXPECT_EQ(co_await ask(of_b, 7), R"({"from":")" + b.key().text() + R"(","asked":[1.0]})");
    co_await b.client->async_send(a.key(), "2");
    EXPECT_EQ(a.channels_opened(), 1u);
    co_await end();
  };
  run(body());
  EXPECT_EQ(b.received, std::vector<std::string>{"1"});
  EXPECT_EQ(a.received, std::vector<std::string>{"2"});
}

TEST_F(rendezvous_channel, serves_no_calls_unless_it_was_told_to) {
  rendezvous_programs programs;
  const auto body = [&]() -> awaitable<void> {
    co_await begin(programs);
    auto session = co_await a.client->async_open(b.key(), asio::use_awaitable);
    const std::string nothing = "null";
    const auto [failed, reply] = co_await session.async_call(7, nothing, asio::as_tuple(asio::use_awaitable));
    EXPECT_TRUE(failed) << "the stream of calls is refused";
    co_await a.client->async_send(b.key(), "1");
    co_await end();
  };
  run(body());
  EXPECT_EQ(b.received, std::vector<std::string>{"1"});
}

/// The flag, and the suite that a call then uses.
class rendezvous_suites : public rendezvous_channel,
                          public ::testing::WithParamInterface<std::pair<const char*, int>> {};

TEST_P(rendezvous_suites, a_call_uses_the_first_one_and_talks) {
  const auto [flag, suite] = GetParam();
  rendezvous_programs programs{{std::string{"--suites="} + flag}, true};
  serve(b);
  const auto body = [&]() -> awaitable<void> {
    co_await begin(programs);
    co_await a.client->async_send(b.key(), "1");
    co_await b.client->async_send(a.key(), "2");
    auto session = co_await a.client->async_open(b.key(), asio::use_awaitable);
    EXPECT_EQ(co_await ask(session, 7), R"({"from":")" + a.key().text() + R"(","asked":[1.0]})");
    co_await end();
  };
  run(body());
  EXPECT_EQ(b.received, std::vector<std::string>{"1"});
  EXPECT_EQ(a.received, std::vector<std::string>{"2"});
  const auto seen = programs.seen();
  EXPECT_THAT(seen, HasSubstr(hex(R"("suite":)" + std::to_string(suite))));
  EXPECT_THAT(seen, Not(HasSubstr(hex(R"("suite":)" + std::to_string(3 - suite)))));
}

INSTANTIATE_TEST_SUITE_P(flags, rendezvous_suites,
                         ::testing::Values(std::pair{"1", 1}, std::pair{"2", 2}, std::pair{"1,2", 1},
                                           std::pair{"2,1", 2}),
                         [](const auto& row) {
                           std::string name = row.param.first;
                           std::ranges::replace(name, ',', '_');
                           return name;
                         });

}  // namespace
}  // namespace flowersec::testing
