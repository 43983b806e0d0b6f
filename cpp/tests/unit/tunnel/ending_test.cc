// How channels end, and what each side sees and the counters say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/tunnel_world.h"

namespace flowersec::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct ending : ::testing::Test {
  tunnel_world world;
  tunnel_world::client client = world.attach("room", 1);
  tunnel_world::client server = world.attach("room", 2);
};

TEST_F(ending, disconnect_ends_both_and_counts_both) {
  client.binary("last words");
  client.end();
  EXPECT_THAT(server.messages(), ElementsAre("last words"));
  EXPECT_TRUE(server.saw_end());
  EXPECT_EQ(world.closed_count("peer_closed"), 2);
  EXPECT_EQ(world.core->channel_count(), 0u);
  EXPECT_EQ(world.shared->connections.value(), 0u);
}

TEST_F(ending, the_peer_sees_no_close_frame) {
  client.send(client_close(1000, "done"));
  EXPECT_THAT(server.frames(), IsEmpty());
  EXPECT_TRUE(server.saw_end());
}

TEST_F(ending, close_frame_is_echoed_with_its_code_alone) {
  client.send(client_close(4321, "a reason"));
  const auto frames = client.frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].op, op_close);
  EXPECT_EQ(frames[0].close_code(), 4321);
  EXPECT_EQ(frames[0].payload.size(), 2u);
  EXPECT_TRUE(client.saw_end());
  EXPECT_EQ(world.closed_count("peer_closed"), 2);
}

TEST_F(ending, empty_close_frame_is_echoed_empty) {
  client.send(client_frame(op_close, ""));
  const auto frames = client.frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_TRUE(frames[0].payload.empty());
}

TEST_F(ending, fifty_messages_then_a_close_all_arrive) {
  byte_buffer batch;
  for (int i = 0; i < 50; ++i) append(batch, client_frame(op_binary, pattern(1000)));
  append(batch, client_close(1000));
  client.send(batch);
  EXPECT_EQ(server.frames().size(), 50u);
  EXPECT_TRUE(server.saw_end());
}

/// Messages, and what lies between them without being one.
struct mixed_input {
  byte_buffer bytes;
  std::vector<std::string> messages;

  void add(const std::string& text) {
    append(bytes, client_frame(op_binary, std::string_view{text}));
    messages.push_back(text);
  }
  void add_in_fragments(const std::string& text) {
    append(bytes, client_frame(op_binary, std::string_view{text}.substr(0, 5), false));
    append(bytes, client_frame(op_continuation, std::string_view{text}.substr(5)));
    messages.push_back(text);
  }
  void ping() { append(bytes, client_frame(op_ping, "here")); }
};

mixed_input messages_behind_pings_and_fragments(int rounds) {
  mixed_input all;
  for (int i = 0; i < rounds; ++i) {
    const auto tail = std::to_string(i) + std::string(500, '.');
    all.add("first " + tail);
    all.ping();
    all.add("behind a ping " + tail);
    all.add_in_fragments("in fragments " + tail);
    all.add("behind fragments " + tail);
  }
  return all;
}

TEST(ending_behind_control_frames, what_came_with_the_end_reaches_the_peer) {
  for (const bool with_bytes : {false, true}) {
    for (const bool with_close : {false, true}) {
      tunnel_world world;
      auto client = world.attach("room", 1);
      auto server = world.attach("room", 2);
      auto all = messages_behind_pings_and_fragments(10);
      if (with_close) append(all.bytes, client_close(4321));
      client.raw().ends_with_bytes = with_bytes;
      client.raw().to_tunnel = all.bytes;
      client.end();
      EXPECT_EQ(server.messages(), all.messages);
      EXPECT_TRUE(server.saw_end());
      const auto heard = client.frames();
      EXPECT_EQ(!heard.empty() && heard.back().op == op_close && heard.back().close_code() == 4321, with_close);
      EXPECT_EQ(world.closed_count("peer_closed"), 2);
    }
  }
}

TEST(ending_behind_control_frames, what_came_reaches_a_slow_peer_before_the_end) {
  for (const bool with_bytes : {false, true}) {
    tunnel_world world;
    auto client = world.attach("room", 1);
    auto server = world.attach("room", 2);
    const auto all = messages_behind_pings_and_fragments(10);
    client.raw().ends_with_bytes = with_bytes;
    server.set_room(10);
    client.raw().to_tunnel = all.bytes;
    client.end();
    world.pass(milliseconds{9000});
    EXPECT_FALSE(server.saw_end());
    server.set_room(SIZE_MAX);
    EXPECT_EQ(server.messages(), all.messages);
    EXPECT_TRUE(server.saw_end());
    EXPECT_EQ(world.closed_count("peer_closed"), 2);
  }
}

