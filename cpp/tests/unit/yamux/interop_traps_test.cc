// Traps that other implementations fell into, as far as the multiplexer is concerned.
// PROTOCOL, "Traps"; the number in a name is the number there.
#include <gtest/gtest.h>

#include "fixture.h"

namespace flowersec::yamux {
namespace {

TEST(interop_traps, trap_01_ping_zero_is_answered_and_one_may_open_the_session) {
  for (const auto is : {role::client, role::server}) {
    fixture side{is};
    side.peer(wire::ping_of(0)).expect_sent(wire::pong_of(0)).expect_no_events().expect_alive();
  }
}

TEST(interop_traps, trap_02_syn_ack_and_rst_have_length_zero_and_no_more_than_the_window_is_granted) {
  fixture client{
      session_options{.limits = {.max_stream_receive_bytes = 1048576, .max_session_receive_bytes = 1048576}}};
  const auto id = *client.machine().open();
  client.expect_sent(wire::control_of(1, wire::syn, 0));
  client.peer(wire::open_of(2)).expect_sent(wire::control_of(2, wire::ack, 0));
  client.machine().reset(stream_id{2});
  client.expect_sent(wire::control_of(2, wire::rst, 0));

  // Memory of 1 MiB is allowed here, and yet the peer never holds more than 262144 bytes of credit.
  std::size_t credit = 262144;
  for (int turn = 0; turn < 50; ++turn) {
    const auto n = std::min<std::size_t>(credit, 50000);
    client.peer(wire::data_of(1, pattern(n)));
    credit -= n;
    ASSERT_EQ(client.read(id, n)->size(), n);
    byte_buffer sent;
    drain_output(client.machine(), sent);
    for (const auto& f : wire::frames_in(sent)) credit += f.length;
    ASSERT_LE(credit, 262144U);
  }
}

TEST(interop_traps, trap_03_rst_is_never_answered_with_rst) {
  fixture server{role::server};
  (void)server.accepted(1);
  server.peer(wire::reset_of(1), wire::reset_of(1), wire::reset_of(99), wire::data_of(99, pattern(4), wire::rst),
              wire::control_of(5, wire::syn | wire::rst), wire::control_of(2, wire::rst));
  server.expect_sent_nothing().expect_alive();
}

TEST(interop_traps, trap_04_ack_is_sent_once_per_stream) {
  fixture server{role::server};
  server.peer(wire::open_of(1), wire::data_of(1, pattern(262144))).expect_sent(wire::ack_of(1));
  ASSERT_EQ(server.read(stream_id{1}, 262144)->size(), 262144U);
  const auto body = pattern(10);
  ASSERT_TRUE(server.machine().write(stream_id{1}, body).has_value());
  ASSERT_TRUE(server.machine().close_write(stream_id{1}).has_value());
  server.expect_sent(wire::credit_of(1, 262144), wire::data_of(1, body), wire::close_of(1));
}

TEST(interop_traps, trap_04_ack_goes_out_without_credit_even_if_much_was_read_before_it) {
  fixture server{role::server};
  server.peer(wire::open_of(1), wire::data_of(1, pattern(262144)));
  ASSERT_EQ(server.read(stream_id{1}, 262144)->size(), 262144U);
  server.expect_sent(wire::ack_of(1), wire::credit_of(1, 262144));
}

TEST(interop_traps, trap_05_what_is_written_apart_leaves_in_its_own_data_frame) {
  fixture client{role::client};
  const auto id = client.opened();
  const auto hello = pattern(24);
  const auto first = pattern(100);
  ASSERT_TRUE(client.machine().write(id, hello).has_value());
  ASSERT_TRUE(client.machine().write(id, first).has_value());
  client.expect_sent(wire::data_of(1, hello), wire::data_of(1, first));
}

TEST(interop_traps, trap_16_a_writer_whose_peer_stopped_reading_gets_out) {
  const auto body = pattern(400000);
  const auto blocked = [&body](fixture& client) {
    const auto id = client.opened();
    EXPECT_TRUE(client.machine().write(id, body).has_value());
    client.peer(wire::close_of(static_cast<std::uint32_t>(id)));  // a full close: it will never grant credit again
    client.forget();
    EXPECT_FALSE(client.machine().has_output());
    return id;
  };
  fixture cancelled{role::client};
  EXPECT_EQ(cancelled.machine().cancel_writes(blocked(cancelled)), 262144U);
  fixture reset{role::client};
  reset.machine().reset(blocked(reset));
  reset.expect_events({"failed 1: the stream was reset by this side"}).expect_sent(wire::reset_of(1));
  fixture ended{role::client};
  (void)blocked(ended);
  ended.machine().end();
  ended.expect_ended(yamux_errc::closed);
}

TEST(interop_traps, trap_17_a_transport_that_ends_between_frames_is_a_normal_end) {
  fixture client{role::client};
  client.machine().end_of_input();
  client.expect_ended(yamux_errc::transport_closed);
}

TEST(interop_traps, trap_24_a_message_may_come_in_any_number_of_data_frames) {
  fixture server{role::server};
  const auto id = server.accepted(1);
  byte_buffer into(100);
  ASSERT_EQ(*server.machine().read(id, into), std::nullopt);
  for (std::size_t i = 0; i < 24; ++i) server.peer(wire::data_of(1, pattern(1, i)));
  server.expect_events({"read 1 24"});
  into.resize(24);
  EXPECT_EQ(into, pattern(24));
}

}  // namespace
}  // namespace flowersec::yamux
