// Reading, writing and credit: what is copied where, what is granted when, who goes first.
#include <gtest/gtest.h>

#include "fixture.h"

namespace flowersec::yamux {
namespace {

using wire::ack_of;
using wire::credit_of;
using wire::data_of;
using wire::open_of;
using wire::reset_of;

/// The peer fills the stream's whole window in frames of 64 KiB.
void fill_window(fixture& side, std::uint32_t id) {
  const auto body = pattern(65536);
  for (int i = 0; i < 4; ++i) side.peer(data_of(id, body));
}

TEST(yamux_reading, bytes_go_straight_into_a_waiting_buffer) {
  fixture server{role::server};
  const auto id = server.accepted(1);
  byte_buffer into(100);
  ASSERT_EQ(*server.machine().read(id, into), std::nullopt);
  server.peer(data_of(1, pattern(60)));
  EXPECT_EQ(server.machine().receive_memory_bytes(), 0U);
  server.expect_events({"read 1 60"});
  into.resize(60);
  EXPECT_EQ(into, pattern(60));
}

TEST(yamux_reading, frames_of_one_delivery_share_a_waiting_buffer) {
  fixture server{role::server};
  const auto id = server.accepted(1);
  byte_buffer into(100);
  ASSERT_EQ(*server.machine().read(id, into), std::nullopt);
  server.peer(data_of(1, pattern(30)), data_of(1, pattern(30, 30)), data_of(1, pattern(60, 60)));
  server.expect_events({"read 1 100"});
  EXPECT_EQ(into, pattern(100));
  EXPECT_EQ(server.machine().unread_bytes(), 20U) << "what did not fit waits";
  EXPECT_EQ(*server.read(id, 100), pattern(20, 100));
  EXPECT_EQ(server.machine().receive_memory_bytes(), 0U);
}

TEST(yamux_reading, readiness_is_reported_once_until_the_data_is_read) {
  fixture server{role::server};
  const auto id = server.accepted(1);
  server.peer(data_of(1, pattern(5)), data_of(1, pattern(5))).expect_events({"readable 1"});
  EXPECT_EQ(server.read(id, 100)->size(), 10U);
  server.expect_no_events();
  server.peer(data_of(1, pattern(5)));
  EXPECT_EQ(server.read(id, 100)->size(), 5U);
  server.expect_no_events();
}

TEST(yamux_reading, only_one_read_waits_at_a_time) {
  fixture server{role::server};
  const auto id = server.accepted(1);
  byte_buffer first(10);
  byte_buffer second(10);
  ASSERT_EQ(*server.machine().read(id, first), std::nullopt);
  EXPECT_EQ(server.machine().read(id, second).error(), yamux_errc::read_in_progress);
}

TEST(yamux_reading, an_empty_buffer_reads_nothing_and_waits_for_nothing) {
  fixture server{role::server};
  const auto id = server.accepted(1);
  EXPECT_EQ(*server.machine().read(id, {}), std::optional<std::size_t>{0});
  server.peer(data_of(1, pattern(5))).expect_events({"readable 1"});
}

TEST(yamux_reading, a_cancelled_read_gives_its_buffer_and_its_bytes_back) {
  fixture server{role::server};
  const auto id = server.accepted(1);
  byte_buffer into(10);
  ASSERT_EQ(*server.machine().read(id, into), std::nullopt);
  EXPECT_EQ(server.machine().cancel_read(id), 0U);
  server.peer(data_of(1, pattern(4))).expect_events({"readable 1"});
  EXPECT_EQ(into, byte_buffer(10)) << "the buffer is not touched any more";
  EXPECT_EQ(*server.read(id, 10), pattern(4));

  ASSERT_EQ(*server.machine().read(id, into), std::nullopt);
  server.peer(data_of(1, pattern(14)));
  EXPECT_EQ(server.machine().cancel_read(id), 10U) << "bytes that were in it are not lost";
  EXPECT_EQ(into, pattern(10));
  server.expect_events({"readable 1"});
  EXPECT_EQ(*server.read(id, 10), pattern(4, 10));
}

TEST(yamux_credit, is_granted_at_half_a_window_read_and_not_before) {
  fixture server{role::server};
  const auto id = server.accepted(1);
  fill_window(server, 1);
  ASSERT_EQ(server.read(id, 131071)->size(), 131071U);
  server.expect_sent_nothing();
  ASSERT_EQ(server.read(id, 1)->size(), 1U);
  server.expect_sent(credit_of(1, 131072));
  ASSERT_EQ(server.read(id, 131072)->size(), 131072U);
  server.expect_sent(credit_of(1, 131072));
}

TEST(yamux_credit, bytes_that_are_only_buffered_earn_none) {
  fixture server{role::server};
  (void)server.accepted(1);
  fill_window(server, 1);
  server.expect_sent_nothing();
}

TEST(yamux_credit, bytes_taken_by_a_waiting_read_count_as_read) {
  fixture server{role::server};
  const auto id = server.accepted(1);
  byte_buffer into(262144);
  ASSERT_EQ(*server.machine().read(id, into), std::nullopt);
  fill_window(server, 1);
  server.expect_sent(credit_of(1, 262144));
}

TEST(yamux_credit, bytes_that_spill_over_a_waiting_read_are_not_read_yet) {
  fixture server{role::server};
  const auto id = server.accepted(1);
  byte_buffer into(1000);
  ASSERT_EQ(*server.machine().read(id, into), std::nullopt);
  server.peer(data_of(1, pattern(262144))).expect_sent_nothing();
}

TEST(yamux_credit, merges_while_the_transport_is_full) {
  fixture server{role::server};
  const auto id = server.accepted(1);
  fill_window(server, 1);
  ASSERT_EQ(server.read(id, 131072)->size(), 131072U);
  ASSERT_EQ(server.read(id, 100000)->size(), 100000U);
  server.expect_sent(credit_of(1, 231072));
}

TEST(yamux_credit, a_closed_sender_gets_none) {
  fixture server{role::server};
  const auto id = server.accepted(1);
  fill_window(server, 1);
  ASSERT_EQ(server.read(id, 131072)->size(), 131072U);
  server.peer(wire::close_of(1));
  ASSERT_EQ(server.read(id, 131072)->size(), 131072U);
  server.expect_sent_nothing();
}

TEST(yamux_credit, the_whole_window_fits_and_one_byte_more_resets_the_stream) {
  fixture server{role::server};
  (void)server.accepted(1);
  fill_window(server, 1);
  server.expect_events({"readable 1"}).expect_sent_nothing();
  server.peer(data_of(1, pattern(1)), open_of(3))
      .expect_sent(reset_of(1), ack_of(3))
      .expect_events({"failed 1: the peer sent more than it was granted", "opened 3"})
      .expect_alive();
  EXPECT_EQ(server.machine().unread_bytes(), 0U);
}

TEST(yamux_credit, one_frame_beyond_the_window_is_refused_before_it_is_held) {
  fixture server{session_options{
      .is = role::server,
      .limits = {.max_frame_bytes = 300000, .max_stream_receive_bytes = 300000, .max_session_receive_bytes = 300000}}};
  (void)server.accepted(1);
  const auto bytes = wire::bytes_of(data_of(1, pattern(262145)));
  server.peer_bytes(byte_view{bytes}.first(header_bytes)).expect_sent(reset_of(1)).expect_alive();
  EXPECT_EQ(server.machine().receive_memory_bytes(), 0U);
}

TEST(yamux_credit, at_the_window_from_the_peer_is_taken_and_one_more_ends_the_session) {
  const auto body = pattern(1000);
  fixture client{role::client};
  const auto id = client.opened();
  ASSERT_TRUE(client.machine().write(id, body).has_value());
  client.forget();
  client.peer(credit_of(1, 1000)).expect_alive();
  client.peer(credit_of(1, 1)).expect_ended(yamux_errc::credit_overflow);
}

TEST(yamux_credit, an_opening_or_acknowledgement_with_credit_ends_the_session) {
  fixture server{role::server};
  server.peer(wire::control_of(1, wire::syn, 1)).expect_ended(yamux_errc::credit_overflow);
  fixture client{role::client};
  (void)client.opened();
  client.peer(wire::control_of(1, wire::ack, 1)).expect_ended(yamux_errc::credit_overflow);
}

TEST(yamux_writing, stops_at_the_window_and_goes_on_with_credit) {
  fixture client{role::client};
  const auto id = client.opened();
  const auto body = pattern(262144 + 10);
  ASSERT_TRUE(client.machine().write(id, body).has_value());
  byte_buffer sent;
  drain_output(client.machine(), sent);
  EXPECT_EQ(sent.size(), 262144U + 4 * header_bytes);
  EXPECT_FALSE(client.machine().has_output());
  client.expect_no_events();
  client.peer(credit_of(1, 4)).expect_sent(data_of(1, pattern(4, 262144)));
  client.peer(credit_of(1, 131072)).expect_sent(data_of(1, pattern(6, 262148))).expect_events({"written 1 1"});
}

TEST(yamux_writing, a_blocked_stream_does_not_hold_up_others) {
  fixture client{role::client};
  const auto first = client.opened();
  const auto second = client.opened();
  const auto body = pattern(300000);
  ASSERT_TRUE(client.machine().write(first, body).has_value());
  client.forget();
  ASSERT_TRUE(client.machine().write(second, byte_view{body}.first(5)).has_value());
  client.expect_sent(data_of(3, pattern(5)));
}

TEST(yamux_writing, streams_take_turns_frame_by_frame) {
  fixture client{session_options{.limits = {.preferred_outbound_frame_bytes = 1024}}};
  const auto body = pattern(2048);
  const std::array ids{client.opened(), client.opened(), client.opened()};
  for (const auto id : ids) ASSERT_TRUE(client.machine().write(id, body).has_value());
  const byte_view first = byte_view{body}.first(1024);
  const byte_view second = byte_view{body}.subspan(1024);
  client.expect_sent(data_of(1, first), data_of(3, first), data_of(5, first), data_of(1, second), data_of(3, second),
                     data_of(5, second));
}

TEST(yamux_writing, a_frame_never_exceeds_the_room_it_is_given) {
  fixture client{role::client};
  const auto id = client.opened();
  const auto body = pattern(3000);
  for (const std::size_t room : {13U, 14U, 100U, 1024U}) {
    ASSERT_TRUE(client.machine().write(id, body).has_value());
    std::size_t left = body.size();
    while (const auto out = client.machine().next_frame(room)) {
      ASSERT_EQ(out->size(), std::min(room, left + header_bytes));
      left -= out->body.size();
    }
    EXPECT_EQ(left, 0U);
    client.expect_events({"written 1 1"});
  }
}

TEST(yamux_writing, nothing_fits_into_less_than_a_header_and_a_byte) {
  fixture client{role::client};
  const auto id = *client.machine().open();
  const auto body = pattern(1);
  ASSERT_TRUE(client.machine().write(id, body).has_value());
  EXPECT_FALSE(client.machine().next_frame(11).has_value());
  EXPECT_EQ(client.machine().next_frame(12)->header, encode_open(id));
  EXPECT_FALSE(client.machine().next_frame(12).has_value());
  EXPECT_TRUE(client.machine().has_output());
  EXPECT_EQ(client.machine().next_frame(13)->size(), 13U);
  ASSERT_TRUE(client.machine().close_write(id).has_value());
  EXPECT_EQ(client.machine().next_frame(12)->header, encode_close(id)) << "a FIN has no body";
}

TEST(yamux_writing, the_body_is_the_writers_own_memory) {
  fixture client{role::client};
  const auto id = client.opened();
  const auto body = pattern(100);
  ASSERT_TRUE(client.machine().write(id, body).has_value());
  EXPECT_EQ(client.machine().next_frame(1000)->body.data(), body.data());
}

TEST(yamux_writing, queued_writes_leave_in_order_and_are_reported_together) {
  fixture client{role::client};
  const auto id = client.opened();
  const auto body = pattern(30);
  const byte_view all{body};
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.machine().write(id, all.subspan(static_cast<std::size_t>(i) * 10, 10)).has_value());
  }
  EXPECT_EQ(client.machine().queued_write_bytes(id), 30U);
  client.expect_sent(data_of(1, all.subspan(0, 10)), data_of(1, all.subspan(10, 10)), data_of(1, all.subspan(20, 10)))
      .expect_events({"written 1 3"});
  EXPECT_EQ(client.machine().queued_write_bytes(id), 0U);
}

