// Messages pass whole, in order and unchanged; what cannot pass waits within its bounds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/tunnel_world.h"

namespace flowersec::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct pair_of_clients {
  explicit pair_of_clients(tunnel::tunnel_limits limits = {})
      : world(limits), client(world.attach("room", 1)), server(world.attach("room", 2)) {}
  tunnel_world world;
  tunnel_world::client client;
  tunnel_world::client server;
};

TEST(forwarding, both_directions_pass_messages_unchanged) {
  pair_of_clients p;
  p.client.binary("to the server");
  p.server.binary("to the client");
  const auto frames = p.server.frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].op, op_binary);
  EXPECT_TRUE(frames[0].fin);
  EXPECT_EQ(as_text(frames[0].payload), "to the server");
  EXPECT_THAT(p.client.messages(), ElementsAre("to the client"));
}

TEST(forwarding, sizes_around_every_header_form) {
  pair_of_clients p;
  for (const std::size_t size : {0u, 1u, 125u, 126u, 127u, 65535u, 65536u, 65537u, 131072u, 300000u, 1048576u}) {
    const auto payload = pattern(size);
    p.client.binary(payload);
    const auto frames = p.server.frames();
    ASSERT_EQ(frames.size(), 1u) << size;
    EXPECT_EQ(frames[0].payload, payload) << size;
  }
}

TEST(forwarding, nothing_is_merged_or_split_however_it_arrives) {
  byte_buffer stream;
  std::vector<byte_buffer> sent;
  for (const std::size_t size : {3u, 0u, 200u, 70000u, 1u, 130u, 0u, 0u, 5000u}) {
    sent.push_back(pattern(size, static_cast<unsigned>(sent.size())));
    append(stream, client_frame(op_binary, sent.back(), true, 0xa1b2c3d4u + static_cast<std::uint32_t>(size)));
  }
  for (const std::size_t chunk :
       {std::size_t{1}, std::size_t{7}, std::size_t{4096}, stream.size() - 1, stream.size()}) {
    pair_of_clients p;
    for (std::size_t at = 0; at < stream.size(); at += chunk) {
      p.client.send(byte_view{stream}.subspan(at, std::min(chunk, stream.size() - at)));
    }
    const auto frames = p.server.frames();
    ASSERT_EQ(frames.size(), sent.size()) << chunk;
    for (std::size_t i = 0; i < sent.size(); ++i) EXPECT_EQ(frames[i].payload, sent[i]) << chunk;
  }
}

TEST(forwarding, a_frame_passes_through_before_it_is_whole) {
  pair_of_clients p;
  p.client.send(client_frame_header(op_binary, 1000));
  EXPECT_EQ(p.server.raw().from_tunnel.size(), 4u);
  p.client.send(masked(pattern(400)));
  EXPECT_EQ(p.server.raw().from_tunnel.size(), 404u);
  p.client.send(masked(byte_view{pattern(1000)}.subspan(400), 400));
  const auto frames = p.server.frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].payload, pattern(1000));
}

TEST(forwarding, a_fragmented_message_leaves_as_one_frame) {
  pair_of_clients p;
  p.client.send(client_frame(op_binary, "one ", false));
  p.client.send(client_frame(op_ping, "between"));
  p.client.send(client_frame(op_continuation, "two ", false));
  EXPECT_THAT(p.server.frames(), IsEmpty());
  p.client.send(client_frame(op_continuation, "three"));
  p.client.binary("next");
  EXPECT_THAT(p.server.messages(), ElementsAre("one two three", "next"));
  EXPECT_THAT(p.client.messages(), ElementsAre("between"));
}

TEST(forwarding, a_fragmented_message_of_the_limit_passes_and_one_more_byte_does_not) {
  pair_of_clients p;
  const auto payload = pattern(1048576);
  p.client.send(client_frame(op_binary, byte_view{payload}.first(600000), false));
  p.client.send(client_frame(op_continuation, byte_view{payload}.subspan(600000)));
  const auto frames = p.server.frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].payload, payload);
  p.client.send(client_frame(op_binary, byte_view{payload}.first(600000), false));
  p.client.send(client_frame_header(op_continuation, 448577));
  const auto farewell = p.client.frames();
  ASSERT_EQ(farewell.size(), 1u);
  EXPECT_EQ(farewell[0].close_code(), 1009);
  EXPECT_TRUE(p.server.saw_end());
}

TEST(forwarding, pings_are_answered_and_not_forwarded) {
  pair_of_clients p;
  p.client.send(client_frame(op_ping, "are you there"));
  p.client.send(client_frame(op_pong, "unasked"));
  const auto frames = p.client.frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].op, op_pong);
  EXPECT_EQ(as_text(frames[0].payload), "are you there");
  EXPECT_THAT(p.server.frames(), IsEmpty());
}

