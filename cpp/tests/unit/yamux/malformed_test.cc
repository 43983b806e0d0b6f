// Malformed and unexpected frames, each row in every chunking; and how a session ends.
#include <gtest/gtest.h>

#include "fixture.h"

namespace flowersec::yamux {
namespace {

using wire::data_of;
using wire::open_of;

struct row {
  const char* name;
  frame sent;
  std::optional<yamux_errc> ends;
};

// A server with stream 1 (the peer's) and stream 2 (its own) alive.
const row rows[] = {
    {"version 1", {.version = 1, .kind = wire::ping, .flags = wire::syn}, yamux_errc::bad_version},
    {"type 4", {.kind = 4}, yamux_errc::bad_type},
    {"type 255", {.kind = 255, .flags = wire::syn, .id = 1}, yamux_errc::bad_type},
    {"data on id 0", {.kind = wire::data, .id = 0}, yamux_errc::stream_zero},
    {"data with syn on id 0", {.kind = wire::data, .flags = wire::syn, .id = 0}, yamux_errc::stream_zero},
    {"window update on id 0", {.kind = wire::window_update, .id = 0, .length = 5}, yamux_errc::stream_zero},
    {"syn for the peer's live stream", wire::open_of(1), yamux_errc::stream_already_open},
    {"syn for our live stream", wire::open_of(2), yamux_errc::stream_already_open},
    {"go away, normal", {.kind = wire::go_away, .length = 0}, yamux_errc::go_away},
    {"go away, protocol error", {.kind = wire::go_away, .length = 1}, yamux_errc::go_away},
    {"go away, unknown code", {.kind = wire::go_away, .length = 77}, yamux_errc::go_away},
    {"data for an unknown id", wire::data_of(77, pattern(100)), std::nullopt},
    {"fin for an unknown id", wire::close_of(77), std::nullopt},
    {"ack for an unknown id", wire::ack_of(77), std::nullopt},
    {"credit for an unknown id", wire::credit_of(77, 0xffffffff), std::nullopt},
    {"rst for an unknown id", wire::reset_of(77), std::nullopt},
    {"rst with data for an unknown id", wire::data_of(78, pattern(10), wire::rst), std::nullopt},
    {"syn and rst at once", wire::control_of(5, wire::syn | wire::rst), std::nullopt},
    {"unknown flag bits", {.kind = wire::window_update, .flags = 0xfff0, .id = 1}, std::nullopt},
    {"ping reply to nothing", wire::pong_of(1), std::nullopt},
    {"empty data", wire::data_of(1, {}), std::nullopt},
    {"ack for the peer's own stream", wire::ack_of(1), std::nullopt},
};

fixture server_with_two_streams() {
  fixture server{role::server};
  (void)server.accepted(1);
  (void)server.opened();
  return server;
}

TEST(yamux_malformed, every_unexpected_frame_has_its_one_consequence) {
  for (const auto& [name, sent, ends] : rows) {
    const auto bytes = wire::bytes_of(sent);
    for (const std::size_t piece : {std::size_t{1}, header_bytes - 1, header_bytes, bytes.size()}) {
      SCOPED_TRACE(std::string{name} + " in pieces of " + std::to_string(piece));
      auto server = server_with_two_streams();
      for (std::size_t at = 0; at < bytes.size(); at += piece) {
        server.peer_bytes(byte_view{bytes}.subspan(at, std::min(piece, bytes.size() - at)));
      }
      if (ends) {
        server.expect_ended(*ends);
        continue;
      }
      server.expect_alive().expect_sent_nothing().expect_no_events();
      EXPECT_EQ(server.machine().active_streams(), 2U);
      EXPECT_EQ(server.machine().unread_bytes(), 0U);
      server.peer(data_of(1, pattern(3))).expect_events({"readable 1"});
    }
  }
}

TEST(yamux_malformed, a_stream_of_the_wrong_parity_is_refused_and_the_session_lives) {
  for (const auto is : {role::client, role::server}) {
    const std::uint32_t ours = is == role::client ? 5 : 4;
    fixture side{is};
    side.peer(open_of(ours)).expect_sent(wire::reset_of(ours)).expect_events({"refused 1: parity"}).expect_alive();
    side.peer(data_of(ours, pattern(9), wire::syn | wire::fin), data_of(ours, pattern(5)))
        .expect_sent(wire::reset_of(ours))
        .expect_events({"refused 1: parity"})
        .expect_alive();
    EXPECT_EQ(side.machine().active_streams(), 0U);
    EXPECT_EQ(side.machine().unread_bytes(), 0U);
    EXPECT_TRUE(side.machine().open().has_value()) << "no id of ours was used up";
  }
}

TEST(yamux_malformed, the_wrong_parity_is_refused_at_the_limits_too_and_many_are_told_as_one) {
  fixture server{session_options{.is = role::server, .limits = {.max_active_streams = 1, .max_inbound_streams = 1}}};
  (void)server.accepted(1);
  server.peer(open_of(4), open_of(6), open_of(3))
      .expect_sent(wire::reset_of(4), wire::reset_of(6), wire::reset_of(3))
      .expect_events({"refused 2: parity", "refused 1: inbound 1"})
      .expect_alive();
}

TEST(yamux_malformed, fin_after_reset_is_ignored) {
  auto server = server_with_two_streams();
  server.peer(wire::reset_of(1), wire::close_of(1), data_of(1, pattern(7), wire::fin))
      .expect_events({"failed 1: the peer reset the stream"})
      .expect_sent_nothing()
      .expect_alive();
}

TEST(yamux_end, every_stream_is_reported_before_the_end_and_nothing_is_sent) {
  auto server = server_with_two_streams();
  const auto body = pattern(10);
  byte_buffer into(10);
  ASSERT_TRUE(server.machine().write(stream_id{1}, body).has_value());
  ASSERT_EQ(*server.machine().read(stream_id{2}, into), std::nullopt);
  server.peer(frame{.kind = wire::go_away});
  auto events = drain_events(server.machine());
  ASSERT_EQ(events.size(), 3U);
  std::sort(events.begin(), events.begin() + 2);
  EXPECT_EQ(events, (std::vector<std::string>{"failed 1: the peer sent Go Away", "failed 2: the peer sent Go Away",
                                              "ended: the peer sent Go Away"}));
  server.expect_sent_nothing();
}

TEST(yamux_end, a_session_that_ended_refuses_everything_with_its_reason) {
  fixture client{role::client};
  client.machine().end();
  client.expect_ended(yamux_errc::closed);
  EXPECT_EQ(client.machine().open().error(), yamux_errc::closed);
  EXPECT_EQ(client.machine().probe().error(), yamux_errc::closed);
  EXPECT_EQ(client.machine().write(stream_id{1}, {}).error(), yamux_errc::closed);
  EXPECT_EQ(client.read(stream_id{1}, 1).error(), yamux_errc::closed);
  client.peer(open_of(2), wire::ping_of(1)).expect_sent_nothing().expect_no_events();
  client.machine().end(yamux_errc::go_away);
  EXPECT_EQ(*client.machine().ended(), yamux_errc::closed) << "the first reason stays";
}

TEST(yamux_end, frames_behind_the_fatal_one_are_not_looked_at) {
  fixture server{role::server};
  server.peer(frame{.kind = 9}, open_of(1));
  EXPECT_EQ(drain_events(server.machine()), (std::vector<std::string>{"ended: a frame of an unknown type"}));
}

TEST(yamux_end, the_transport_may_end_between_frames_only) {
  const auto bytes = wire::bytes_of(data_of(1, pattern(20)));
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    auto server = server_with_two_streams();
    server.peer_bytes(byte_view{bytes}.first(cut));
    server.machine().end_of_input();
    const bool whole = cut == 0 || cut == bytes.size();
    server.expect_ended(whole ? yamux_errc::transport_closed : yamux_errc::truncated_frame);
  }
}

TEST(yamux_end, pending_resets_and_events_do_not_outlive_the_session) {
  auto server = server_with_two_streams();
  server.peer(open_of(3));  // not reported yet
  server.machine().reset(stream_id{1});
  server.machine().end();
  auto events = drain_events(server.machine());
  ASSERT_EQ(events.size(), 3U);
  std::sort(events.begin(), events.begin() + 2);
  EXPECT_EQ(events[0], "failed 1: the stream was reset by this side");
  EXPECT_EQ(events[1], "failed 2: the session was closed by this side");
  EXPECT_EQ(server.machine().active_streams(), 0U);
}

}  // namespace
}  // namespace flowersec::yamux
