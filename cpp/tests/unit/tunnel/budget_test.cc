// What is held is charged, judged before it is held, and given back when it is gone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/tunnel_world.h"

namespace flowersec::testing {
namespace {

using ::testing::ElementsAre;

struct pair_of_clients {
  explicit pair_of_clients(tunnel::tunnel_limits limits = {})
      : world(limits), client(world.attach("room", 1)), server(world.attach("room", 2)) {}
  tunnel_world world;
  tunnel_world::client client;
  tunnel_world::client server;
};

TEST(budgets, exactly_the_limit_is_held_and_one_more_byte_ends_the_channel) {
  for (const std::size_t extra : {0u, 1u}) {
    tunnel::tunnel_limits limits;
    limits.max_tenant_queued_bytes = 1000;
    tunnel_world world{limits};
    auto early = world.attach("room", 1);
    early.binary(pattern(600));
    early.binary(pattern(400 + extra));
    EXPECT_EQ(early.saw_end(), extra == 1);
    EXPECT_EQ(world.closed_count("resource_exhausted"), extra);
    EXPECT_EQ(
        world.metric("flowersec_tunnel_resource_exhausted_total{limit=\"tenant_queued_bytes\",tenant=\"aud|iss\"}"),
        extra);
    EXPECT_EQ(world.shared->total_bytes.held(), extra == 1 ? 0u : 1000u);
  }
}

TEST(budgets, total_is_judged_after_the_tenant) {
  tunnel::tunnel_limits limits;
  limits.max_tenant_queued_bytes = std::nullopt;
  limits.max_total_queued_bytes = 100;
  tunnel_world world{limits};
  auto a = world.attach("one", 1);
  auto b = world.attach("two", 1);
  a.binary(pattern(60));
  b.binary(pattern(41));
  EXPECT_TRUE(b.saw_end());
  EXPECT_FALSE(a.saw_end());
  EXPECT_EQ(world.metric("flowersec_tunnel_resource_exhausted_total{limit=\"total_queued_bytes\",tenant=\"aud|iss\"}"),
            1);
}

TEST(budgets, empty_messages_are_free) {
  tunnel::tunnel_limits limits;
  limits.max_total_queued_bytes = 10;
  tunnel_world world{limits};
  auto a = world.attach("one", 1);
  a.binary(pattern(10)).binary("").binary("");
  EXPECT_FALSE(a.saw_end());
}

TEST(budgets, a_message_larger_than_the_budget_never_passes_but_many_small_ones_do) {
  tunnel::tunnel_limits limits;
  limits.max_total_queued_bytes = 1000;
  pair_of_clients p{limits};
  byte_buffer batch;
  for (int i = 0; i < 100; ++i) append(batch, client_frame(op_binary, pattern(600)));
  p.client.send(batch);
  EXPECT_EQ(p.server.frames().size(), 100u);
  p.client.binary(pattern(1001));
  EXPECT_TRUE(p.client.saw_end());
  EXPECT_EQ(p.world.closed_count("resource_exhausted"), 1);
  EXPECT_EQ(p.world.closed_count("peer_closed"), 1);
}

TEST(budgets, a_message_that_was_passing_counts_once_it_waits_and_is_not_judged_again) {
  tunnel::tunnel_limits limits;
  limits.max_total_queued_bytes = 1000;
  pair_of_clients p{limits};
  const auto up = client_frame(op_binary, pattern(600));
  p.client.send(byte_view{up}.first(300));
  EXPECT_EQ(p.world.shared->total_bytes.held(), 0u);

  p.client.set_room(0);
  p.server.binary(pattern(600));
  EXPECT_EQ(p.world.shared->total_bytes.held(), 600u);

  p.server.set_room(0);
  p.client.send(byte_view{up}.subspan(300));
  EXPECT_EQ(p.world.shared->total_bytes.held(), 1200u);
  EXPECT_FALSE(p.client.saw_end());

  p.client.set_room(SIZE_MAX);
  p.server.set_room(SIZE_MAX);
  EXPECT_EQ(p.world.shared->total_bytes.held(), 0u);
  EXPECT_EQ(p.server.frames().size(), 1u);
  EXPECT_EQ(p.client.frames().size(), 1u);
}

TEST(budgets, a_stalled_message_is_charged_with_its_full_length_until_it_is_gone) {
  pair_of_clients p;
  p.server.set_room(10);
  p.client.send(client_frame_header(op_binary, 50000));
  p.client.send(masked(byte_view{pattern(50000)}.first(100)));
  EXPECT_EQ(p.world.shared->total_bytes.held(), 50000u);
  EXPECT_EQ(p.world.metric("flowersec_tunnel_queued_bytes"), 50000);
  p.server.set_room(SIZE_MAX);
  EXPECT_EQ(p.world.shared->total_bytes.held(), 0u);
}

TEST(budgets, a_message_being_put_together_is_charged) {
  pair_of_clients p;
  p.client.send(client_frame(op_binary, pattern(700), false));
  EXPECT_EQ(p.world.shared->total_bytes.held(), 700u);
  p.client.send(client_frame(op_continuation, pattern(1)));
  EXPECT_EQ(p.world.shared->total_bytes.held(), 0u);
  EXPECT_EQ(p.server.frames().size(), 1u);
}

TEST(budgets, messages_leave_the_charge_one_by_one) {
  pair_of_clients p;
  p.server.set_room(0);
  byte_buffer batch;
  for (int i = 0; i < 3; ++i) append(batch, client_frame(op_binary, pattern(100)));
  p.client.send(batch);
  EXPECT_EQ(p.world.shared->total_bytes.held(), 300u);
  p.server.set_room(101);
  EXPECT_EQ(p.world.shared->total_bytes.held(), 300u);
  p.server.set_room(1);
  EXPECT_EQ(p.world.shared->total_bytes.held(), 200u);
  p.server.set_room(SIZE_MAX);
  EXPECT_EQ(p.world.shared->total_bytes.held(), 0u);
}

TEST(budgets, stalls_beyond_the_cap_on_blocks_end_their_channel) {
  tunnel::tunnel_limits limits;
  limits.max_stalled_blocks = 1;
  tunnel_world world{limits};
  auto a1 = world.attach("a", 1);
  auto a2 = world.attach("a", 2);
  auto b1 = world.attach("b", 1);
  auto b2 = world.attach("b", 2);
  a2.set_room(0);
  b2.set_room(0);
  a1.binary("first");
  b1.binary("second");
  EXPECT_FALSE(a1.saw_end());
  EXPECT_TRUE(b1.saw_end());
  EXPECT_EQ(world.closed_count("resource_exhausted"), 1);
  a2.set_room(SIZE_MAX);
  EXPECT_THAT(a2.messages(), ElementsAre("first"));
  EXPECT_EQ(world.shared->stalled_blocks.taken(), 0u);
}

}  // namespace
}  // namespace flowersec::testing