TEST(forwarding, a_pong_waits_for_the_end_of_a_frame_and_only_the_latest_is_sent) {
  pair_of_clients p;
  p.server.send(client_frame_header(op_binary, 10));
  p.server.send(masked(as_bytes("01234")));
  p.client.send(client_frame(op_ping, "old"));
  p.client.send(client_frame(op_ping, "new"));
  p.server.send(masked(as_bytes("56789"), 5));
  EXPECT_THAT(p.client.messages(), ElementsAre("0123456789", "new"));
}

TEST(forwarding, a_pong_finds_its_place_between_the_frames_of_a_flood) {
  pair_of_clients p;
  p.client.set_room(50);
  for (int i = 0; i < 10; ++i) p.server.binary(pattern(100));
  p.client.send(client_frame(op_ping, "!"));
  p.client.set_room(SIZE_MAX);
  const auto frames = p.client.frames();
  ASSERT_EQ(frames.size(), 11u);
  EXPECT_EQ(frames[1].op, op_pong);
}

TEST(forwarding, nothing_is_put_in_front_of_what_a_link_has_begun_to_send) {
  pair_of_clients p;
  p.client.raw().commits = true;
  p.client.set_room(0);
  for (int i = 0; i < 10; ++i) p.server.binary(pattern(100));
  p.client.send(client_frame(op_ping, "one"));
  byte_buffer got;
  for (int i = 0; i < 1200; ++i) {
    p.client.set_room(1);
    append(got, p.client.take_bytes());
    if (i == 300) p.client.send(client_frame(op_ping, "two"));
  }
  EXPECT_FALSE(p.client.raw().commitment_broken);
  const auto frames = take_server_frames(got);
  EXPECT_TRUE(got.empty());
  ASSERT_EQ(frames.size(), 12u);
  EXPECT_EQ(std::count_if(frames.begin(), frames.end(), [](const auto& f) { return f.op == op_pong; }), 2);
}

TEST(forwarding, either_role_may_come_first_and_its_early_messages_keep_their_order) {
  for (const int first : {1, 2}) {
    tunnel_world world;
    auto early = world.attach("room", first);
    for (int i = 0; i < 5; ++i) early.binary("early " + std::to_string(i));
    auto late = world.attach("room", 3 - first);
    early.binary("live");
    EXPECT_THAT(late.messages(), ElementsAre("early 0", "early 1", "early 2", "early 3", "early 4", "live"));
  }
}

TEST(forwarding, a_frame_begun_before_the_pairing_ends_after_it) {
  tunnel_world world;
  auto early = world.attach("room", 1);
  early.send(client_frame_header(op_binary, 6));
  early.send(masked(as_bytes("abc")));
  auto late = world.attach("room", 2);
  early.send(masked(as_bytes("def"), 3));
  EXPECT_THAT(late.messages(), ElementsAre("abcdef"));
}

TEST(forwarding, pending_of_the_limit_is_kept_and_one_more_byte_ends_the_channel) {
  for (const std::size_t extra : {0u, 1u}) {
    tunnel_world world;
    auto early = world.attach("room", 1);
    early.binary(pattern(200000));
    early.binary(pattern(62144 + extra));
    EXPECT_EQ(early.saw_end(), extra == 1);
    EXPECT_EQ(world.closed_count("pending_overflow"), extra);
    EXPECT_EQ(world.closed_count("peer_closed"), 0);
    auto late = world.attach("room", 2);
    EXPECT_EQ(late.frames().size(), extra == 1 ? 0u : 2u);
  }
}

TEST(forwarding, a_single_message_above_the_pending_limit_overflows) {
  tunnel_world world;
  auto early = world.attach("room", 1);
  early.binary(pattern(262145));
  EXPECT_TRUE(early.saw_end());
  EXPECT_EQ(world.closed_count("pending_overflow"), 1);
}

TEST(forwarding, pending_messages_are_counted_too) {
  tunnel::tunnel_limits limits;
  limits.max_pending_frames = 3;
  tunnel_world world{limits};
  auto early = world.attach("room", 1);
  for (int i = 0; i < 3; ++i) early.binary("");
  EXPECT_FALSE(early.saw_end());
  early.binary("");
  EXPECT_TRUE(early.saw_end());
  EXPECT_EQ(world.closed_count("pending_overflow"), 1);
}

TEST(forwarding, a_batch_of_more_tiny_messages_than_may_be_held_passes_in_portions) {
  tunnel::tunnel_limits limits;
  limits.max_pending_frames = 4;
  pair_of_clients p{limits};
  byte_buffer batch;
  for (int i = 0; i < 10; ++i) append(batch, client_frame(op_binary, std::to_string(i)));
  p.client.send(batch);
  EXPECT_EQ(p.server.frames().size(), 10u);
  EXPECT_FALSE(p.client.saw_end());
}

