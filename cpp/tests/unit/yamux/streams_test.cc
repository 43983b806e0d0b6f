// Opening, acknowledging, closing and resetting streams, as scripts.
#include <gtest/gtest.h>

#include "fixture.h"

namespace flowersec::yamux {
namespace {

using wire::ack_of;
using wire::close_of;
using wire::data_of;
using wire::open_of;
using wire::reset_of;

TEST(yamux_streams, client_opens_odd_ids_and_server_even_ones) {
  fixture client{role::client};
  fixture server{role::server};
  for (std::uint32_t n = 0; n < 5; ++n) {
    EXPECT_EQ(*client.machine().open(), stream_id{2 * n + 1});
    EXPECT_EQ(*server.machine().open(), stream_id{2 * n + 2});
  }
  client.expect_sent(open_of(1), open_of(3), open_of(5), open_of(7), open_of(9));
  server.expect_sent(open_of(2), open_of(4), open_of(6), open_of(8), open_of(10));
}

TEST(yamux_streams, data_may_follow_an_opening_at_once) {
  fixture client{role::client};
  const auto id = *client.machine().open();
  const auto body = pattern(24);
  ASSERT_TRUE(client.machine().write(id, body).has_value());
  client.expect_sent(open_of(1), data_of(1, body)).expect_events({"written 1 1"});
}

TEST(yamux_streams, an_opening_is_acknowledged_when_it_arrives) {
  fixture server{role::server};
  server.peer(open_of(1)).expect_sent(ack_of(1)).expect_events({"opened 1"});
}

TEST(yamux_streams, an_acknowledgement_is_silent) {
  fixture client{role::client};
  (void)client.opened();
  client.peer(ack_of(1)).expect_sent_nothing().expect_no_events().expect_alive();
  client.peer(ack_of(1)).expect_sent_nothing().expect_no_events().expect_alive();
}

TEST(yamux_streams, an_acknowledgement_may_ride_on_data) {
  fixture client{role::client};
  const auto id = client.opened();
  client.peer(data_of(1, pattern(3), wire::ack)).expect_events({"readable 1"});
  EXPECT_EQ(*client.read(id, 10), pattern(3));
}

TEST(yamux_streams, an_opening_may_ride_on_data_with_fin) {
  fixture server{role::server};
  server.peer(data_of(1, pattern(5), wire::syn | wire::fin))
      .expect_sent(ack_of(1))
      .expect_events({"opened 1", "readable 1", "peer_closed 1"});
  EXPECT_EQ(*server.read(stream_id{1}, 100), pattern(5));
  EXPECT_EQ(server.read(stream_id{1}, 100).error(), yamux_errc::end_of_stream);
}

TEST(yamux_streams, an_opening_may_ride_on_empty_data) {
  fixture server{role::server};
  server.peer(data_of(1, {}, wire::syn)).expect_sent(ack_of(1)).expect_events({"opened 1"});
}

TEST(yamux_streams, a_half_closed_stream_still_reads) {
  fixture client{role::client};
  const auto id = client.opened();
  ASSERT_TRUE(client.machine().close_write(id).has_value());
  client.expect_sent(close_of(1)).expect_no_events();
  client.peer(data_of(1, pattern(9))).expect_events({"readable 1"});
  EXPECT_EQ(*client.read(id, 100), pattern(9));
  EXPECT_EQ(client.machine().write(id, pattern(1)).error(), yamux_errc::write_closed);
}

TEST(yamux_streams, closing_twice_sends_one_fin) {
  fixture client{role::client};
  const auto id = client.opened();
  ASSERT_TRUE(client.machine().close_write(id).has_value());
  ASSERT_TRUE(client.machine().close_write(id).has_value());
  client.expect_sent(close_of(1));
  ASSERT_TRUE(client.machine().close_write(id).has_value());
  client.expect_sent_nothing();
}

TEST(yamux_streams, fin_follows_the_data_written_before_it) {
  fixture client{role::client};
  const auto id = client.opened();
  const auto body = pattern(200000);
  ASSERT_TRUE(client.machine().write(id, body).has_value());
  ASSERT_TRUE(client.machine().close_write(id).has_value());
  const byte_view all{body};
  client.expect_sent(data_of(1, all.subspan(0, 65536)), data_of(1, all.subspan(65536, 65536)),
                     data_of(1, all.subspan(131072, 65536)), data_of(1, all.subspan(196608)), close_of(1));
}

TEST(yamux_streams, a_stream_is_gone_when_both_sides_closed_and_all_is_read) {
  fixture server{role::server};
  const auto id = server.accepted(1);
  server.peer(data_of(1, pattern(4), wire::fin));
  ASSERT_TRUE(server.machine().close_write(id).has_value());
  server.expect_sent(close_of(1)).expect_events({"readable 1", "peer_closed 1"});
  EXPECT_EQ(server.machine().active_streams(), 1U) << "unread input keeps the stream";
  EXPECT_EQ(*server.read(id, 3), pattern(3));
  EXPECT_EQ(server.machine().active_streams(), 1U);
  EXPECT_EQ(*server.read(id, 3), pattern(1, 3));
  EXPECT_EQ(server.machine().active_streams(), 0U);
  EXPECT_EQ(server.read(id, 3).error(), yamux_errc::end_of_stream) << "until the end was reported";
  server.expect_events({"finished 1"});
  EXPECT_EQ(server.read(id, 3).error(), yamux_errc::unknown_stream);
  EXPECT_EQ(server.machine().write(id, pattern(1)).error(), yamux_errc::unknown_stream);
  EXPECT_EQ(server.machine().close_write(id).error(), yamux_errc::unknown_stream);
}

TEST(yamux_streams, fin_ends_a_waiting_read_with_no_bytes) {
  fixture server{role::server};
  const auto id = server.accepted(1);
  byte_buffer into(10);
  EXPECT_EQ(*server.machine().read(id, into), std::nullopt);
  server.peer(close_of(1)).expect_events({"read 1 0", "peer_closed 1"});
  EXPECT_EQ(server.read(id, 10).error(), yamux_errc::end_of_stream);
}

TEST(yamux_streams, fin_may_come_twice) {
  fixture server{role::server};
  (void)server.accepted(1);
  server.peer(close_of(1)).expect_events({"peer_closed 1"});
  server.peer(close_of(1), data_of(1, {}, wire::fin), data_of(1, {})).expect_no_events().expect_sent_nothing();
}

TEST(yamux_streams, data_after_fin_resets_the_stream) {
  fixture server{role::server};
  (void)server.accepted(1);
  server.peer(close_of(1), data_of(1, pattern(1)))
      .expect_sent(reset_of(1))
      .expect_events({"failed 1: the peer sent data after closing its sending half"})
      .expect_alive();
}

TEST(yamux_streams, reset_by_the_peer_drops_unread_data_and_fails_what_waits) {
  fixture server{role::server};
  const auto id = server.accepted(1);
  const auto body = pattern(300000);
  ASSERT_TRUE(server.machine().write(id, body).has_value());
  server.forget();
  server.peer(data_of(1, pattern(1000)), reset_of(1))
      .expect_sent_nothing()
      .expect_events({"failed 1: the peer reset the stream"});
  EXPECT_EQ(server.machine().unread_bytes(), 0U);
  EXPECT_EQ(server.machine().receive_memory_bytes(), 0U);
  EXPECT_EQ(server.machine().active_streams(), 0U);
}

TEST(yamux_streams, until_its_end_was_reported_a_failed_stream_says_why) {
  fixture server{role::server};
  const auto id = server.accepted(1);
  server.peer(reset_of(1));
  EXPECT_EQ(server.read(id, 1).error(), yamux_errc::reset_by_peer);
  EXPECT_EQ(server.machine().write(id, pattern(1)).error(), yamux_errc::reset_by_peer);
  EXPECT_EQ(server.machine().close_write(id).error(), yamux_errc::reset_by_peer);
  server.expect_events({"failed 1: the peer reset the stream"});
  EXPECT_EQ(server.read(id, 1).error(), yamux_errc::unknown_stream);
}

TEST(yamux_streams, reset_on_a_data_frame_is_honoured_and_its_body_is_skipped) {
  fixture server{role::server};
  (void)server.accepted(1);
  server.peer(data_of(1, pattern(50), wire::rst), open_of(3))
      .expect_events({"failed 1: the peer reset the stream", "opened 3"})
      .expect_alive();
}

TEST(yamux_streams, the_length_of_a_reset_is_ignored) {
  fixture server{role::server};
  (void)server.accepted(1);
  server.peer(wire::control_of(1, wire::rst, 0xffffffff))
      .expect_events({"failed 1: the peer reset the stream"})
      .expect_alive();
}

TEST(yamux_streams, reset_here_is_told_once_and_reported_once) {
  fixture client{role::client};
  const auto id = client.opened();
  byte_buffer into(10);
  ASSERT_EQ(*client.machine().read(id, into), std::nullopt);
  client.machine().reset(id);
  client.machine().reset(id);
  client.expect_sent(reset_of(1)).expect_events({"failed 1: the stream was reset by this side"});
  client.machine().reset(id);
  client.expect_sent_nothing().expect_no_events();
}

TEST(yamux_streams, a_stream_reset_before_its_opening_left_sends_nothing) {
  fixture client{role::client};
  const auto id = *client.machine().open();
  ASSERT_TRUE(client.machine().write(id, pattern(10)).has_value());
  client.machine().reset(id);
  client.expect_sent_nothing().expect_events({"failed 1: the stream was reset by this side"});
  EXPECT_EQ(client.machine().active_streams(), 0U);
  EXPECT_EQ(*client.machine().open(), stream_id{3}) << "ids are never used twice";
}

TEST(yamux_streams, a_stream_closed_by_both_sides_is_not_reset_any_more) {
  fixture server{role::server};
  const auto id = server.accepted(1);
  ASSERT_TRUE(server.machine().close_write(id).has_value());
  server.peer(data_of(1, pattern(10), wire::fin)).expect_sent(close_of(1));
  (void)drain_events(server.machine());
  server.machine().reset(id);
  server.expect_sent_nothing().expect_events({"failed 1: the stream was reset by this side"});
  EXPECT_EQ(server.machine().unread_bytes(), 0U);
}

TEST(yamux_streams, a_stream_opened_and_reset_in_one_breath_is_not_reported) {
  fixture server{role::server};
  server.peer(open_of(1), data_of(1, pattern(10)), reset_of(1)).expect_sent_nothing().expect_no_events().expect_alive();
  EXPECT_EQ(server.machine().active_streams(), 0U);
}

TEST(yamux_streams, a_violation_before_the_stream_was_reported_is_still_told_to_the_peer) {
  fixture server{role::server};
  server.peer(open_of(1), close_of(1), data_of(1, pattern(1))).expect_sent(reset_of(1)).expect_no_events();
  EXPECT_EQ(server.machine().active_streams(), 0U);
}

TEST(yamux_streams, the_id_of_a_stream_that_is_gone_is_free_in_the_same_record) {
  fixture server{role::server};
  const auto id = server.accepted(1);
  server.peer(reset_of(1), open_of(1), data_of(1, pattern(10)))
      .expect_sent(wire::ack_of(1))
      .expect_events({"failed 1: the peer reset the stream", "opened 1", "readable 1"})
      .expect_alive();
  EXPECT_EQ(server.machine().active_streams(), 1U);
  EXPECT_EQ(*server.read(id, 100), pattern(10));

  ASSERT_TRUE(server.machine().close_write(id).has_value());
  server.forget();
  server.peer(close_of(1), open_of(1)).expect_sent(wire::ack_of(1)).expect_alive();
  EXPECT_EQ(drain_events(server.machine()), (std::vector<std::string>{"peer_closed 1", "finished 1", "opened 1"}));
  EXPECT_EQ(server.machine().active_streams(), 1U);
}

TEST(yamux_streams, an_id_is_free_before_our_reset_of_its_stream_has_left_and_the_reset_goes_first) {
  fixture server{role::server};
  (void)server.accepted(1);
  server.peer(close_of(1), data_of(1, pattern(1)), open_of(1));
  EXPECT_EQ(server.machine().active_streams(), 2U) << "a reset counts until the peer can have heard of it";
  server.expect_sent(reset_of(1), wire::ack_of(1))
      .expect_events({"failed 1: the peer sent data after closing its sending half", "opened 1"})
      .expect_alive();
  EXPECT_EQ(server.machine().active_streams(), 1U);
  server.peer(open_of(1)).expect_ended(yamux_errc::stream_already_open);
}

TEST(yamux_streams, resets_that_have_not_left_count_against_the_limit_however_often_their_id_comes_again) {
  fixture server{session_options{.is = role::server, .limits = {.max_active_streams = 4, .max_inbound_streams = 2}}};
  const auto one_more = [&server] { server.peer(open_of(1), close_of(1), data_of(1, pattern(1))); };
  one_more();
  one_more();
  EXPECT_EQ(server.machine().active_streams(), 2U);
  one_more();
  EXPECT_EQ(server.machine().active_streams(), 2U);
  server.expect_sent(reset_of(1), reset_of(1), reset_of(1)).expect_events({"refused 1: inbound 2"}).expect_alive();
  EXPECT_EQ(server.machine().active_streams(), 0U);
}

TEST(yamux_streams, the_end_takes_streams_along_whose_id_is_another_s_by_now) {
  fixture server{role::server};
  (void)server.accepted(1);
  server.peer(close_of(1), data_of(1, pattern(1)), open_of(1), frame{.kind = wire::go_away});
  server.expect_sent_nothing();
  EXPECT_EQ(server.machine().active_streams(), 0U);
  EXPECT_EQ(drain_events(server.machine()),
            (std::vector<std::string>{"failed 1: the peer sent data after closing its sending half",
                                      "ended: the peer sent Go Away"}));
}

TEST(yamux_streams, a_reset_in_the_middle_of_a_body_skips_the_rest_of_it) {
  fixture server{role::server};
  const auto id = server.accepted(1);
  const auto bytes = wire::bytes_of(data_of(1, pattern(1000), wire::fin));
  server.peer_bytes(byte_view{bytes}.first(500));
  server.machine().reset(id);
  server.forget();
  server.peer_bytes(byte_view{bytes}.subspan(500)).expect_no_events().expect_sent_nothing();
  server.peer(open_of(3)).expect_events({"opened 3"});
  EXPECT_EQ(server.machine().unread_bytes(), 0U);
}

TEST(yamux_streams, calls_on_ids_that_never_were_are_refused) {
  fixture client{role::client};
  byte_buffer into(1);
  EXPECT_EQ(client.machine().read(stream_id{1}, into).error(), yamux_errc::unknown_stream);
  EXPECT_EQ(client.machine().write(stream_id{1}, into).error(), yamux_errc::unknown_stream);
  EXPECT_EQ(client.machine().close_write(stream_id{1}).error(), yamux_errc::unknown_stream);
  EXPECT_EQ(client.machine().cancel_read(stream_id{1}), 0U);
  EXPECT_EQ(client.machine().cancel_writes(stream_id{1}), 0U);
  client.machine().reset(stream_id{1});
  client.expect_sent_nothing().expect_no_events();
}

TEST(yamux_streams, ids_run_out_at_two_to_the_thirty_second) {
  const struct {
    role is;
    std::uint32_t last;
  } rows[] = {{role::client, 0xffffffff}, {role::server, 0xfffffffe}};
  for (const auto& [is, last] : rows) {
    fixture side{session_options{.is = is, .first_id = stream_id{last - 2}}};
    EXPECT_EQ(*side.machine().open(), stream_id{last - 2});
    EXPECT_EQ(*side.machine().open(), stream_id{last});
    side.expect_sent(open_of(last - 2), open_of(last));
    EXPECT_EQ(side.machine().open().error(), yamux_errc::ids_exhausted);
    EXPECT_EQ(side.machine().open().error(), yamux_errc::ids_exhausted);
    side.expect_sent_nothing().expect_alive();
  }
}

}  // namespace
}  // namespace flowersec::yamux
