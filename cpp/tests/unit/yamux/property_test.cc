// Random limits, random traffic, random chunking: windows stay in range, all bytes arrive, memory returns to zero.
#include <gtest/gtest.h>

#include "simulation.h"

namespace flowersec::yamux {
namespace {

yamux_limits random_limits(std::mt19937_64& random) {
  const auto between = [&random](std::size_t low, std::size_t high) {
    return std::uniform_int_distribution<std::size_t>{low, high}(random);
  };
  yamux_limits limits;
  limits.max_active_streams = between(1, 20);
  limits.max_inbound_streams = between(1, limits.max_active_streams);
  limits.max_frame_bytes = 262144;  // a peer may send frames of 64 KiB whatever we like ourselves
  limits.preferred_outbound_frame_bytes = between(1024, 65536);
  limits.max_stream_write_queue_bytes = between(1, 300000);
  limits.max_stream_receive_bytes = between(262144, 400000);
  limits.max_session_receive_bytes = limits.max_active_streams * 262144 + 400000;  // never the cause of an end here
  EXPECT_TRUE(limits.validate().has_value());
  return limits;
}

class random_pair {
 public:
  random_pair(std::uint64_t seed, bool with_resets)
      : random_(seed),
        client_(role::client, random_limits(random_), seed + 1, with_resets),
        server_(role::server, random_limits(random_), seed + 2, with_resets) {}

  void run(int steps) {
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) {
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
  [[nodiscard]] std::size_t finished() const { return client_.streams_finished(); }

 private:
  bool coin() { return (random_() & 1U) != 0; }

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

}  // namespace
}  // namespace flowersec::yamux
