// Liveness: automatic probes, probes asked for, silence.
#include <gtest/gtest.h>

#include "support/session_pair.h"

namespace flowersec::testing {
namespace {

using namespace std::chrono_literals;
using session::default_liveness;
using session::liveness;
using session::probe_finished;
using session::session_errc;

TEST(liveness, is_derived_from_the_idle_time_out) {
  struct row {
    std::chrono::seconds idle;
    std::chrono::milliseconds interval;
    std::chrono::milliseconds timeout;
  };
  for (const auto& row : {row{60s, 30s, 10s}, row{10s, 5s, 5s}, row{1s, 500ms, 500ms}, row{2s, 1s, 1s},
                          row{20s, 10s, 10s}, row{21s, 10'500ms, 10s}}) {
    EXPECT_EQ(default_liveness(row.idle), (liveness{.interval = row.interval, .timeout = row.timeout}))
        << row.idle.count();
  }
  EXPECT_EQ(default_liveness(0s), std::nullopt);
  EXPECT_EQ(default_liveness(-1s), std::nullopt);
}

machine_options probing(machine_options options) {
  options.probes = liveness{.interval = 5s, .timeout = 2s};
  return options;
}

TEST(liveness, probes_one_interval_after_the_start_and_after_each_answer) {
  session_pair pair{probing(client_options_of())};
  pair.settle();
  pair.pass(4'999ms);
  EXPECT_FALSE(pair.client.core().has_output());
  pair.pass(1ms);
  EXPECT_TRUE(pair.client.core().has_output());
  pair.pass(1s);
  pair.settle();  // answered after one second
  pair.pass(4'999ms);
  EXPECT_FALSE(pair.client.core().has_output());
  pair.pass(1ms);
  EXPECT_TRUE(pair.client.core().has_output());
  pair.settle();
  EXPECT_EQ(pair.client.count<probe_finished>(), 0u);  // nobody asked for these
}

TEST(liveness, may_be_of_any_length) {
  auto options = client_options_of();
  options.probes = liveness{.interval = std::chrono::milliseconds::max(), .timeout = 1ms};
  session_pair patient{std::move(options)};
  patient.settle();
  patient.pass(24h);
  EXPECT_FALSE(patient.client.core().has_output());

  options = client_options_of();
  options.probes = liveness{.interval = 5s, .timeout = std::chrono::milliseconds::max()};
  session_pair pair{std::move(options)};
  pair.settle();
  pair.pass(5s);
  EXPECT_TRUE(pair.client.core().has_output());
  pair.pass(24h);
  EXPECT_EQ(pair.client.over_because(), error_code{});
}

TEST(liveness, both_roles_probe) {
  session_pair pair{client_options_of(), probing(server_options_of())};
  pair.settle();
  pair.pass(5s);
  EXPECT_TRUE(pair.server.core().has_output());
  EXPECT_FALSE(pair.client.core().has_output());
}

TEST(liveness, a_silent_peer_ends_the_session_after_the_time_out) {
  session_pair pair{probing(client_options_of())};
  pair.settle();
  pair.pass(5s);
  static_cast<void>(pair.client.take_messages());
  pair.pass(1'999ms);
  EXPECT_FALSE(pair.client.core().over());
  EXPECT_EQ(pair.client.core().deadline(), pair.time.mono + 1ms);
  pair.pass(1ms);
  EXPECT_EQ(pair.client.over_because(), session_errc::probe_timeout);
}

TEST(probe, measures_the_round_trip) {
  session_pair pair;
  pair.settle();
  const auto id = pair.client.core().probe(10s, pair.time.now()).value();
  session_pair::carry(pair.client, pair.server);
  pair.pass(70ms);
  pair.settle();
  ASSERT_NE(pair.client.last<probe_finished>(), nullptr);
  EXPECT_EQ(pair.client.last<probe_finished>()->id, id);
  EXPECT_EQ(pair.client.last<probe_finished>()->round_trip, 70ms);
}

TEST(probe, several_share_one_ping) {
  session_pair pair;
  pair.settle();
  ASSERT_TRUE(pair.client.core().probe(10s, pair.time.now()));
  ASSERT_TRUE(pair.client.core().probe(10s, pair.time.now()));
  ASSERT_TRUE(pair.client.core().probe(10s, pair.time.now()));
  EXPECT_EQ(pair.client.take_messages().at(0).size(), record::overhead_bytes + yamux::header_bytes);
  ASSERT_TRUE(pair.client.core().probe(10s, pair.time.now()));
  EXPECT_TRUE(pair.client.take_messages().empty());
}

TEST(probe, one_that_was_given_up_does_not_end_the_session) {
  session_pair pair;
  pair.settle();
  const auto id = pair.client.core().probe(1s, pair.time.now()).value();
  static_cast<void>(pair.client.take_messages());
  pair.client.core().cancel_probe(id);
  pair.pass(10s);
  EXPECT_FALSE(pair.client.core().over());
}

TEST(probe, needs_a_session) {
  virtual_time time;
  end_point client{client_options_of(), time};
  EXPECT_EQ(client.core().probe(1s, time.now()).error(), session_errc::streams_gone);
}

}  // namespace
}  // namespace flowersec::testing
