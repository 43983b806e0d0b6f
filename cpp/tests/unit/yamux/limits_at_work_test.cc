// Each limit at its edge and one past it: what ends, and what the peer is told.
#include <gtest/gtest.h>

#include "fixture.h"

namespace flowersec::yamux {
namespace {

using wire::ack_of;
using wire::data_of;
using wire::open_of;
using wire::reset_of;

std::vector<frame> acks(std::uint32_t first, std::uint32_t count) {
  std::vector<frame> frames;
  for (std::uint32_t i = 0; i < count; ++i) frames.push_back(ack_of(first + 2 * i));
  return frames;
}

TEST(yamux_limits_at_work, one_inbound_stream_too_many_is_refused_and_the_session_lives) {
  fixture server{role::server};
  for (std::uint32_t i = 0; i < 32; ++i) server.peer(open_of(1 + 2 * i));
  server.expect_frames(acks(1, 32)).expect_alive();
  EXPECT_EQ(drain_events(server.machine()).size(), 32U);
  server.peer(open_of(65)).expect_sent(reset_of(65)).expect_events({"refused 1: inbound 32"}).expect_alive();
  EXPECT_EQ(server.machine().active_streams(), 32U);
}

TEST(yamux_limits_at_work, the_data_of_a_refused_stream_is_discarded) {
  fixture server{session_options{.is = role::server, .limits = {.max_active_streams = 1, .max_inbound_streams = 1}}};
  (void)server.accepted(1);
  server.peer(data_of(3, pattern(5000), wire::syn), data_of(3, pattern(100)), data_of(1, pattern(3)))
      .expect_sent(reset_of(3))
      .expect_events({"readable 1", "refused 1: inbound 1"})
      .expect_alive();
  EXPECT_EQ(server.machine().unread_bytes(), 3U);
}

TEST(yamux_limits_at_work, inbound_streams_count_against_the_active_limit) {
  fixture server{session_options{.is = role::server, .limits = {.max_active_streams = 3, .max_inbound_streams = 3}}};
  (void)server.opened();
  (void)server.opened();
  server.peer(open_of(1)).expect_sent(ack_of(1)).expect_events({"opened 1"});
  server.peer(open_of(3)).expect_sent(reset_of(3)).expect_events({"refused 1: active 3"}).expect_alive();
}

TEST(yamux_limits_at_work, one_local_stream_too_many_is_refused_locally) {
  fixture client{role::client};
  for (int i = 0; i < 64; ++i) (void)client.opened();
  EXPECT_EQ(client.machine().open().error(), yamux_errc::resource_exhausted);
  client.expect_sent_nothing().expect_alive();
  client.peer(reset_of(5));
  EXPECT_EQ(*client.machine().open(), stream_id{129}) << "a refused open uses no id";
}

TEST(yamux_limits_at_work, a_stream_reset_here_counts_until_the_peer_is_told) {
  fixture server{session_options{.is = role::server, .limits = {.max_active_streams = 1, .max_inbound_streams = 1}}};
  const auto id = server.accepted(1);
  server.machine().reset(id);
  EXPECT_EQ(server.machine().active_streams(), 1U);
  server.peer(open_of(3)).expect_sent(reset_of(3), reset_of(1));
  EXPECT_EQ(server.machine().active_streams(), 0U);
  server.peer(open_of(5)).expect_sent(ack_of(5));
}

TEST(yamux_limits_at_work, a_slot_is_free_again_when_a_stream_ends) {
  fixture server{session_options{.is = role::server, .limits = {.max_active_streams = 1, .max_inbound_streams = 1}}};
  for (std::uint32_t id = 1; id < 21; id += 2) {
    server.peer(open_of(id)).expect_sent(ack_of(id));
    ASSERT_TRUE(server.machine().close_write(stream_id{id}).has_value());
    server.peer(wire::close_of(id)).expect_sent(wire::close_of(id));
    server.forget();
    EXPECT_EQ(server.machine().active_streams(), 0U);
  }
}

TEST(yamux_limits_at_work, a_frame_of_the_limit_is_taken_and_one_byte_more_ends_the_session) {
  const yamux_limits limits{.max_frame_bytes = 2048, .preferred_outbound_frame_bytes = 2048};
  fixture server{role::server, limits};
  const auto id = server.accepted(1);
  server.peer(data_of(1, pattern(2048))).expect_alive();
  EXPECT_EQ(server.read(id, 4096)->size(), 2048U);
  const auto over = wire::bytes_of(data_of(1, pattern(2049)));
  server.peer_bytes(byte_view{over}.first(header_bytes)).expect_ended(yamux_errc::frame_too_large);
}

TEST(yamux_limits_at_work, an_oversized_frame_for_nobody_ends_the_session_too) {
  fixture server{role::server};
  server.peer(frame{.kind = wire::data, .id = 99, .length = 262145}).expect_ended(yamux_errc::frame_too_large);
}

TEST(yamux_limits_at_work, session_memory_at_its_limit_lives_and_one_byte_more_ends_it) {
  const yamux_limits limits{.max_session_receive_bytes = 262144};
  fixture server{role::server, limits};
  (void)server.accepted(1);
  (void)server.accepted(3);
  server.peer(data_of(1, pattern(200000)), data_of(3, pattern(62144))).expect_alive();
  EXPECT_EQ(server.machine().unread_bytes(), 262144U);
  server.peer(data_of(3, pattern(1))).expect_ended(yamux_errc::session_memory_exceeded);
}

TEST(yamux_limits_at_work, bytes_for_a_waiting_read_need_no_session_memory) {
  const yamux_limits limits{.max_session_receive_bytes = 262144};
  fixture server{role::server, limits};
  (void)server.accepted(1);
  const auto reading = server.accepted(3);
  byte_buffer into(1000);
  ASSERT_EQ(*server.machine().read(reading, into), std::nullopt);
  server.peer(data_of(1, pattern(262144)), data_of(3, pattern(1000))).expect_alive();
}

TEST(yamux_limits_at_work, reading_gives_session_memory_back) {
  const yamux_limits limits{.max_session_receive_bytes = 262144};
  fixture server{role::server, limits};
  const auto id = server.accepted(1);
  (void)server.accepted(3);
  server.peer(data_of(1, pattern(262144)));
  EXPECT_EQ(server.read(id, 1000)->size(), 1000U);
  server.peer(data_of(3, pattern(1000))).expect_alive();
  server.peer(data_of(3, pattern(1))).expect_ended(yamux_errc::session_memory_exceeded);
}

TEST(yamux_limits_at_work, a_write_above_the_queue_limit_sends_nothing) {
  const yamux_limits limits{.max_stream_write_queue_bytes = 1000};
  fixture client{role::client, limits};
  const auto id = client.opened();
  const auto body = pattern(1001);
  const byte_view all{body};
  EXPECT_EQ(client.machine().write(id, all).error(), yamux_errc::resource_exhausted);
  ASSERT_TRUE(client.machine().write(id, all.first(600)).has_value());
  EXPECT_EQ(client.machine().write(id, all.first(401)).error(), yamux_errc::resource_exhausted);
  ASSERT_TRUE(client.machine().write(id, all.first(400)).has_value());
  client.expect_sent(data_of(1, all.first(600)), data_of(1, all.first(400)));
  EXPECT_TRUE(client.machine().write(id, all.first(1000)).has_value()) << "room again once the bytes have left";
}

TEST(yamux_limits_at_work, the_preferred_size_bounds_what_is_produced) {
  const yamux_limits limits{.preferred_outbound_frame_bytes = 1024};
  fixture client{role::client, limits};
  const auto id = client.opened();
  const auto body = pattern(1025);
  ASSERT_TRUE(client.machine().write(id, body).has_value());
  client.expect_sent(data_of(1, byte_view{body}.first(1024)), data_of(1, byte_view{body}.subspan(1024)));
}

TEST(yamux_limits_at_work, so_many_refusals_wait_and_one_more_ends_the_session) {
  fixture server{session_options{.is = role::server, .limits = {.max_active_streams = 1, .max_inbound_streams = 1}}};
  (void)server.accepted(1);
  for (std::uint32_t i = 0; i < max_queued_refusals; ++i) server.peer(open_of(3 + 2 * i));
  server.expect_alive();
  server.peer(open_of(99999)).expect_ended(yamux_errc::reply_queue_overflow);
}

TEST(yamux_limits_at_work, refusals_that_are_read_slowly_stay_in_order) {
  fixture server{session_options{.is = role::server, .limits = {.max_active_streams = 1, .max_inbound_streams = 1}}};
  (void)server.accepted(1);
  std::uint32_t opened = 3;
  std::uint32_t refused = 3;
  for (std::size_t i = 0; i < max_queued_refusals; ++i, opened += 2) server.peer(open_of(opened));
  for (std::size_t i = 0; i < 3 * max_queued_refusals; ++i, opened += 2, refused += 2) {
    const auto frame = server.machine().next_frame(64);
    ASSERT_TRUE(frame);
    ASSERT_EQ(frame->header, encode_reset(stream_id{refused}));
    server.peer(open_of(opened));
  }
  server.expect_alive();
}

}  // namespace
}  // namespace flowersec::yamux
