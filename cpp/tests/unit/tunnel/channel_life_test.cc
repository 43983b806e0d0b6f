// Replacement, and the sweep that ends channels by the clock.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/tunnel_world.h"

namespace flowersec::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(replacement, drops_both_old_connections_and_waits_for_a_new_peer) {
  tunnel_world world;
  auto c1 = world.attach("room", 1);
  auto s1 = world.attach("room", 2);
  c1.binary("old");
  auto c2 = world.attach("room", 1);
  EXPECT_TRUE(c1.saw_end());
  EXPECT_TRUE(s1.saw_end());
  EXPECT_THAT(c1.frames(), IsEmpty());
  EXPECT_FALSE(c2.saw_end());
  c2.binary("new");
  auto s2 = world.attach("room", 2);
  EXPECT_THAT(s2.messages(), ElementsAre("new"));
  EXPECT_EQ(world.metric("flowersec_tunnel_replace_total{result=\"ok\"}"), 1);
  EXPECT_EQ(world.closed_count("peer_closed"), 2);
  EXPECT_EQ(world.shared->channels.value(), 1u);
  EXPECT_EQ(world.shared->connections.value(), 2u);
}

TEST(replacement, discards_what_was_pending) {
  tunnel_world world;
  auto c1 = world.attach("room", 1);
  c1.binary("old");
  auto c2 = world.attach("room", 1);
  auto s = world.attach("room", 2);
  c2.binary("new");
  EXPECT_THAT(s.messages(), ElementsAre("new"));
  EXPECT_EQ(world.shared->total_bytes.held(), 0u);
}

TEST(replacement, the_sixth_in_ten_seconds_is_refused_and_the_pair_survives) {
  tunnel_world world;
  std::vector<tunnel_world::client> clients;
  clients.push_back(world.attach("room", 1));
  for (int i = 0; i < 5; ++i) clients.push_back(world.attach("room", 1));
  auto server = world.attach("room", 2);
  auto sixth = world.attach("room", 1);
  const auto frames = sixth.frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].close_code(), 1013);
  EXPECT_EQ(frames[0].close_reason(), "replace_rate_limited");
  clients.back().binary("still here");
  EXPECT_THAT(server.messages(), ElementsAre("still here"));
  EXPECT_EQ(world.metric("flowersec_tunnel_replace_total{result=\"ok\"}"), 5);
  EXPECT_EQ(world.metric("flowersec_tunnel_replace_total{result=\"rate_limited\"}"), 1);
  EXPECT_EQ(world.attach_count("replace_rate_limited"), 1);
  world.pass(milliseconds{10000});
  auto later = world.attach("room", 1);
  EXPECT_FALSE(later.saw_end());
}

TEST(replacement, is_limited_per_role) {
  tunnel_world world;
  auto c = world.attach("room", 1);
  for (int i = 0; i < 5; ++i) c = world.attach("room", 1);
  auto s = world.attach("room", 2);
  auto s2 = world.attach("room", 2);
  EXPECT_FALSE(s2.saw_end());
  EXPECT_TRUE(s.saw_end());
}

TEST(replacement, history_dies_with_the_channel) {
  tunnel_world world;
  auto c = world.attach("room", 1);
  for (int i = 0; i < 5; ++i) c = world.attach("room", 1);
  c.end();
  auto fresh = world.attach("room", 1);
  auto again = world.attach("room", 1);
  EXPECT_FALSE(again.saw_end());
}

TEST(replacement, window_starts_at_its_first_replacement) {
  tunnel::tunnel_limits limits;
  tunnel::replacement_history history;
  const mono_time start{std::chrono::seconds{100}};
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(history.try_replace(limits, start + std::chrono::seconds{i}));
  EXPECT_FALSE(history.try_replace(limits, start + milliseconds{9999}));
  EXPECT_TRUE(history.try_replace(limits, start + milliseconds{10000}));
}

token_mint::payload idle_for(tunnel_world& world, int role, int seconds) {
  auto p = world.mint.draft("room", role);
  p.idle_timeout_seconds = seconds;
  return p;
}

TEST(idle, an_unpaired_channel_ends_and_counts_twice) {
  tunnel_world world;
  auto c = world.attach(idle_for(world, 1, 1));
  world.pass(milliseconds{950});
  EXPECT_FALSE(c.saw_end());
  world.pass(milliseconds{600});
  EXPECT_TRUE(c.saw_end());
  EXPECT_THAT(c.frames(), IsEmpty());
  EXPECT_EQ(world.closed_count("idle_timeout"), 1);
  EXPECT_EQ(world.closed_count("peer_closed"), 1);
}

