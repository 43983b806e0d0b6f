// The conformance list of the tunnel over real sockets, plain and TLS, item by item.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tunnel_fixture.h"

namespace flowersec::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class conformance : public ::testing::TestWithParam<bool> {
 protected:
  real_tunnel tunnel{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(over, conformance, ::testing::Values(false, true),
                         [](const auto& row) { return row.param ? "tls" : "plain"; });

TEST_P(conformance, item_01_upgrade_refusals_and_no_extension) {
  tunnel_client foreign{tunnel.address(), tunnel.how()};
  foreign.send_text(
      "GET /ws HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nOrigin: https://evil.example\r\n\r\n");
  EXPECT_THAT(foreign.read_http_head(), HasSubstr("HTTP/1.1 403 "));
  EXPECT_EQ(foreign.read_until("\n"), "Forbidden\n");
  foreign.send_text("GET /ws HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_THAT(foreign.read_http_head(), HasSubstr("HTTP/1.1 400 "));
  EXPECT_EQ(foreign.read_until("\n"), "Bad Request\n");
  foreign.send_text("GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_THAT(foreign.read_http_head(), HasSubstr("HTTP/1.1 200 "));
  EXPECT_EQ(foreign.read_until("ok"), "ok");
  foreign.send_text(
      "GET /ws HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nOrigin: https://app.example\r\n"
      "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
  const auto head = foreign.read_http_head();
  EXPECT_THAT(head, HasSubstr("HTTP/1.1 101 "));
  EXPECT_THAT(head, Not(HasSubstr("Extensions")));
  EXPECT_THAT(head, Not(HasSubstr("Protocol:")));
  EXPECT_EQ(tunnel.metric("flowersec_tunnel_attach_total{reason=\"upgrade_error\",result=\"fail\"}"), 2);
}

TEST_P(conformance, item_02_attach_refusals) {
  auto binary = tunnel.connect();
  binary.binary("{}");
  expect_refusal(binary, 1002, "expected_attach");
  auto json = tunnel.connect();
  json.send(client_frame(op_text, "{}"));
  expect_refusal(json, 1002, "invalid_attach");
  auto other_channel = tunnel.connect();
  other_channel.send(
      client_frame(op_text, token_mint::attach_text("other", 1, tunnel.mint.sign(tunnel.mint.draft("room", 1)))));
  expect_refusal(other_channel, 1008, "channel_mismatch");
  auto other_role = tunnel.connect();
  other_role.send(
      client_frame(op_text, token_mint::attach_text("room", 2, tunnel.mint.sign(tunnel.mint.draft("room", 1)))));
  expect_refusal(other_role, 1008, "role_mismatch");
  auto room = tunnel.attach("room", 1);
  ASSERT_TRUE(tunnel.events->wait_for("attached"));
  auto p = tunnel.mint.draft("room", 2);
  p.init_exp += 1;
  auto mismatch = tunnel.attach(p);
  expect_refusal(mismatch, 1008, "init_exp_mismatch");
  p = tunnel.mint.draft("room", 2);
  p.idle_timeout_seconds += 1;
  auto idle = tunnel.attach(p);
  expect_refusal(idle, 1008, "idle_timeout_mismatch");
}

TEST_P(conformance, item_03_sizes_at_their_limits) {
  auto text = tunnel.mint.attach_text("room", 1);
  text.resize(8192, ' ');
  auto client = tunnel.connect();
  client.send(client_frame(op_text, text));
  ASSERT_TRUE(tunnel.events->wait_for("attached"));
  auto server = tunnel.attach("room", 2);
  ASSERT_TRUE(tunnel.events->wait_for("paired"));
  client.binary(pattern(1048576));
  EXPECT_EQ(server.frame()->payload, pattern(1048576));
  client.send(client_frame_header(op_binary, 1048577));
  expect_refusal(client, 1009, "");
  EXPECT_TRUE(server.ended());

  text += ' ';
  auto longer = tunnel.connect();
  longer.send(client_frame(op_text, text));
  expect_refusal(longer, 1009, "");

  auto full = tunnel.attach("full", 1);
  full.binary(pattern(262144));
  auto peer = tunnel.attach("full", 2);
  EXPECT_EQ(peer.frame()->payload, pattern(262144));
  auto over = tunnel.attach("over", 1);
  over.binary(pattern(262144));
  over.binary("x");
  EXPECT_TRUE(over.ended());
  EXPECT_TRUE(tunnel.events->wait_for("closed pending_overflow"));
}

TEST_P(conformance, item_04_token_boundaries) {
  const auto now = tunnel.mint.now;
  const auto refused = [&](auto change) {
    auto p = tunnel.mint.draft("room", 1);
    change(p);
    auto c = tunnel.attach(p);
    expect_refusal(c, 1008, "invalid_token");
  };
  refused([&](auto& p) { p.exp = p.iat + 121, p.init_exp = p.exp; });
  refused([&](auto& p) { p.iat = now - 100, p.exp = now - 40; });
  refused([&](auto& p) { p.iat = now + 50, p.exp = now + 60; });
  refused([&](auto& p) { p.init_exp = now + 200; });
  refused([&](auto& p) { p.aud = "another"; });
  refused([&](auto& p) { p.iss = "another"; });
  refused([&](auto& p) { p.kid = "another"; });
  auto at_the_limit = tunnel.mint.draft("room", 1);
  at_the_limit.iat = now - 20;
  at_the_limit.exp = now + 100;
  auto c = tunnel.attach(at_the_limit);
  EXPECT_TRUE(tunnel.events->wait_for("attached"));
}

TEST_P(conformance, item_05_early_messages_of_either_role_keep_their_order) {
  for (const int first : {1, 2}) {
    const auto room = "room" + std::to_string(first);
    auto early = tunnel.attach(room, first);
    for (int i = 0; i < 20; ++i) early.binary(std::to_string(i));
    auto late = tunnel.attach(room, 3 - first);
    late.binary("answer");
    for (int i = 0; i < 20; ++i) EXPECT_EQ(late.message(), std::to_string(i));
    EXPECT_EQ(early.message(), "answer");
  }
}

TEST_P(conformance, item_06_replacement_and_its_limit) {
  auto client = tunnel.attach("room", 1);
  auto server = tunnel.attach("room", 2);
  ASSERT_TRUE(tunnel.events->wait_for("paired"));
  std::vector<tunnel_client> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(tunnel.attach("room", 1));
    ASSERT_TRUE(tunnel.events->wait_for("attached", 3 + i));
  }
  EXPECT_TRUE(client.ended());
  EXPECT_TRUE(server.ended());
  auto peer = tunnel.attach("room", 2);
  ASSERT_TRUE(tunnel.events->wait_for("paired", 2));
  auto sixth = tunnel.attach("room", 1);
  expect_refusal(sixth, 1013, "replace_rate_limited");
  clients.back().binary("survives");
  EXPECT_EQ(peer.message(), "survives");
}

TEST_P(conformance, item_07_replay_is_refused) {
  const auto p = tunnel.mint.draft("room", 1);
  auto first = tunnel.attach(p);
  ASSERT_TRUE(tunnel.events->wait_for("attached"));
  auto second = tunnel.attach(p);
  expect_refusal(second, 1008, "token_replay");
}

TEST_P(conformance, item_08_abnormal_end_and_drain) {
  auto client = tunnel.attach("room", 1);
  auto server = tunnel.attach("room", 2);
  ASSERT_TRUE(tunnel.events->wait_for("paired"));
  for (int i = 0; i < 50; ++i) client.binary(pattern(2000));
  client.send(client_close(1000));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(server.frame()->payload.size(), 2000u);
  EXPECT_TRUE(server.ended());
  EXPECT_EQ(client.frame()->close_code(), 1000);
  EXPECT_TRUE(client.ended());
}

TEST_P(conformance, item_08_a_partial_frame_is_delivered_before_the_end) {
  auto client = tunnel.attach("room", 1);
  auto server = tunnel.attach("room", 2);
  ASSERT_TRUE(tunnel.events->wait_for("paired"));
  client.send(client_frame_header(op_binary, 100));
  client.send(masked(pattern(60)));
  client.finish_sending();
  EXPECT_EQ(server.read_to_end().size(), 62u);
  EXPECT_FALSE(server.was_reset());
}

TEST_P(conformance, item_09_idle_by_binary_traffic_only) {
  auto p = tunnel.mint.draft("room", 1);
  p.idle_timeout_seconds = 1;
  auto c = tunnel.connect();
  // In one piece: between two, the second that it may be idle could pass.
  auto attach_and_ping = client_frame(op_text, tunnel.mint.attach_text(p));
  append(attach_and_ping, client_frame(op_ping, "x"));
  c.send(attach_and_ping);
  EXPECT_EQ(c.frame()->op, op_pong);
  EXPECT_TRUE(c.ended());
  EXPECT_TRUE(tunnel.events->wait_for("closed idle_timeout"));
}

TEST_P(conformance, item_10_a_stalled_reader_stops_its_source_and_times_out) {
  tunnel::tunnel_limits limits;
  limits.write_timeout = std::chrono::milliseconds{300};
  real_tunnel strict{GetParam(), limits};
  auto small = strict.how();
  small.receive_buffer_bytes = 4096;
  auto source = strict.attach("room", 1);
  auto reader = tunnel_client::attached(strict.address(), strict.mint.attach_text("room", 2), small);
  ASSERT_TRUE(strict.events->wait_for("paired"));
  try {
    for (;;) source.binary(pattern(100000));
  } catch (const std::runtime_error&) {
    // The tunnel ended the connection: the writer's time was over.
  }
  EXPECT_TRUE(strict.events->wait_for("closed write_error"));
  EXPECT_GE(strict.metric("flowersec_tunnel_close_total{reason=\"write_error\"}"), 1);
}

}  // namespace
}  // namespace flowersec::testing
