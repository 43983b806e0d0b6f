// How a chat client ends: what it waits for, and for how long.
#include "unit/ownwire/client_fixture.h"

namespace flowersec::testing {
namespace {

using steady = std::chrono::steady_clock;

awaitable<void> open(endpoint::direct_listener& listener, client& user, visitor& at) {
  error_code connected;
  const auto gateway = [&]() -> awaitable<void> {
    co_await greet(listener, at);
    co_await at.expect<hello_frame>();
    co_await at.say(fresh());
  };
  co_await (connect_to(user, connected) && gateway());
  EXPECT_FALSE(connected) << connected.message();
}

TEST_F(chat, behind_a_bye_the_connection_stays_until_the_gateway_ends_it) {
  auto quickest = steady::duration::max();
  // A machine may stand still for the two seconds, but not each time.
  for (int round = 0; round < 5 && quickest > std::chrono::seconds{1}; ++round) {
    auto user = make();
    std::optional<steady::time_point> closed;
    const auto whole = [&]() -> awaitable<void> {
      visitor at;
      co_await open(listener, user, at);
      const auto began = steady::now();
      const auto leave = [&]() -> awaitable<void> {
        co_await user.async_close();
        closed = steady::now();
      };
      const auto end = [&]() -> awaitable<void> {
        co_await at.expect<bye_frame>();
        const reply_frame late{.seq = 1, .content = "late"};
        co_await at.say(late);
        co_await at.session.async_probe(with_error);  // answered behind it
        EXPECT_TRUE(!closed || *closed - began >= std::chrono::milliseconds{1900});
        co_await at.session.async_close();
      };
      co_await (leave() && end());
      quickest = std::min(quickest, closed.value() - began);
    };
    run(context, whole());
  }
  EXPECT_LE(quickest, std::chrono::seconds{1});
  EXPECT_TRUE(all<reply_received>().empty());
}

TEST_F(chat, one_that_leaves_does_not_answer_for_the_next) {
  auto user = make();
  int closed = 0;
  const auto whole = [&]() -> awaitable<void> {
    std::array<visitor, 2> at;
    for (auto& each : at) {
      co_await open(listener, user, each);
      user.async_close([&](error_code failed) {
        EXPECT_FALSE(failed);
        ++closed;
      });
      co_await each.expect<bye_frame>();
    }
    const auto began = steady::now();
    co_await at[0].session.async_close();
    co_await at[1].session.async_probe(with_error);  // it is still there
    EXPECT_TRUE(closed == 0 || steady::now() - began >= std::chrono::milliseconds{1900});
    co_await at[1].session.async_close();
    co_await user.async_close();
  };
  run(context, whole());
  EXPECT_EQ(closed, 2);
}

TEST_F(chat, closed_by_its_own_event_it_answers_when_the_connection_is_gone) {
  client_options options;
  std::optional<client> user;
  bool left = false;
  bool ended = false;
  options.on_event = [&](const client_event& event) {
    if (!std::holds_alternative<session_opened>(event)) return;
    user->async_close([&](error_code failed) {
      EXPECT_FALSE(failed);
      EXPECT_TRUE(left);
      ended = true;
    });
  };
  user.emplace(make(std::move(options)));
  const auto whole = [&]() -> awaitable<void> {
    visitor at;
    error_code connected;
    const auto gateway = [&]() -> awaitable<void> {
      co_await greet(listener, at);
      co_await at.expect<hello_frame>();
      co_await at.say(fresh());
      co_await at.expect<bye_frame>();
      left = true;
      co_await at.session.async_close();
    };
    co_await (connect_to(*user, connected) && gateway());
    co_await user->async_close();
  };
  run(context, whole());
  EXPECT_TRUE(ended);
}

TEST(chat_client, a_context_that_is_destroyed_frees_one_that_leaves) {
  auto watched = std::make_shared<int>();
  const std::weak_ptr<int> alive = watched;
  {
    asio::io_context context;
    auto listener = sealed_listener(context);
    client_options options;
    options.url = listener.url();
    options.server_keys.push_back(identity().public_half());
    options.origin = dial_options().origin;
    auto user = client::create(context.get_executor(), std::move(options)).value();
    visitor at;
    run(context, open(listener, user, at));
    user.async_close([watched = std::move(watched)](error_code) {});
    const auto heard = [&]() -> awaitable<void> { co_await at.expect<bye_frame>(); };
    run(context, heard());
    EXPECT_FALSE(alive.expired()) << "it waits for the gateway";
  }
  EXPECT_TRUE(alive.expired());
}

TEST_F(chat, what_was_sent_has_two_seconds_to_leave_when_nobody_reads) {
  auto user = make();
  const auto whole = [&]() -> awaitable<void> {
    visitor at;
    co_await open(listener, user, at);
    // More than the window of the stream.
    for (int i = 0; i < 10; ++i) {
      user.async_send(std::string(max_content_bytes, 'x'), [](error_code /*failed*/, std::uint64_t /*id*/) {});
    }
    const auto began = steady::now();
    co_await user.async_close();
    EXPECT_GE(steady::now() - began, std::chrono::milliseconds{1900});
  };
  run(context, whole());
  EXPECT_EQ(user.state(), client_state::closed);
}

}  // namespace
}  // namespace flowersec::testing
