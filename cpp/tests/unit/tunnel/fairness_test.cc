// One connection that sends without end: its turns stay short, and its time-outs still come.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "support/tunnel_world.h"
#include "tunnel/http_front.h"

namespace flowersec::testing {
namespace {

using ::testing::ElementsAre;
using namespace std::chrono_literals;
using tunnel::most_reads_per_turn;

byte_buffer repeated(byte_view piece, std::size_t times) {
  byte_buffer all;
  for (std::size_t i = 0; i < times; ++i) append(all, piece);
  return all;
}

/// A readiness event in the middle of more input than one turn may take.
void flood(tunnel_world::client& c, byte_buffer input) {
  c.raw().to_tunnel = std::move(input);
  c.raw().reads = 0;
  c.raw().watcher->on_ready({.readable = true, .writable = false});
}

TEST(fairness, an_unattached_connection_reads_a_few_times_per_turn) {
  tunnel_world world;
  auto c = world.connect();
  flood(c, repeated(client_frame(op_pong, pattern(125)), 2000));
  EXPECT_LE(c.raw().reads, static_cast<std::size_t>(most_reads_per_turn));
  EXPECT_FALSE(c.raw().to_tunnel.empty());
  EXPECT_EQ(world.core->next_wakeup(), std::nullopt) << "another turn is due at once";
  world.run();
  EXPECT_TRUE(c.raw().to_tunnel.empty());
}

TEST(fairness, an_unattached_connection_is_answered_64_pings_per_turn) {
  tunnel_world world;
  auto c = world.connect();
  flood(c, repeated(client_frame(op_ping, ""), 65));
  EXPECT_EQ(c.frames().size(), 64u);
  world.run();
  EXPECT_EQ(c.frames().size(), 1u);
}

TEST(fairness, an_attach_behind_a_flood_of_pings_is_still_found) {
  tunnel_world world;
  auto c = world.connect();
  auto bytes = repeated(client_frame(op_ping, ""), 20000);
  append(bytes, client_frame(op_text, world.mint.attach_text("room", 1)));
  append(bytes, client_frame(op_binary, "behind"));
  c.send(bytes);
  auto s = world.attach("room", 2);
  EXPECT_THAT(s.messages(), ElementsAre("behind"));
}

TEST(fairness, an_end_behind_a_flood_of_pings_is_still_found) {
  tunnel_world world;
  auto c = world.connect();
  append(c.raw().to_tunnel, repeated(client_frame(op_ping, ""), 20000));
  c.end();
  EXPECT_EQ(world.attach_count("expected_attach"), 1);
  EXPECT_TRUE(c.closed());
}

TEST(fairness, a_flood_of_pings_does_not_extend_the_time_to_attach) {
  tunnel_world world;
  auto c = world.connect();
  const auto pings = repeated(client_frame(op_ping, pattern(125)), 2000);
  for (int i = 0; i < 1010 && !c.saw_end(); ++i) {
    if (c.raw().to_tunnel.size() < pings.size()) append(c.raw().to_tunnel, pings);
    world.clock.pass(std::chrono::milliseconds{10});
    world.core->set_time(world.clock.mono);
    c.raw().watcher->on_ready({.readable = true, .writable = false});
    world.core->run();
  }
  EXPECT_EQ(world.attach_count("timeout"), 1);
  EXPECT_EQ(c.frames().back().close_reason(), "timeout");
}

TEST(fairness, an_attached_connection_is_answered_the_latest_ping_of_a_batch) {
  for (const bool paired : {false, true}) {
    tunnel_world world;
    auto c = world.attach("room", 1);
    std::optional<tunnel_world::client> peer;
    if (paired) peer = world.attach("room", 2);
    auto pings = repeated(client_frame(op_ping, "old"), 10000);
    append(pings, client_frame(op_ping, "new"));
    c.raw().writes = 0;
    c.send(pings);
    EXPECT_EQ(c.raw().writes, 1u) << paired;
    EXPECT_THAT(c.messages(), ElementsAre("new")) << paired;
  }
}

TEST(fairness, pings_sent_one_by_one_are_answered_one_by_one) {
  tunnel_world world;
  auto c = world.attach("room", 1);
  auto s = world.attach("room", 2);
  for (const auto* ping : {"1", "2", "3"}) c.send(client_frame(op_ping, ping));
  EXPECT_THAT(c.messages(), ElementsAre("1", "2", "3"));
}

TEST(fairness, one_read_full_of_pings_ends_the_turn_of_an_attached_connection) {
  tunnel_world world;
  auto c = world.attach("room", 1);
  auto s = world.attach("room", 2);
  auto input = repeated(client_frame(op_ping, ""), 50000);
  append(input, client_frame(op_binary, "behind"));
  flood(c, std::move(input));
  EXPECT_EQ(c.raw().reads, 1u);
  EXPECT_EQ(world.core->next_wakeup(), std::nullopt) << "another turn is due at once";
  world.run();
  EXPECT_THAT(s.messages(), ElementsAre("behind"));
}

TEST(fairness, a_ping_in_a_batch_that_stalls_is_answered) {
  tunnel_world world;
  auto c = world.attach("room", 1);
  auto s = world.attach("room", 2);
  s.set_room(0);
  auto batch = client_frame(op_binary, "waits");
  append(batch, client_frame(op_ping, "still there"));
  append(batch, client_frame(op_binary, "waits too"));
  c.send(batch);
  EXPECT_THAT(c.messages(), ElementsAre("still there"));
  s.set_room(SIZE_MAX);
  EXPECT_THAT(s.messages(), ElementsAre("waits", "waits too"));
}

/// As many refused connections as may wait for their peers to close.
std::vector<tunnel_world::client> crowd_of_refused(tunnel_world& world) {
  std::vector<tunnel_world::client> crowd;
  for (std::size_t i = 0; i < tunnel::shard::most_departures; ++i) crowd.push_back(world.connect().text("no json"));
  return crowd;
}

TEST(departures, one_more_than_may_wait_is_told_the_reason_and_closed) {
  tunnel_world world;
  const auto crowd = crowd_of_refused(world);
  EXPECT_FALSE(crowd.back().closed());
  auto late = world.connect();
  auto bytes = client_frame(op_text, "no json");
  append(bytes, pattern(1000));
  late.send(bytes);
  const auto frames = late.frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].close_reason(), "invalid_attach");
  EXPECT_TRUE(late.raw().tunnel_finished);
  EXPECT_TRUE(late.closed());
  EXPECT_FALSE(late.raw().closed_with_unread_input);
}