TEST(ending_behind_control_frames, a_peer_that_takes_nothing_is_waited_for_no_longer_than_the_write_timeout) {
  for (const bool with_bytes : {false, true}) {
    tunnel_world world;
    auto client = world.attach("room", 1);
    auto server = world.attach("room", 2);
    client.raw().ends_with_bytes = with_bytes;
    server.set_room(10);
    client.raw().to_tunnel = messages_behind_pings_and_fragments(10).bytes;
    client.end();
    world.pass(milliseconds{10100});
    EXPECT_TRUE(server.saw_end());
    EXPECT_TRUE(client.saw_end());
  }
}

TEST_F(ending, what_was_read_reaches_a_slow_peer_before_its_end) {
  server.set_room(10);
  client.binary(pattern(5000));
  client.end();
  EXPECT_FALSE(server.saw_end());
  world.pass(milliseconds{9000});
  EXPECT_FALSE(server.saw_end());
  server.set_room(SIZE_MAX);
  EXPECT_EQ(server.frames().size(), 1u);
  EXPECT_TRUE(server.saw_end());
}

TEST_F(ending, a_drain_takes_no_longer_than_the_write_timeout) {
  server.set_room(10);
  client.binary(pattern(5000));
  client.end();
  world.pass(milliseconds{10100});
  EXPECT_TRUE(server.saw_end());
  EXPECT_EQ(world.core->channel_count(), 0u);
  EXPECT_EQ(world.shared->total_bytes.held(), 0u);
}

TEST(ending_without_write_timeout, a_drain_takes_a_tenth_of_a_second) {
  tunnel::tunnel_limits limits;
  limits.write_timeout.reset();
  tunnel_world world{limits};
  auto client = world.attach("room", 1);
  auto server = world.attach("room", 2);
  server.set_room(0);
  client.binary("stuck");
  world.pass(milliseconds{30000});
  EXPECT_FALSE(server.saw_end());
  client.end();
  world.pass(milliseconds{50});
  EXPECT_FALSE(server.saw_end());
  world.pass(milliseconds{100});
  EXPECT_TRUE(server.saw_end());
}

TEST_F(ending, a_source_that_dies_inside_a_frame_delivers_the_part) {
  client.send(client_frame_header(op_binary, 100));
  client.send(masked(pattern(60)));
  client.end();
  EXPECT_EQ(server.take_bytes().size(), 62u);
  EXPECT_TRUE(server.saw_end());
}

TEST_F(ending, unread_input_is_drained_before_a_connection_closes) {
  client.end();
  server.binary("too late").binary(pattern(500000));
  server.end();
  EXPECT_TRUE(server.closed());
  EXPECT_FALSE(server.raw().closed_with_unread_input);
}

TEST(interop_traps, trap_18_text_after_attach_kills_the_channel) {
  tunnel_world world;
  auto client = world.attach("room", 1);
  auto server = world.attach("room", 2);
  client.binary("before").text("hello");
  EXPECT_THAT(server.messages(), ElementsAre("before"));
  EXPECT_THAT(client.frames(), IsEmpty());
  EXPECT_TRUE(client.saw_end());
  EXPECT_TRUE(server.saw_end());
  EXPECT_EQ(world.closed_count("non_binary_frame"), 1);
  EXPECT_EQ(world.closed_count("peer_closed"), 1);
}

TEST_F(ending, one_byte_over_the_message_limit_is_1009_at_the_header) {
  client.send(client_frame_header(op_binary, 1048577));
  const auto frames = client.frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].close_code(), 1009);
  EXPECT_EQ(frames[0].close_reason(), "");
  EXPECT_TRUE(server.saw_end());
  EXPECT_EQ(world.closed_count("peer_closed"), 2);
}

TEST_F(ending, over_long_text_is_over_long_first) {
  client.send(client_frame_header(op_text, 1048577));
  const auto frames = client.frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].close_code(), 1009);
}

struct framing_row {
  const char* name;
  byte_buffer bytes;
};

