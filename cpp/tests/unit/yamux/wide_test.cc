// Wide windows: what the peer may grant and send, when a window grows, how streams share, what they give back.
#include <gtest/gtest.h>

#include <map>

#include "fixture.h"

namespace flowersec::yamux {
namespace {

using namespace std::chrono_literals;
using wire::credit_of;
using wire::data_of;
using wire::ping_of;
using wire::pong_of;
using wire::reset_of;

constexpr std::uint32_t kib = 1024;
constexpr std::uint32_t step = window_bytes / 2;

session_options wide(role is, std::size_t budget = yamux_limits{}.wide_window_session_bytes) {
  return {.is = is, .limits = {.wide_window_session_bytes = budget}, .wide_windows = true};
}

/// A server whose peer uploads, at times that the test says.
class wide_server : public fixture {
 public:
  explicit wide_server(std::size_t budget = yamux_limits{}.wide_window_session_bytes)
      : fixture(wide(role::server, budget)) {
    pass(0s);
  }

  wide_server& pass(mono_time::duration by) {
    now_ += by;
    machine().advance(now_);
    return *this;
  }

  /// The peer sends `bytes` on the stream; nobody reads them.
  wide_server& arrive(std::uint32_t id, std::size_t bytes) {
    static const auto body = pattern(window_bytes);
    for (; bytes > 0; bytes -= std::min<std::size_t>(bytes, body.size())) {
      peer(data_of(id, byte_view{body}.first(std::min<std::size_t>(bytes, body.size()))));
    }
    return *this;
  }
  wide_server& take(std::uint32_t id, std::size_t bytes) {
    byte_buffer into(bytes);
    const auto got = machine().read(stream_id{id}, into);
    EXPECT_TRUE(got.has_value() && got->value_or(0) == bytes) << "read of " << bytes << " on " << id;
    return *this;
  }
  /// Arrives and is read at once.
  wide_server& carry(std::uint32_t id, std::size_t bytes) { return arrive(id, bytes).take(id, bytes); }

  /// What was granted on the stream since the last call; other frames are forgotten.
  std::uint32_t granted(std::uint32_t id) {
    byte_buffer sent;
    drain_output(machine(), sent);
    (void)drain_events(machine());
    std::uint32_t sum = 0;
    for (const auto& f : wire::frames_in(sent)) {
      if (f.kind == wire::window_update && f.flags == wire::none && f.id == id) sum += f.length;
    }
    return sum;
  }

  /// A stream whose pace has begun, with half a window read, on a path whose round trip is known.
  void begin(std::uint32_t id, mono_time::duration round_trip) {
    (void)accepted(id);
    carry(id, step).expect_sent(ping_of(1), credit_of(id, step));
    pass(round_trip).peer(pong_of(1)).expect_no_events();
  }
  /// Another one.
  void begin(std::uint32_t id) {
    (void)accepted(id);
    carry(id, step);
    EXPECT_EQ(granted(id), step);
  }
  /// Doubles the window of the stream as often as it goes, and checks that it ends there.
  void widen(std::uint32_t id, std::uint32_t to) {
    auto& size = sizes_.try_emplace(id, window_bytes).first->second;
    for (std::uint32_t used = 0; size < to && used < 4 * wide_window_bytes; used += step) {
      carry(id, step);
      size += granted(id) - step;
    }
    ASSERT_EQ(size, to);
    for (std::uint32_t used = 0; used < to; used += step) {
      carry(id, step);
      EXPECT_EQ(granted(id), step) << "it grew beyond " << to;
    }
  }