TEST(interop_traps, trap_19_only_binary_messages_keep_a_channel_alive) {
  tunnel_world world;
  auto c = world.attach(idle_for(world, 1, 2));
  auto s = world.attach(idle_for(world, 2, 2));
  for (int i = 0; i < 4; ++i) {
    world.pass(milliseconds{1500});
    if (i % 2 == 0) {
      c.binary("");
    } else {
      s.binary("x");
    }
    EXPECT_FALSE(c.saw_end()) << i;
  }
  for (int i = 0; i < 6 && !c.saw_end(); ++i) {
    world.pass(milliseconds{500});
    if (!c.saw_end()) c.send(client_frame(op_ping, "here")).send(client_frame(op_pong, ""));
  }
  EXPECT_TRUE(c.saw_end());
  EXPECT_EQ(world.closed_count("idle_timeout"), 1);
}

TEST(idle, a_message_that_never_ends_is_no_activity) {
  tunnel_world world;
  auto c = world.attach(idle_for(world, 1, 1));
  auto s = world.attach(idle_for(world, 2, 1));
  c.send(client_frame_header(op_binary, 1000));
  for (int i = 0; i < 40 && !c.saw_end(); ++i) {
    world.pass(milliseconds{100});
    if (!c.saw_end()) c.send(masked(as_bytes("x")));
  }
  EXPECT_TRUE(c.saw_end());
  EXPECT_TRUE(s.saw_end());
}

TEST(init_window, ends_a_channel_without_records_after_the_skew) {
  tunnel_world world;
  auto p = world.mint.draft("room", 1);
  p.idle_timeout_seconds = 1000;
  auto q = p;
  q.role = 2;
  q.token_id += "x";
  auto c = world.attach(p);
  auto s = world.attach(q);
  c.binary("FSEH is not a record");
  world.pass(milliseconds{130'900});
  EXPECT_FALSE(c.saw_end());
  world.pass(milliseconds{700});
  EXPECT_TRUE(c.saw_end());
  EXPECT_TRUE(s.saw_end());
  EXPECT_EQ(world.closed_count("init_expired"), 1);
  EXPECT_EQ(world.closed_count("peer_closed"), 2);
}

TEST(init_window, does_not_end_a_channel_that_showed_a_record) {
  tunnel_world world;
  auto p = world.mint.draft("room", 1);
  p.idle_timeout_seconds = 1000;
  auto q = p;
  q.role = 2;
  q.token_id += "x";
  auto c = world.attach(p);
  auto s = world.attach(q);
  s.binary(record_shaped(5));
  world.pass(milliseconds{200'000});
  EXPECT_FALSE(c.saw_end());
}

TEST(sweep, the_first_true_condition_counts) {
  tunnel::channel room;
  room.init_exp = 1000;
  room.idle_timeout_seconds = 10;
  room.last_activity = mono_time{std::chrono::seconds{100}};
  const mono_time idle_at = room.last_activity + std::chrono::seconds{10};
  const wall_time init_over{std::chrono::seconds{1030}};
  using tunnel::close_reason;
  EXPECT_EQ(due_ending(room, idle_at, init_over), std::nullopt);
  EXPECT_EQ(due_ending(room, idle_at + milliseconds{1}, init_over), close_reason::idle_timeout);
  room.lease_expires = init_over;
  EXPECT_EQ(due_ending(room, idle_at + milliseconds{1}, init_over), close_reason::policy_lease_expired);
  EXPECT_EQ(due_ending(room, idle_at, init_over + std::chrono::seconds{1}), close_reason::init_expired);
  room.record_seen = true;
  EXPECT_EQ(due_ending(room, idle_at, init_over - milliseconds{1}), std::nullopt);
}

TEST(pairing, latency_is_measured_from_the_first_attach) {
  tunnel_world world;
  auto c = world.attach("room", 1);
  world.pass(milliseconds{700});
  auto s = world.attach("room", 2);
  EXPECT_EQ(world.metric("flowersec_tunnel_pair_latency_seconds_count"), 1);
  EXPECT_EQ(world.metric("flowersec_tunnel_pair_latency_seconds_bucket{le=\"0.5\"}"), 0);
  EXPECT_EQ(world.metric("flowersec_tunnel_pair_latency_seconds_bucket{le=\"1\"}"), 1);
}

}  // namespace
}  // namespace flowersec::testing