TEST(ending_by_framing, every_violation_is_1002_and_leaves_other_channels_alone) {
  auto fragments = client_frame(op_binary, "a", false);
  append(fragments, client_frame(op_binary, "b"));
  const framing_row rows[] = {
      {"unmasked", to_buffer(as_bytes("\x82\x01x"))},
      {"reserved bit",
       [] {
         auto bytes = client_frame(op_binary, "x");
         bytes[0] |= std::byte{0x40};
         return bytes;
       }()},
      {"unknown opcode", client_frame(3, "x")},
      {"continuation of nothing", client_frame(op_continuation, "x")},
      {"new message inside fragments", fragments},
      {"fragmented ping", client_frame(op_ping, "x", false)},
      {"ping of 126 bytes", client_frame(op_ping, pattern(126))},
      {"close with one byte", client_frame(op_close, "x")},
      {"close code 1005", client_close(1005)},
      {"close reason not UTF-8", client_close(1000, "\xff")},
  };
  for (const auto& row : rows) {
    tunnel_world world;
    auto a1 = world.attach("a", 1);
    auto a2 = world.attach("a", 2);
    auto b1 = world.attach("b", 1);
    auto b2 = world.attach("b", 2);
    a1.binary("before");
    a1.send(row.bytes);
    EXPECT_THAT(a2.messages(), ElementsAre("before")) << row.name;
    const auto frames = a1.frames();
    ASSERT_EQ(frames.size(), 1u) << row.name;
    EXPECT_EQ(frames[0].close_code(), 1002) << row.name;
    EXPECT_TRUE(a2.saw_end()) << row.name;
    EXPECT_EQ(world.closed_count("peer_closed"), 2) << row.name;
    b1.binary("well");
    EXPECT_THAT(b2.messages(), ElementsAre("well")) << row.name;
  }
}

TEST_F(ending, an_echo_waits_for_the_end_of_the_frame_it_would_cut) {
  server.send(client_frame_header(op_binary, 6));
  server.send(masked(as_bytes("abc")));
  client.send(client_close(1000));
  EXPECT_FALSE(client.saw_end());
  server.send(masked(as_bytes("def"), 3));
  const auto frames = client.frames();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(as_text(frames[0].payload), "abcdef");
  EXPECT_EQ(frames[1].op, op_close);
  EXPECT_TRUE(client.saw_end());
}

TEST_F(ending, an_echo_waits_two_seconds_and_is_then_dropped) {
  server.send(client_frame_header(op_binary, 6));
  server.send(masked(as_bytes("abc")));
  client.send(client_close(1000));
  world.pass(milliseconds{1950});
  EXPECT_FALSE(client.saw_end());
  world.pass(milliseconds{100});
  EXPECT_TRUE(client.saw_end());
  EXPECT_EQ(client.take_bytes().size(), 5u);
}

TEST_F(ending, data_for_the_side_that_said_goodbye_is_discarded) {
  server.set_room(0);
  auto bytes = client_frame(op_binary, "still going");
  append(bytes, client_close(1000));
  client.send(bytes);
  server.binary("nobody reads this");
  const auto frames = client.frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].op, op_close);
  server.set_room(SIZE_MAX);
  EXPECT_THAT(server.messages(), ElementsAre("still going"));
  EXPECT_TRUE(server.saw_end());
}

TEST_F(ending, a_stuck_reader_ends_the_channel_after_the_write_timeout) {
  server.set_room(0);
  for (int i = 0; i < 20; ++i) client.binary(pattern(20000));
  world.pass(milliseconds{9950});
  EXPECT_FALSE(client.saw_end());
  world.pass(milliseconds{100});
  EXPECT_TRUE(client.saw_end());
  EXPECT_TRUE(server.saw_end());
  // The writer, and the source that was waiting for it.
  EXPECT_EQ(world.closed_count("write_error"), 2);
  EXPECT_EQ(world.closed_count("peer_closed"), 1);
}

TEST(ending_with_the_longest_write_timeout, a_stuck_reader_is_waited_for) {
  tunnel::tunnel_limits limits;
  limits.write_timeout = milliseconds::max();
  tunnel_world world{limits};
  auto client = world.attach("room", 1);
  auto server = world.attach("room", 2);
  server.set_room(0);
  client.binary("patience");
  world.pass(milliseconds{20000});
  EXPECT_EQ(world.core->channel_count(), 1u);
  server.set_room(SIZE_MAX);
  EXPECT_THAT(server.messages(), ElementsAre("patience"));
}

TEST_F(ending, the_write_timeout_is_of_one_frame_not_of_many) {
  server.set_room(0);
  byte_buffer batch;
  for (int i = 0; i < 5; ++i) append(batch, client_frame(op_binary, pattern(96)));
  client.send(batch);
  for (int i = 0; i < 5; ++i) {
    world.pass(milliseconds{6000});
    EXPECT_FALSE(client.saw_end()) << i;
    server.set_room(98);
  }
  EXPECT_EQ(server.frames().size(), 5u);
}

TEST_F(ending, trickling_does_not_prolong_the_time_of_a_frame) {
  server.set_room(0);
  client.binary(pattern(1000));
  for (int i = 0; i < 11 && !client.saw_end(); ++i) {
    world.pass(milliseconds{1000});
    server.set_room(10);
  }
  EXPECT_TRUE(client.saw_end());
}