 private:
  mono_time now_{1h};
  std::map<std::uint32_t, std::uint32_t> sizes_;
};

TEST(yamux_wide_sending, four_mib_of_credit_are_taken_and_one_more_byte_ends_the_session) {
  fixture client{wide(role::client)};
  (void)client.opened();
  client.peer(credit_of(1, wide_window_bytes - window_bytes)).expect_alive();
  client.peer(credit_of(1, 1)).expect_ended(yamux_errc::credit_overflow);
}

TEST(yamux_wide_sending, without_the_bit_one_byte_above_the_first_window_ends_the_session) {
  fixture client{role::client};
  (void)client.opened();
  client.peer(credit_of(1, 1)).expect_ended(yamux_errc::credit_overflow);
}

TEST(yamux_wide_sending, openings_and_acknowledgements_carry_no_credit_beyond_the_window) {
  fixture server{wide(role::server)};
  server.peer(wire::control_of(1, wire::syn, wide_window_bytes - window_bytes + 1))
      .expect_ended(yamux_errc::credit_overflow);
}

TEST(yamux_wide_sending, a_whole_wide_window_may_be_in_flight) {
  fixture client{wide(role::client)};
  const auto id = client.opened();
  const auto body = pattern(wide_window_bytes);
  client.peer(credit_of(1, wide_window_bytes - window_bytes));
  ASSERT_TRUE(client.machine().write(id, body).has_value());
  byte_buffer sent;
  drain_output(client.machine(), sent);
  EXPECT_EQ(sent.size(), wide_window_bytes + 64 * header_bytes);
  client.expect_events({"written 1 1"});
}

TEST(yamux_wide_growth, a_peer_without_the_bit_sees_none_of_it) {
  fixture server{role::server};
  const auto id = server.accepted(1);
  const auto body = pattern(window_bytes);
  for (int i = 0; i < 40; ++i) {
    server.peer(data_of(1, body));
    EXPECT_EQ(server.read(id, step)->size(), step);
    server.expect_sent(credit_of(1, step));
    EXPECT_EQ(server.read(id, step)->size(), step);
    server.expect_sent(credit_of(1, step));
  }
}

TEST(yamux_wide_growth, doubles_when_a_window_is_used_up_within_two_round_trips) {
  wide_server server;
  server.begin(1, 100ms);
  server.carry(1, step).expect_sent(credit_of(1, step));
  server.pass(100ms).carry(1, step).expect_sent(credit_of(1, step + window_bytes));
  server.carry(1, step).expect_sent(credit_of(1, step));
  server.pass(200ms).arrive(1, 3 * step).take(1, 3 * step).expect_sent(credit_of(1, 3 * step + 2 * window_bytes));
}

TEST(yamux_wide_growth, a_nanosecond_more_than_two_round_trips_is_too_slow) {
  wide_server server;
  server.begin(1, 100ms);
  server.carry(1, step).expect_sent(credit_of(1, step));
  server.pass(100ms + 1ns).carry(1, step).expect_sent(credit_of(1, step));
}

TEST(yamux_wide_growth, one_byte_less_than_the_window_is_not_used_up) {
  wide_server server;
  server.begin(1, 100ms);
  server.carry(1, window_bytes - 1).expect_sent(credit_of(1, window_bytes - 1));
  server.carry(1, step).expect_sent(credit_of(1, step + window_bytes));  // with the next grant it is
}

TEST(yamux_wide_growth, ends_at_four_mib) {
  wide_server server;
  server.begin(1, 100ms);
  server.widen(1, wide_window_bytes);
  server.arrive(1, wide_window_bytes).expect_sent_nothing().expect_alive();
  EXPECT_EQ(server.machine().unread_bytes(), wide_window_bytes);
  server.arrive(1, 1).expect_sent(reset_of(1)).expect_alive();
  EXPECT_EQ(server.machine().unread_bytes(), 0U);
}

TEST(yamux_wide_growth, ends_where_the_budget_ends) {
  wide_server server{100 * kib + 1};
  server.begin(1, 100ms);
  server.widen(1, window_bytes + 100 * kib + 1);
  server.arrive(1, window_bytes + 100 * kib + 1).expect_sent_nothing();
  server.arrive(1, 1).expect_sent(reset_of(1));
}

TEST(yamux_wide_growth, without_a_budget_nothing_grows_and_the_peer_may_still_grant) {
  wide_server server{0};
  server.begin(1, 100ms);
  for (int i = 0; i < 20; ++i) server.carry(1, step).expect_sent(credit_of(1, step));
  server.peer(credit_of(1, wide_window_bytes - window_bytes)).expect_alive();
}

TEST(yamux_wide_growth, bytes_that_nobody_reads_widen_nothing) {
  wide_server server;
  server.begin(1, 100ms);
  server.arrive(1, window_bytes).expect_sent_nothing();
  server.arrive(1, 1).expect_sent(reset_of(1));
}

TEST(yamux_wide_growth, bytes_taken_by_a_waiting_read_count) {
  wide_server server;
  server.begin(1, 100ms);
  byte_buffer into(window_bytes);
  ASSERT_EQ(*server.machine().read(stream_id{1}, into), std::nullopt);
  server.arrive(1, window_bytes).expect_sent(credit_of(1, 2 * window_bytes));
}

// ---- the round trip

TEST(yamux_wide_ping, one_is_under_way_at_a_time_and_it_is_nobodys_event) {
  wide_server server;
  (void)server.accepted(1);
  (void)server.accepted(3);
  server.carry(1, step).expect_sent(ping_of(1), credit_of(1, step));
  server.carry(3, step).expect_sent(credit_of(3, step));
  server.pass(10s).carry(3, 2 * step).expect_sent(credit_of(3, 2 * step));
  server.peer(pong_of(1)).expect_no_events();
}

TEST(yamux_wide_ping, a_peer_that_never_answers_gets_one_ping_and_no_wide_window) {
  wide_server server;
  (void)server.accepted(1);
  server.carry(1, step).expect_sent(ping_of(1), credit_of(1, step));
  for (int i = 0; i < 40; ++i) server.pass(1ms).carry(1, step).expect_sent(credit_of(1, step));
}

TEST(yamux_wide_ping, the_next_one_comes_a_second_later_while_a_stream_is_fast) {
  wide_server server;
  server.begin(1, 100ms);
  server.carry(1, 2 * step).expect_sent(credit_of(1, 2 * step + window_bytes));
  server.pass(900ms - 1ns).carry(1, 4 * step).expect_sent(credit_of(1, 4 * step));   // slow
  server.carry(1, 4 * step).expect_sent(credit_of(1, 4 * step + 2 * window_bytes));  // too early
  server.pass(1ns).carry(1, 8 * step).expect_sent(ping_of(2), credit_of(1, 8 * step + 4 * window_bytes));
}

TEST(yamux_wide_ping, the_shortest_of_the_round_trips_counts) {
  wide_server server;
  server.begin(1, 1s);
  server.carry(1, 2 * step).expect_sent(ping_of(2), credit_of(1, 2 * step + window_bytes));
  server.pass(50ms).peer(pong_of(2));
  server.pass(51ms).carry(1, 4 * step).expect_sent(credit_of(1, 4 * step));  // 101 ms are slow now
}

TEST(yamux_wide_ping, a_probe_of_the_application_is_a_ping_of_its_own_and_a_sample) {
  wide_server server;
  (void)server.accepted(1);
  server.carry(1, step).expect_sent(ping_of(1), credit_of(1, step));
  server.pass(1s);
  EXPECT_EQ(*server.machine().probe(), 2U);
  EXPECT_EQ(*server.machine().probe(), 2U);  // applications share
  server.expect_sent(ping_of(2));
  server.pass(100ms).peer(pong_of(1)).expect_no_events();
  server.peer(pong_of(2)).expect_events({"probed 2"});
  server.carry(1, 2 * step).expect_sent(credit_of(1, 2 * step));  // its first window took 1100 ms
  server.pass(200ms).carry(1, 2 * step).expect_sent(ping_of(3), credit_of(1, 2 * step + window_bytes));
}

TEST(yamux_wide_ping, while_a_probe_is_under_way_none_is_sent) {
  wide_server server;
  (void)server.accepted(1);
  EXPECT_EQ(*server.machine().probe(), 1U);
  server.expect_sent(ping_of(1));
  server.carry(1, step).expect_sent(credit_of(1, step));
  server.pass(100ms).peer(pong_of(1)).expect_events({"probed 1"});
  server.carry(1, 2 * step).expect_sent(credit_of(1, 2 * step + window_bytes));
}

// ---- sharing

TEST(yamux_wide_share, streams_that_receive_get_equal_parts) {
  wide_server server{1024 * kib};
  server.begin(1, 100ms);
  for (const std::uint32_t id : {3U, 5U, 7U}) server.begin(id);
  for (const std::uint32_t id : {1U, 3U, 5U, 7U}) server.widen(id, 2 * window_bytes);
}

TEST(yamux_wide_share, what_is_above_a_share_comes_back_as_withheld_credit) {
  wide_server server{1024 * kib};
  server.begin(1, 100ms);
  server.widen(1, 1280 * kib);
  server.begin(3);
  server.carry(3, 2 * step);
  EXPECT_EQ(server.granted(3), 2 * step);  // nothing is left yet
  // The first one's share is 768 KiB now: what it has beyond that is used and not granted again.
  server.carry(1, 512 * kib);
  EXPECT_EQ(server.granted(1), 0U);
  server.carry(1, step);
  EXPECT_EQ(server.granted(1), step);
  server.widen(3, 768 * kib);
}

TEST(yamux_wide_share, a_stream_that_rests_has_no_claim) {
  wide_server server{1024 * kib};
  server.begin(1, 100ms);
  server.begin(3);
  server.pass(900ms);
  server.widen(3, 768 * kib);  // the other one rests for no longer than a second
  server.pass(1ns);
  server.widen(3, 1280 * kib);
}

TEST(yamux_wide_share, the_time_to_rest_is_four_round_trips_on_a_long_path) {
  wide_server server{1024 * kib};
  server.begin(1, 600ms);
  server.begin(3);
  server.pass(1800ms);
  server.widen(3, 768 * kib);
  server.pass(1ns);
  server.widen(3, 1280 * kib);
}

TEST(yamux_wide_share, a_stream_that_rests_keeps_what_it_holds) {
  wide_server server{1024 * kib};
  server.begin(1, 100ms);
  server.widen(1, 1280 * kib);
  server.pass(1min);
  server.begin(3);
  server.widen(3, window_bytes);
  server.arrive(1, 1280 * kib).expect_alive();
  EXPECT_EQ(server.machine().unread_bytes(), 1280 * kib);
}

TEST(yamux_wide_share, the_end_of_a_stream_gives_its_part_back) {
  wide_server server{1024 * kib};
  server.begin(1, 100ms);
  server.widen(1, 1280 * kib);
  server.peer(reset_of(1));
  server.begin(3);
  server.widen(3, 1280 * kib);
  server.machine().reset(stream_id{3});
  server.begin(5);
  server.widen(5, 1280 * kib);
  server.peer(wire::close_of(5));
  server.begin(7);
  server.widen(7, 1280 * kib);
}

TEST(yamux_wide_share, what_is_unread_behind_fin_comes_back_as_it_is_read) {
  wide_server server{1024 * kib};
  server.begin(1, 100ms);
  server.widen(1, 1280 * kib);
  server.arrive(1, 1280 * kib).peer(wire::close_of(1));
  server.begin(3);
  server.carry(3, 2 * step);
  EXPECT_EQ(server.granted(3), 2 * step);  // all of it is still held
  server.take(1, 512 * kib);
  server.widen(3, 768 * kib);
}

// ---- memory

TEST(yamux_wide_memory, the_budget_comes_on_top_of_the_sessions_receive_limit) {
  wide_server server{1024 * kib};
  server.begin(1, 100ms);
  server.widen(1, 1280 * kib);
  server.arrive(1, 1280 * kib);
  for (std::uint32_t id = 3; id < 3 + 2 * 31; id += 2) {
    (void)server.accepted(id);
    server.arrive(id, window_bytes);
  }
  server.expect_alive();
  EXPECT_EQ(server.machine().unread_bytes(), 32 * window_bytes + 1024 * kib);
}

TEST(yamux_wide_memory, unread_bytes_above_both_budgets_end_the_session) {
  for (const bool one_more : {false, true}) {
    auto options = wide(role::server, window_bytes);
    options.limits.max_session_receive_bytes = window_bytes;
    fixture server{options};
    (void)server.accepted(1);
    (void)server.accepted(3);
    (void)server.accepted(5);
    const auto body = pattern(window_bytes);
    server.peer(data_of(1, body), data_of(3, body)).expect_alive();
    if (one_more) server.peer(data_of(5, pattern(1))).expect_ended(yamux_errc::session_memory_exceeded);
  }
}

TEST(yamux_wide_memory, a_peer_that_floods_loses_its_streams_and_leaves_nothing) {
  wide_server server;
  server.begin(1, 1ms);
  server.widen(1, wide_window_bytes);
  for (std::uint32_t id = 3; id < 3 + 2 * 20; id += 2) (void)server.accepted(id);
  for (std::uint32_t id = 1; id < 3 + 2 * 20; id += 2) {
    for (int i = 0; i < 64; ++i) server.arrive(id, 65536 + i);
    EXPECT_EQ(server.machine().unread_bytes(), 0U) << id;
  }
  server.expect_alive();
  EXPECT_EQ(server.machine().receive_memory_bytes(), 0U);
}

}  // namespace
}  // namespace flowersec::yamux
