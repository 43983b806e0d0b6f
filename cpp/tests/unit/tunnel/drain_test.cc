// The slow way down, on a virtual clock.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "support/tunnel_world.h"

namespace flowersec::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using tunnel::drain_order;
using tunnel::drain_plan;

TEST(drain_plan, lets_all_stay_and_then_go_evenly) {
  const mono_time start{1h};
  drain_order order;
  drain_plan plan{start, 30s, order};
  EXPECT_EQ(plan.may_stay(100, 100, start), 100u);
  EXPECT_EQ(plan.may_stay(100, 100, start + 24999ms), 100u);
  EXPECT_EQ(plan.may_stay(100, 100, start + 25s), 100u);
  EXPECT_EQ(plan.may_stay(100, 100, start + 26s), 80u);
  EXPECT_EQ(plan.may_stay(80, 80, start + 27500ms), 50u);
  EXPECT_EQ(plan.may_stay(50, 50, start + 29s), 20u);
  EXPECT_FALSE(plan.is_over(start + 29999ms));
  EXPECT_EQ(plan.may_stay(1, 1, start + 30s), 0u);
  EXPECT_TRUE(plan.is_over(start + 30s));
}

TEST(drain_plan, who_left_alone_is_not_counted_twice) {
  const mono_time start{1h};
  drain_order order;
  drain_plan plan{start, 30s, order};
  EXPECT_EQ(plan.may_stay(100, 100, start + 25s), 100u);
  EXPECT_EQ(plan.may_stay(10, 10, start + 26s), 10u) << "80 may stay, 10 are there";
  EXPECT_EQ(plan.may_stay(10, 10, start + 29750ms), 5u);
}

TEST(drain_plan, a_short_one_thins_out_in_its_second_half) {
  const mono_time start{1h};
  drain_order order;
  drain_plan plan{start, 2s, order};
  EXPECT_EQ(plan.may_stay(10, 10, start + 1s), 10u);
  EXPECT_EQ(plan.may_stay(10, 10, start + 1500ms), 5u);
  EXPECT_EQ(plan.may_stay(10, 10, start + 2s), 0u);
}

TEST(drain_plan, none_at_all_lets_nobody_stay) {
  for (const auto longest : {0ms, 1ms}) {
    drain_order order;
    drain_plan plan{mono_time{1h}, longest, order};
    EXPECT_EQ(plan.may_stay(10, 10, mono_time{1h} + longest), 0u);
  }
}

TEST(drain_plan, the_last_one_has_the_whole_time_whatever_shard_it_is_in) {
  const mono_time start{1h};
  drain_order order;
  drain_plan empty{start, 10s, order};
  drain_plan plan{start, 10s, order};
  for (const auto passed : {5s, 7s, 9s}) {
    EXPECT_EQ(empty.may_stay(0, 1, start + passed), 0u);
    EXPECT_EQ(plan.may_stay(1, 1, start + passed), 1u);
  }
  EXPECT_EQ(plan.may_stay(1, 1, start + 9999ms), 1u);
  EXPECT_EQ(plan.may_stay(1, 1, start + 10s), 0u);
}

