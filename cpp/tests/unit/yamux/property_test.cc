// Random limits, random traffic, random chunking: windows stay in range, all bytes arrive, memory returns to zero.
#include <gtest/gtest.h>

#include "simulation.h"

namespace flowersec::yamux {
namespace {

yamux_limits random_limits(std::mt19937_64& random, bool wide) {
  const auto between = [&random](std::size_t low, std::size_t high) {
    return std::uniform_int_distribution<std::size_t>{low, high}(random);
  };
  yamux_limits limits;
  limits.max_active_streams = between(1, wide ? 4 : 20);  // few get far
  limits.max_inbound_streams = between(1, limits.max_active_streams);
  limits.max_frame_bytes = 262144;  // a peer may send frames of 64 KiB whatever we like ourselves
  limits.preferred_outbound_frame_bytes = between(1024, 65536);
  limits.max_stream_write_queue_bytes = between(1, 300000);
  limits.max_stream_receive_bytes = between(262144, 400000);
  limits.max_session_receive_bytes = limits.max_active_streams * 262144 + 400000;  // never the cause of an end here
  if (wide) limits.wide_window_session_bytes = between(100000, 3000000);
  EXPECT_TRUE(limits.validate().has_value());
  return limits;
}

class random_pair {
 public:
  random_pair(std::uint64_t seed, bool with_resets, bool wide_windows = false)
      : random_(seed),
        of_client_{.is = role::client, .limits = random_limits(random_, wide_windows), .wide_windows = wide_windows},
        of_server_{.is = role::server, .limits = random_limits(random_, wide_windows), .wide_windows = wide_windows},
        client_(of_client_, seed + 1, with_resets),
        server_(of_server_, seed + 2, with_resets),
        checker_(wide_windows ? wide_window_bytes : window_bytes, {budget_of(of_server_), budget_of(of_client_)}) {}

  void run(int steps) {
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) {
      // Time stands still, so that every stream is fast, but for pauses after which streams rest.
      if (i % 300 == 299) {
        client_.pass(std::chrono::seconds{2});
        server_.pass(std::chrono::seconds{2});
      }
      (coin() ? client_ : server_).random_step();
      if (coin()) exchange(client_, to_server_, server_);
      if (coin()) exchange(server_, to_client_, client_);
    }
    // A stream refused by the other side's limit fails, so both applications come to rest.
    for (int i = 0; i < 100000 && !(client_.is_quiet() && server_.is_quiet()); ++i) {
      if (::testing::Test::HasFailure()) return;
      client_.wind_down();
      server_.wind_down();
      exchange(client_, to_server_, server_);
      exchange(server_, to_client_, client_);
    }
    EXPECT_TRUE(client_.is_quiet() && server_.is_quiet());
    while (!to_server_.empty() || !to_client_.empty() || client_.machine().has_output() ||
           server_.machine().has_output()) {
      exchange(client_, to_server_, server_);
      exchange(server_, to_client_, client_);
    }
    for (auto* side : {&client_, &server_}) {
      EXPECT_EQ(side->machine().active_streams(), 0U);
      EXPECT_EQ(side->machine().unread_bytes(), 0U);
      EXPECT_EQ(side->machine().receive_memory_bytes(), 0U);
      EXPECT_FALSE(side->machine().ended().has_value());
    }
  }

  [[nodiscard]] std::size_t bytes_read() const { return client_.bytes_read() + server_.bytes_read(); }
  [[nodiscard]] std::int64_t widest_window() const { return checker_.widest_seen(); }
  [[nodiscard]] std::size_t finished() const { return client_.streams_finished(); }

 private:
  bool coin() { return (random_() & 1U) != 0; }
  [[nodiscard]] static std::int64_t budget_of(const session_options& options) {
    return static_cast<std::int64_t>(options.wide_windows ? options.limits.wide_window_session_bytes : 0);
  }

  void exchange(sim_peer& from, byte_buffer& pipe, sim_peer& to) {
    from.send(pipe, 13 + random_() % 100000, checker_);
    from.on_events();
    std::size_t at = 0;
    while (at < pipe.size() && (at == 0 || coin())) {
      const auto piece = std::min<std::size_t>(pipe.size() - at, 1 + random_() % (coin() ? 20 : 70000));
      to.machine().receive(byte_view{pipe}.subspan(at, piece));
      to.on_events();
      at += piece;
    }
    pipe.erase(pipe.begin(), pipe.begin() + static_cast<std::ptrdiff_t>(at));
  }

  std::mt19937_64 random_;
  session_options of_client_;
  session_options of_server_;
  sim_peer client_;
  sim_peer server_;
  byte_buffer to_server_;
  byte_buffer to_client_;
  wire_checker checker_;
};

class yamux_random : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(yamux_random, all_bytes_arrive_and_memory_returns_to_zero) {
  random_pair pair{GetParam() * 1000, false};
  pair.run(1000);
  EXPECT_GT(pair.bytes_read(), 0U);
}

TEST_P(yamux_random, resets_at_any_time_leave_nothing_behind) {
  random_pair pair{GetParam() * 1000 + 500, true};
  pair.run(1000);
}

INSTANTIATE_TEST_SUITE_P(seeds, yamux_random, ::testing::Range<std::uint64_t>(1, 9));

TEST(yamux_random_wide, windows_stay_within_both_budgets) {
  std::int64_t widest = 0;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    random_pair pair{seed * 1000 + 750, seed % 2 == 0, true};
    pair.run(1000);
    widest = std::max(widest, pair.widest_window());
  }
  EXPECT_GT(widest, window_bytes);
}

}  // namespace
}  // namespace flowersec::yamux