TEST(forwarding, a_stalled_reader_stops_its_source_and_nothing_is_lost) {
  pair_of_clients p;
  p.server.set_room(1000);
  std::vector<byte_buffer> sent;
  for (unsigned i = 0; i < 40; ++i) {
    sent.push_back(pattern(20000, i));
    p.client.binary(sent.back());
  }
  // One block was read and no more: the rest stays with the source.
  EXPECT_GT(p.client.raw().to_tunnel.size(), 600000u);
  EXPECT_EQ(p.world.shared->stalled_blocks.taken(), 1u);
  p.server.set_room(SIZE_MAX);
  const auto frames = p.server.frames();
  ASSERT_EQ(frames.size(), sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) EXPECT_EQ(frames[i].payload, sent[i]);
  EXPECT_EQ(p.world.shared->stalled_blocks.taken(), 0u);
  EXPECT_EQ(p.world.shared->total_bytes.held(), 0u);
}

TEST(forwarding, a_reader_that_takes_one_byte_at_a_time_gets_everything) {
  pair_of_clients p;
  p.server.set_room(0);
  p.client.binary(pattern(300)).binary(pattern(0)).binary(pattern(5));
  p.client.send(client_frame(op_binary, "frag", false));
  p.client.send(client_frame(op_continuation, "ment"));
  byte_buffer got;
  for (int i = 0; i < 1000 && got.size() < 304 + 2 + 7 + 10; ++i) {
    p.server.set_room(1);
    append(got, p.server.take_bytes());
  }
  const auto frames = take_server_frames(got);
  ASSERT_EQ(frames.size(), 4u);
  EXPECT_EQ(frames[0].payload, pattern(300));
  EXPECT_EQ(frames[2].payload, pattern(5));
  EXPECT_EQ(as_text(frames[3].payload), "fragment");
  EXPECT_EQ(p.world.shared->total_bytes.held(), 0u);
}

TEST(forwarding, the_other_direction_flows_while_one_is_stalled) {
  pair_of_clients p;
  p.server.set_room(0);
  p.client.binary("stuck");
  p.server.binary("flows");
  EXPECT_THAT(p.client.messages(), ElementsAre("flows"));
}

TEST(forwarding, a_busy_source_gives_way_after_a_few_reads) {
  pair_of_clients p;
  auto& from = p.client.raw();
  for (int i = 0; i < 10; ++i) append(from.to_tunnel, client_frame(op_binary, pattern(131072)));
  from.reads = 0;
  from.watcher->on_ready({.readable = true, .writable = false});
  EXPECT_EQ(from.reads, 4u);
  EXPECT_FALSE(p.world.core->next_wakeup().has_value());
  p.world.run();
  EXPECT_EQ(p.server.frames().size(), 10u);
}

TEST(forwarding, records_are_recognised_however_they_arrive) {
  struct row {
    const char* name;
    byte_buffer message;
    bool seen;
  };
  auto other_version = record_shaped(20);
  other_version[4] = std::byte{2};
  auto wrong_length = record_shaped(20);
  wrong_length.push_back(std::byte{0});
  auto handshake = record_shaped(20);
  handshake[3] = std::byte{'H'};
  auto flags_and_sequence = record_shaped(20);
  for (std::size_t i = 5; i < 14; ++i) flags_and_sequence[i] = std::byte{0xff};
  for (const auto& r : {row{"record", record_shaped(20), true}, row{"empty record", record_shaped(0), true},
                        row{"any flags", flags_and_sequence, true}, row{"version 2", other_version, false},
                        row{"length off by one", wrong_length, false}, row{"handshake", handshake, false},
                        row{"too short", to_buffer(byte_view{record_shaped(0)}.first(17)), false}}) {
    for (const bool in_pieces : {false, true}) {
      for (const bool before_pairing : {false, true}) {
        tunnel_world world;
        auto c = world.attach("room", 1);
        auto bytes = client_frame(op_binary, r.message);
        const auto send = [&] {
          const auto step = in_pieces ? 1 : bytes.size();
          for (std::size_t at = 0; at < bytes.size(); at += step) c.send(byte_view{bytes}.subspan(at, step));
        };
        if (before_pairing) send();
        EXPECT_EQ(world.metric("flowersec_tunnel_encrypted_total"), 0) << r.name;
        auto s = world.attach("room", 2);
        if (!before_pairing) send();
        EXPECT_EQ(world.metric("flowersec_tunnel_encrypted_total"), r.seen ? 1 : 0) << r.name;
        s.binary(record_shaped(1));
        c.binary(record_shaped(1));
        EXPECT_EQ(world.metric("flowersec_tunnel_encrypted_total"), 1) << r.name;
      }
    }
  }
}

TEST(forwarding, a_fragmented_record_counts_as_one) {
  pair_of_clients p;
  const auto record = record_shaped(30);
  p.client.send(client_frame(op_binary, byte_view{record}.first(10), false));
  p.client.send(client_frame(op_continuation, byte_view{record}.subspan(10)));
  EXPECT_EQ(p.world.metric("flowersec_tunnel_encrypted_total"), 1);
}

}  // namespace
}  // namespace flowersec::testing
