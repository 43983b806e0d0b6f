// The whole simulation: ends, tunnel and network on one virtual clock, which jumps from one thing that is due to the
// next. The tunnel is the real relay and the ends are real session machines; only sockets and threads are missing.
// Test support.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include "side.h"

namespace flowersec::sim {

using namespace std::chrono_literals;
using session::session_errc;

class world {
 public:
  explicit world(std::uint64_t seed, network_options how = {}, tunnel::tunnel_limits limits = {})
      : tunnel(limits), pick(seed), network(how) {}

  side& add_client(side_options options = {}) { return add(side::role::client, std::move(options)); }
  side& add_server(side_options options = {}) { return add(side::role::server, std::move(options)); }

  /// Lets time pass, for this long or until `done`. Whether it was.
  bool run(
      std::chrono::microseconds span, const std::function<bool()>& done = [] { return false; }) {
    const auto end = tunnel.clock.mono + span;
    for (;;) {
      if (settle(done)) return true;
      const auto next = next_due();
      // Whatever wanted to be called by now has been called.
      EXPECT_GT(next, tunnel.clock.mono);
      if (next <= tunnel.clock.mono) return false;
      move_to(std::min(next, end));
      if (next > end) return settle(done);
    }
  }
  bool run_until_done(side& client, side& server, std::chrono::microseconds span = 60s) {
    return run(span, [&] { return client.app.done() && server.app.done(); });
  }
  /// Called before every step, a step being the smallest thing that one end does.
  std::function<void(std::size_t step)> before_step = [](std::size_t) {};
  [[nodiscard]] std::size_t steps() const noexcept { return steps_; }
  [[nodiscard]] std::uint64_t most_queued_bytes() const noexcept { return most_queued_bytes_; }

  /// Nothing is left in the tunnel of anything that ever came.
  void expect_empty_tunnel() const {
    const auto& shared = *tunnel.shared;
    EXPECT_EQ(shared.channels.value(), 0u);
    EXPECT_EQ(tunnel.core->channel_count(), 0u);
    EXPECT_EQ(shared.connections.value(), 0u);
    EXPECT_EQ(shared.total_bytes.held(), 0u);
    EXPECT_EQ(shared.stalled_blocks.taken(), 0u);
    for (const auto& budget : shared.scopes.budgets()) EXPECT_EQ(budget->bytes.held(), 0u);
  }

  tunnel_world tunnel;
  choices pick;
  network_options network;

 private:
  side& add(side::role is, side_options options) {
    sides_.push_back(std::make_unique<side>(tunnel, is, std::move(options), network, pick));
    return *sides_.back();
  }

  bool settle(const std::function<bool()>& done) {
    for (bool moved = true; moved;) {
      moved = false;
      const auto first = pick.below(sides_.size());
      for (std::size_t i = 0; i < sides_.size(); ++i) {
        auto& next = *sides_[(first + i) % sides_.size()];
        before_step(steps_);
        if (!next.step()) continue;
        ++steps_;
        moved = true;
      }
      tunnel.run();
      most_queued_bytes_ = std::max(most_queued_bytes_, tunnel.shared->total_bytes.held());
      if (done()) return true;
    }
    return false;
  }
  [[nodiscard]] mono_time next_due() const {
    auto next = *tunnel.core->next_wakeup();
    for (const auto& side : sides_) next = std::min(next, side->next_due().value_or(next));
    return next;
  }
  void move_to(mono_time when) {
    const auto by = when - tunnel.clock.mono;
    tunnel.clock.mono = when;
    tunnel.clock.wall += std::chrono::duration_cast<wall_time::duration>(by);
  }

  std::vector<std::unique_ptr<side>> sides_;
  std::size_t steps_ = 0;
  std::uint64_t most_queued_bytes_ = 0;
};

/// Both sides ended, once, in a way that has a name.
inline void expect_typed_end(const side& one) {
  EXPECT_EQ(one.times_over(), 1);
  EXPECT_TRUE(one.over_because());
  EXPECT_FALSE(one.app.saw_wrong_content());
  EXPECT_FALSE(one.framing_broke());
}

}  // namespace flowersec::sim