TEST_F(ending, waiting_for_the_source_is_not_waiting_for_the_destination) {
  client.send(client_frame_header(op_binary, 100));
  world.pass(milliseconds{30000});
  EXPECT_FALSE(client.saw_end());
  server.set_room(0);
  client.send(masked(pattern(50)));
  world.pass(milliseconds{6000});
  server.set_room(SIZE_MAX);
  world.pass(milliseconds{20000});
  EXPECT_FALSE(client.saw_end());
  // The second stall of the same frame has what is left of its ten seconds.
  server.set_room(0);
  client.send(masked(byte_view{pattern(100)}.subspan(50), 50));
  world.pass(milliseconds{3900});
  EXPECT_FALSE(client.saw_end());
  world.pass(milliseconds{200});
  EXPECT_TRUE(client.saw_end());
}

TEST_F(ending, a_source_that_leaves_while_stalled_is_noticed_at_once) {
  server.set_room(0);
  client.binary("stuck");
  client.end();
  EXPECT_EQ(world.closed_count("peer_closed"), 1);
  server.set_room(SIZE_MAX);
  EXPECT_THAT(server.messages(), ElementsAre("stuck"));
  EXPECT_TRUE(server.saw_end());
  EXPECT_EQ(world.closed_count("peer_closed"), 2);
}

TEST_F(ending, a_reset_destination_is_a_write_error) {
  server.raw().client_reset = true;
  client.binary("into the void");
  EXPECT_TRUE(client.saw_end());
  EXPECT_EQ(world.closed_count("write_error"), 1);
  EXPECT_EQ(world.closed_count("peer_closed"), 2);
}

TEST_F(ending, shutdown_drops_everybody_without_a_close_frame) {
  auto waiting = world.connect();
  world.core->shut_down();
  EXPECT_THAT(client.frames(), IsEmpty());
  EXPECT_THAT(waiting.frames(), IsEmpty());
  EXPECT_TRUE(client.closed());
  EXPECT_TRUE(server.closed());
  EXPECT_TRUE(waiting.closed());
  EXPECT_EQ(world.shared->connections.value(), 0u);
  EXPECT_EQ(world.shared->channels.value(), 0u);
}

TEST(ending_unpaired, disconnect_of_a_waiting_endpoint_counts_once) {
  tunnel_world world;
  auto c = world.attach("room", 1);
  c.binary("kept for nobody");
  c.end();
  EXPECT_EQ(world.closed_count("peer_closed"), 1);
  EXPECT_EQ(world.shared->total_bytes.held(), 0u);
  auto late = world.attach("room", 2);
  EXPECT_THAT(late.frames(), IsEmpty());
  EXPECT_FALSE(late.saw_end());
}

struct recorder final : tunnel::observer {
  void on_attached(const tunnel::channel_name& channel, tunnel::endpoint_role role) override {
    lines.push_back("attached " + std::string{channel.channel_id} +
                    (role == tunnel::endpoint_role::client ? " c" : " s"));
  }
  void on_attach_refused(tunnel::attach_reason reason, const tunnel::refused_peer&) override {
    lines.push_back("refused " + std::string{to_text(reason)});
  }
  void on_paired(const tunnel::channel_name& channel, std::chrono::nanoseconds) override {
    lines.push_back("paired " + std::string{channel.channel_id});
  }
  void on_closed(const tunnel::channel_name& channel, tunnel::close_reason reason,
                 const tunnel::channel_bytes& bytes) override {
    lines.push_back("closed " + std::string{channel.channel_id} + ' ' + std::string{to_text(reason)} + ' ' +
                    std::to_string(bytes.to_client) + ' ' + std::to_string(bytes.to_server));
  }
  std::vector<std::string> lines;
};

TEST(observing, a_channel_is_told_from_attach_to_close_with_its_bytes) {
  auto seen = std::make_shared<recorder>();
  tunnel_world world{{}, nullptr, seen};
  auto c = world.attach("room", 1);
  c.binary("1234");
  auto s = world.attach("room", 2);
  s.binary("12").binary(pattern(70000));
  c.send(client_frame(op_binary, "56", false)).send(client_frame(op_continuation, "789"));
  s.set_room(0);
  c.binary("never written");
  auto refused = world.connect();
  refused.text("{}");
  s.text("bye");
  EXPECT_THAT(seen->lines, ElementsAre("attached room c", "attached room s", "paired room", "refused invalid_attach",
                                       "closed room non_binary_frame 70002 9"));
}

}  // namespace
}  // namespace flowersec::testing
