// One connection that sends without end: its turns stay short, and its time-outs still come.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/tunnel_world.h"
#include "tunnel/http_front.h"

namespace flowersec::testing {
namespace {

using ::testing::ElementsAre;
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