TEST(drain_plan, over_all_shards_they_go_one_by_one) {
  const mono_time start{1h};
  drain_order order;
  std::vector<drain_plan> plans(8, drain_plan{start, 10s, order});
  std::vector<std::size_t> present{1, 1, 1, 0, 3, 1, 2, 1};  // ten, so one every half second
  for (auto passed = 5000ms; passed <= 10s; passed += 100ms) {
    const auto in_all = std::accumulate(present.begin(), present.end(), std::size_t{0});
    for (std::size_t i = 0; i < plans.size(); ++i) present[i] = plans[i].may_stay(present[i], in_all, start + passed);
    const auto left = std::accumulate(present.begin(), present.end(), std::size_t{0});
    EXPECT_EQ(left, static_cast<std::size_t>((10'000 - passed.count() + 499) / 500)) << passed.count();
  }
}

TEST(drain_plan, who_left_while_it_began_costs_no_other_its_time) {
  const mono_time start{1h};
  drain_order order;
  drain_plan one{start, 10s, order};
  drain_plan other{start, 10s, order};
  EXPECT_EQ(one.may_stay(3, 4, start + 5s), 3u);
  EXPECT_EQ(other.may_stay(1, 1, start + 5s), 1u) << "the three have left since; they were counted before it";
  EXPECT_EQ(other.may_stay(1, 1, start + 6s), 1u);
}

struct draining : ::testing::Test {
  tunnel_world world;
  int ends = 0;

  void begin(std::chrono::milliseconds longest) {
    world.shared->drained.expect(1, [this] { ++ends; });
    world.shared->phase = tunnel::tunnel_phase::draining;
    world.core->post([this, longest] { world.core->begin_drain(longest); });
    world.run();
  }
  struct both {
    tunnel_world::client client;
    tunnel_world::client server;
    [[nodiscard]] bool ended() const { return client.saw_end() && server.saw_end(); }
  };
  [[nodiscard]] both pair(const std::string& room) {
    auto client = world.attach(room, 1);
    auto server = world.attach(room, 2);
    return {std::move(client), std::move(server)};
  }
};

void expect_going_away(tunnel_world::client& c) {
  const auto frames = c.frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].op, op_close);
  EXPECT_EQ(frames[0].close_code(), 1001);
  EXPECT_EQ(frames[0].close_reason(), "draining");
  EXPECT_TRUE(c.saw_end());
}

TEST_F(draining, a_tunnel_without_anybody_is_done_at_once) {
  begin(1h);
  EXPECT_EQ(ends, 1);
  world.pass(1s);
  EXPECT_EQ(ends, 1) << "it says so once";
}

TEST_F(draining, who_has_no_peer_is_told_and_a_pair_goes_on) {
  auto p = pair("paired");
  auto alone = world.attach("alone", 2);
  auto unattached = world.connect();
  begin(30s);
  expect_going_away(alone);
  expect_going_away(unattached);
  EXPECT_EQ(world.attach_count("canceled"), 1);
  EXPECT_EQ(world.closed_count("peer_closed"), 1);
  p.client.binary("still");
  p.server.binary("here");
  EXPECT_THAT(p.server.messages(), ElementsAre("still"));
  EXPECT_THAT(p.client.messages(), ElementsAre("here"));
  EXPECT_EQ(ends, 0);
}

TEST_F(draining, it_is_done_as_soon_as_the_last_pair_left) {
  auto p = pair("paired");
  auto q = pair("other");
  begin(30s);
  p.client.end();
  p.server.end();
  world.pass(5s);
  EXPECT_EQ(ends, 0);
  q.client.binary("last words");
  q.client.end();
  EXPECT_THAT(q.server.messages(), ElementsAre("last words"));
  EXPECT_EQ(ends, 0) << "the server has not left yet";
  q.server.end();
  world.pass(drain_plan::interval);
  EXPECT_EQ(ends, 1);
}

TEST_F(draining, a_peer_that_does_not_hang_up_is_waited_for_no_longer_than_otherwise) {
  auto alone = world.attach("alone", 1);
  begin(1h);
  world.pass(1900ms);
  EXPECT_EQ(ends, 0) << "it may still be reading why";
  world.pass(400ms);
  EXPECT_EQ(ends, 1);
}

TEST_F(draining, what_is_left_ends_evenly_over_the_last_seconds) {
  std::vector<both> pairs;
  for (int i = 0; i < 50; ++i) pairs.push_back(pair("room-" + std::to_string(i)));
  begin(20s);
  const auto left = [&] { return std::count_if(pairs.begin(), pairs.end(), [](const both& p) { return !p.ended(); }); };
  world.pass(15s);
  EXPECT_EQ(left(), 50);
  for (int second = 1; second < 5; ++second) {
    world.pass(1s);
    EXPECT_NEAR(static_cast<double>(left()), 50 - 10 * second, 2) << second;
  }
  EXPECT_EQ(ends, 0);
  world.pass(1s);
  EXPECT_EQ(left(), 0);
  EXPECT_EQ(ends, 1) << "at its end, whoever has not hung up by then";
  for (auto& p : pairs) EXPECT_THAT(p.client.frames(), IsEmpty()) << "a channel ends without a close frame";
  EXPECT_EQ(world.shared->connections.value(), 0u);
}

TEST_F(draining, who_was_upgraded_a_moment_before_is_told_too) {
  auto p = pair("paired");
  begin(30s);
  auto late = world.connect();
  expect_going_away(late);
  EXPECT_EQ(world.shared->connections.value(), 2u);
}

TEST_F(draining, an_attach_on_its_way_to_its_channel_is_told_too) {
  auto p = pair("paired");
  auto door = world.connect();
  auto& bytes = door.raw();
  append(bytes.to_tunnel, client_frame(op_text, world.mint.attach_text("paired", 1)));
  // The attach is accepted in the same turn in which the drain begins, behind it.
  world.core->set_time(world.clock.mono);
  bytes.watcher->on_ready({true, false});
  begin(30s);
  expect_going_away(door);
  p.client.binary("undisturbed");
  EXPECT_THAT(p.server.messages(), ElementsAre("undisturbed"));
}

TEST_F(draining, an_undecided_policy_does_not_hold_it_up) {
  class silent_policy final : public tunnel::attach_policy {
   public:
    void decide(tunnel::attach_query, std::stop_token,
                std::function<void(std::optional<tunnel::attach_decision>)>) override {}
  };
  tunnel_world slow{{}, std::make_shared<silent_policy>()};
  auto waiting = slow.attach("room", 1);
  EXPECT_FALSE(waiting.saw_end());
  slow.core->post([&] { slow.core->begin_drain(30s); });
  slow.run();
  expect_going_away(waiting);
}

TEST_F(draining, a_stalled_pong_is_finished_before_the_farewell) {
  auto alone = world.attach("alone", 1);
  alone.set_room(3);
  alone.send(client_frame(op_ping, "0123456789"));
  begin(30s);
  alone.set_room(SIZE_MAX);
  const auto frames = alone.frames();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].op, op_pong);
  EXPECT_EQ(as_text(frames[0].payload), "0123456789");
  EXPECT_EQ(frames[1].close_code(), 1001);
}

}  // namespace
}  // namespace flowersec::testing
