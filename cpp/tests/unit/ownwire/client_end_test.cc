// How a chat client ends: what it waits for, and for how long.
#include "unit/ownwire/client_fixture.h"

namespace flowersec::testing {
namespace {

TEST_F(chat, behind_a_bye_the_connection_stays_until_the_gateway_ends_it) {
  auto user = make();
  bool closed = false;
  const auto whole = [&]() -> awaitable<void> {
    visitor at;
    error_code connected;
    const auto gateway = [&]() -> awaitable<void> {
      co_await greet(listener, at);
      co_await at.expect<hello_frame>();
      co_await at.say(fresh());
    };
    co_await (connect_to(user, connected) && gateway());
    const auto leave = [&]() -> awaitable<void> {
      co_await user.async_close();
      closed = true;
    };
    const auto end = [&]() -> awaitable<void> {
      co_await at.expect<bye_frame>();
      const reply_frame late{.seq = 1, .content = "late"};
      co_await at.say(late);
      co_await at.session.async_probe();  // answered behind it
      EXPECT_FALSE(closed);
      co_await at.session.async_close();
    };
    co_await (leave() && end());
  };
  run(context, whole());
  EXPECT_TRUE(closed);
  EXPECT_TRUE(all<reply_received>().empty());
}

TEST_F(chat, what_was_sent_has_two_seconds_to_leave_when_nobody_reads) {
  auto user = make();
  const auto whole = [&]() -> awaitable<void> {
    visitor at;
    error_code connected;
    const auto gateway = [&]() -> awaitable<void> {
      co_await greet(listener, at);
      co_await at.expect<hello_frame>();
      co_await at.say(fresh());
    };
    co_await (connect_to(user, connected) && gateway());
    // More than the window of the stream.
    for (int i = 0; i < 10; ++i) {
      user.async_send(std::string(max_content_bytes, 'x'), [](error_code /*failed*/, std::uint64_t /*id*/) {});
    }
    const auto began = std::chrono::steady_clock::now();
    co_await user.async_close();
    EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds{1900});
  };
  run(context, whole());
  EXPECT_EQ(user.state(), client_state::closed);
}

}  // namespace
}  // namespace flowersec::testing