TEST(yamux_writing, an_empty_write_is_done_in_its_turn_and_sends_nothing) {
  fixture client{role::client};
  const auto id = client.opened();
  ASSERT_TRUE(client.machine().write(id, {}).has_value());
  client.expect_events({"written 1 1"}).expect_sent_nothing();
  const auto body = pattern(5);
  ASSERT_TRUE(client.machine().write(id, body).has_value());
  ASSERT_TRUE(client.machine().write(id, {}).has_value());
  client.expect_no_events();
  client.expect_sent(data_of(1, body)).expect_events({"written 1 2"});
}

TEST(yamux_writing, cancelled_writes_say_how_much_had_left) {
  fixture client{role::client};
  const auto id = client.opened();
  const auto body = pattern(1000);
  ASSERT_TRUE(client.machine().write(id, body).has_value());
  ASSERT_TRUE(client.machine().write(id, body).has_value());
  ASSERT_EQ(client.machine().next_frame(header_bytes + 300)->body.size(), 300U);
  EXPECT_EQ(client.machine().cancel_writes(id), 300U);
  EXPECT_EQ(client.machine().queued_write_bytes(id), 0U);
  client.expect_sent_nothing().expect_no_events();
  ASSERT_TRUE(client.machine().write(id, byte_view{body}.first(7)).has_value());
  client.expect_sent(data_of(1, pattern(7))).expect_events({"written 1 1"});
  EXPECT_EQ(client.machine().cancel_writes(id), 0U);
}

