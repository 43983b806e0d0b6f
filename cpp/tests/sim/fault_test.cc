// What must end well: the same script again and again, with one connection broken one step, or some bytes, later.
#include "world.h"

namespace flowersec::sim {
namespace {

constexpr network_options network{.longest_delay = 1ms, .capacity_bytes = 3000, .largest_piece = 1500};

side_options options_of_script() {
  return {.plan = {.streams = 2, .up_bytes = 3000, .down_bytes = 2500, .calls = 2},
          .probes = session::liveness{.interval = 2s, .timeout = 1s}};
}

struct triple {
  triple() : client(all.add_client(options_of_script())), server(all.add_server(options_of_script())) {}

  [[nodiscard]] side& end(side::role which) { return which == side::role::client ? client : server; }

  /// Whatever broke: both sessions end within the longest of their time-outs, and the tunnel forgets them within its
  /// own, the longest of which is that of a write to a peer that has vanished.
  void expect_orderly_end() {
    EXPECT_TRUE(all.run(14s, [&] { return client.core().over() && server.core().over(); }));
    all.run(20s);
    expect_typed_end(client);
    expect_typed_end(server);
    all.expect_empty_tunnel();
  }

  world all{21, network};
  side& client;
  side& server;
};

triple& without_faults() {
  static triple undisturbed;
  static const bool done = undisturbed.all.run_until_done(undisturbed.client, undisturbed.server);
  EXPECT_TRUE(done);
  return undisturbed;
}

void break_at_every_step(side::role which, fault how) {
  const auto steps = without_faults().all.steps();
  ASSERT_GT(steps, 60u);
  for (std::size_t step = 0; step <= steps; ++step) {
    SCOPED_TRACE(step);
    triple run;
    bool broken = false;
    run.all.before_step = [&](std::size_t now) {
      if (now < step || std::exchange(broken, true)) return;
      run.end(which).line.break_as(how);
    };
    run.expect_orderly_end();
    ASSERT_TRUE(broken);
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(fault_replay, a_client_reset_at_any_step_ends_both_sides) {
  break_at_every_step(side::role::client, fault::reset);
}
TEST(fault_replay, a_server_reset_at_any_step_ends_both_sides) {
  break_at_every_step(side::role::server, fault::reset);
}
TEST(fault_replay, a_client_that_stops_sending_at_any_step_ends_both_sides) {
  break_at_every_step(side::role::client, fault::ended);
}
TEST(fault_replay, a_server_that_stops_sending_at_any_step_ends_both_sides) {
  break_at_every_step(side::role::server, fault::ended);
}
TEST(fault_replay, a_client_that_vanishes_at_any_step_is_noticed_by_probes) {
  break_at_every_step(side::role::client, fault::silence);
}
TEST(fault_replay, a_server_that_vanishes_at_any_step_is_noticed_by_probes) {
  break_at_every_step(side::role::server, fault::silence);
}

TEST(fault_replay, a_connection_cut_inside_any_frame_ends_both_sides) {
  constexpr std::size_t stride = 113;  // a prime: headers, payloads and boundaries are all hit
  for (const auto which : {side::role::client, side::role::server}) {
    const auto& line = without_faults().end(which).line;
    for (const bool up : {true, false}) {
      const auto bytes = up ? line.bytes_up() : line.bytes_down();
      for (std::size_t at = 0; at < bytes; at += at < 64 ? 1 : stride) {
        SCOPED_TRACE(at);
        triple run;
        auto& victim = run.end(which).line;
        const auto how = at % 2 == 0 ? fault::reset : fault::ended;
        up ? victim.break_after_bytes_up(at, how) : victim.break_after_bytes_down(at, how);
        run.expect_orderly_end();
        if (::testing::Test::HasFailure()) return;
      }
    }
  }
}

}  // namespace
}  // namespace flowersec::sim