TEST(departures, one_more_that_takes_nothing_is_closed_at_once) {
  tunnel_world world;
  const auto crowd = crowd_of_refused(world);
  auto late = world.connect();
  late.set_room(0);
  late.text("no json");
  EXPECT_TRUE(late.frames().empty());
  EXPECT_TRUE(late.closed());
}

/// A connection that has not been upgraded.
class front : public ::testing::Test {
 protected:
  static tunnel::server_options options() {
    tunnel::server_options o;
    o.origins.allowed = {"https://app.example"};
    return o;
  }
  tunnel_world world;
  tunnel::http_site site = *tunnel::http_site::make(options(), nullptr);
  tunnel_world::client visitor = world.visit([this](auto& home, auto pipe) {
    home.add(std::make_unique<tunnel::http_front>(home, std::move(pipe), site, "192.0.2.1:4711")).open();
  });
  [[nodiscard]] std::size_t answers() {
    const auto bytes = visitor.take_bytes();
    std::size_t count = 0;
    for (auto at = as_text(bytes).find("HTTP/1.1 "); at != std::string_view::npos;
         at = as_text(bytes).find("HTTP/1.1 ", at + 1)) {
      ++count;
    }
    return count;
  }
};

TEST_F(front, answers_16_requests_per_turn) {
  flood(visitor, repeated(as_bytes("GET / HTTP/1.1\r\n\r\n"), 17));
  EXPECT_EQ(answers(), 16u);
  EXPECT_EQ(world.core->next_wakeup(), std::nullopt) << "another turn is due at once";
  world.run();
  EXPECT_EQ(answers(), 1u);
}

TEST_F(front, reads_a_few_times_per_turn) {
  const std::string head = "GET / HTTP/1.1\r\nX: " + std::string(20000, 'x') + "\r\n\r\n";
  flood(visitor, repeated(as_bytes(head), 20));
  EXPECT_LE(visitor.raw().reads, static_cast<std::size_t>(most_reads_per_turn));
  world.run();
  EXPECT_EQ(answers(), 20u);
}

TEST_F(front, every_head_has_five_seconds) {
  const std::string_view head = "GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n";
  visitor.send(as_bytes(head.substr(0, 10)));
  world.pass(4900ms);
  visitor.send(as_bytes(head.substr(10)));
  EXPECT_EQ(answers(), 1u);
  visitor.send(as_bytes(head.substr(0, 10)));
  world.pass(4900ms);
  EXPECT_FALSE(visitor.saw_end());
  visitor.send(as_bytes(head.substr(10, 5)));
  world.pass(200ms);
  EXPECT_TRUE(visitor.saw_end()) << "more bytes are no more time";
  EXPECT_EQ(answers(), 0u);
}

TEST_F(front, upgrades_behind_many_requests) {
  auto bytes = repeated(as_bytes("GET / HTTP/1.1\r\n\r\n"), 1000);
  append(bytes,
         "GET /ws HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nOrigin: https://app.example\r\n\r\n");
  append(bytes, client_frame(op_text, world.mint.attach_text("room", 1)));
  visitor.send(bytes);
  EXPECT_EQ(answers(), 1001u);
  EXPECT_EQ(world.attach_count("ok"), 1);
}

}  // namespace
}  // namespace flowersec::testing
