// What users and backends can make an edge hold or wait for: each limit at its edge and one past it.
#include <boost/asio/detached.hpp>

#include "edge_world.h"

namespace flowersec::ownwire {
namespace {

awaitable<void> be_one_too_many(edge_world& world, std::size_t most) {
  auto backend = co_await world.backend();
  std::vector<test_client> users;
  for (std::size_t i = 0; i < most; ++i) users.push_back(co_await world.user());
  co_await until([&] { return world.front.counts().users == most; });
  auto refused = co_await world.user();
  EXPECT_EQ(co_await refused.closed(), 1008);
  EXPECT_EQ(refused.socket.peer_close()->reason, "rate_limited");
  EXPECT_EQ(world.front.counts().visitors_refused, 1U);
  users.back().socket.abort();
  co_await until([&] { return world.front.counts().users == most - 1; });
  auto next = co_await world.user();
  co_await until([&] { return world.front.counts().users == most; });
}

TEST(edge_limits, users_in_all_and_of_an_address_at_the_limit_and_one_past) {
  for (const auto field : {&edge_limits::max_users, &edge_limits::max_users_per_address}) {
    auto options = usual_edge();
    options.limits.backend_wait = 1h;
    options.limits.*field = 3;
    edge_world world{std::move(options)};
    world.run(be_one_too_many(world, 3));
  }
}

struct set_clock final : clock_source {
  [[nodiscard]] mono_time mono_now() const noexcept override { return now; }
  [[nodiscard]] wall_time wall_now() const noexcept override { return {}; }
  mono_time now{1h};
};

awaitable<void> visit_too_often(edge_world& world, set_clock& clock) {
  const auto refusal = [&]() -> awaitable<std::string> {
    auto user = co_await world.user();
    co_await user.closed();
    co_return user.socket.peer_close()->reason;
  };
  // Without a backend nobody stays.
  for (int i = 0; i < 2; ++i) EXPECT_EQ(co_await refusal(), "no backend");
  EXPECT_EQ(co_await refusal(), "rate_limited");
  clock.now += 99ms;
  EXPECT_EQ(co_await refusal(), "rate_limited");
  clock.now += 1ms;
  EXPECT_EQ(co_await refusal(), "no backend");
  EXPECT_EQ(co_await refusal(), "rate_limited");
}

TEST(edge_limits, times_at_a_day_and_one_past) {
  for (const auto field :
       {&edge_limits::backend_wait, &edge_limits::silence_limit, &edge_limits::stall, &edge_limits::stop_timeout}) {
    edge_limits limits;
    limits.*field = 24h;
    EXPECT_TRUE(limits.validate());
    limits.*field = 24h + 1ms;
    EXPECT_FALSE(limits.validate());
    limits.*field = std::chrono::milliseconds::max();
    EXPECT_FALSE(limits.validate());
  }
}

TEST(edge_limits, visits_of_an_address_at_the_limit_and_one_past) {
  set_clock clock;
  auto options = usual_edge();
  options.limits.visit_burst = 2;
  options.clocks = &clock;
  edge_world world{std::move(options)};
  world.run(visit_too_often(world, clock));
}

TEST(edge_limits, places_on_the_way_in_at_the_limit_and_one_past) {
  auto options = usual_edge();
  options.trusted_proxies.clear();
  options.limits.max_requests = 3;
  options.limits.max_requests_per_address = 2;
  edge_world world{std::move(options)};
  world.run(fill_the_entrance(world.front.port()));
}

/// A waiting user whose last message would end its connection, were it read.
awaitable<void> say_too_much_while_waiting(edge_world& world, std::size_t held, bool is_read) {
  auto first = co_await world.backend();
  auto joined = co_await world.user();
  co_await read_text(first);
  auto user = co_await world.user();
  co_await user.send(std::string(held, 'a'));
  asio::co_spawn(world.context, user.send(std::string(1'048'577, 'b')), asio::detached);
  if (is_read) {
    EXPECT_EQ(co_await user.closed(), 1009);
    co_return;
  }
  // Somebody else comes in meanwhile, and goes again.
  auto other = co_await world.user();
  co_await until([&] { return world.front.counts().users == 3; });
  other.socket.abort();
  co_await until([&] { return world.front.counts().users == 2; });
  auto backend = co_await world.backend();
  co_await read_text(backend);
  EXPECT_EQ(co_await read_text(backend), std::string(held, 'a')) << "the user was still there";
  EXPECT_EQ(co_await user.closed(), 1009);
}

TEST(edge_limits, a_waiting_user_is_read_up_to_what_is_held_and_no_further) {
  for (const std::size_t held : {16'384u, 16'385u}) {
    auto options = usual_edge();
    options.limits.backend_wait = 1h;
    edge_world world{std::move(options)};
    world.run(say_too_much_while_waiting(world, held, held == 16'384));
  }
}

awaitable<void> take_nothing(edge_world& world) {
  auto backend = co_await world.backend();
  auto user = co_await world.user();
  EXPECT_FALSE((co_await read_text(backend)).empty());
  const std::string much(1'048'576, 'a');
  error_code failed;
  while (!failed) {
    std::tie(failed) = co_await backend.socket.async_write_message(ws::message_kind::binary, as_bytes(much), as_result);
  }
  co_await until([&] { return world.front.counts().users == 0; });
}

TEST(edge_limits, a_user_that_takes_nothing_for_too_long_ends_the_pair) {
  auto options = usual_edge();
  options.limits.stall = 50ms;
  edge_world world{std::move(options)};
  world.run(take_nothing(world));
}

}  // namespace
}  // namespace flowersec::ownwire