TEST(yamux_writing, cancelling_writes_behind_which_the_half_was_closed_resets_the_stream) {
  fixture client{role::client};
  const auto id = client.opened();
  const auto body = pattern(300000);
  ASSERT_TRUE(client.machine().write(id, body).has_value());
  ASSERT_TRUE(client.machine().close_write(id).has_value());
  client.forget();
  EXPECT_EQ(client.machine().cancel_writes(id), 262144U);
  client.expect_sent(wire::reset_of(1)).expect_events({"failed 1: the stream was reset by this side"});
  EXPECT_EQ(client.machine().queued_write_bytes(), 0U);
}

TEST(yamux_writing, cancelling_when_everything_is_out_leaves_the_fin_alone) {
  fixture client{role::client};
  const auto id = client.opened();
  const auto body = pattern(10);
  ASSERT_TRUE(client.machine().write(id, body).has_value());
  ASSERT_TRUE(client.machine().close_write(id).has_value());
  ASSERT_EQ(client.machine().next_frame(1000)->body.size(), 10U);
  EXPECT_EQ(client.machine().cancel_writes(id), 0U);
  client.expect_sent(wire::close_of(1)).expect_events({"written 1 1"});
}

TEST(yamux_writing, queued_bytes_of_all_streams_are_counted_until_they_leave_or_are_dropped) {
  fixture client{role::client};
  const auto first = client.opened();
  const auto second = client.opened();
  const auto third = client.opened();
  const auto body = pattern(100);
  for (const auto id : {first, second, third}) ASSERT_TRUE(client.machine().write(id, body).has_value());
  EXPECT_EQ(client.machine().queued_write_bytes(), 300U);
  ASSERT_EQ(client.machine().next_frame(header_bytes + 30)->body.size(), 30U);
  EXPECT_EQ(client.machine().queued_write_bytes(), 270U);
  EXPECT_EQ(client.machine().cancel_writes(second), 0U);
  EXPECT_EQ(client.machine().queued_write_bytes(), 170U);
  client.machine().reset(third);
  EXPECT_EQ(client.machine().queued_write_bytes(), 70U);
  client.machine().end();
  EXPECT_EQ(client.machine().queued_write_bytes(), 0U);
}

}  // namespace
}  // namespace flowersec::yamux
