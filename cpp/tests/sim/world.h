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

/// Somebody beside the ends of channels who does something when it is due.
class actor {
 public:
  virtual ~actor() = default;
  /// Does what can be done now. Whether there was anything.
  virtual bool step() = 0;
  [[nodiscard]] virtual std::optional<mono_time> next_due() const = 0;
};

class world {
 public:
  explicit world(std::uint64_t seed, network_options how = {}, tunnel::tunnel_limits limits = {},
                 std::shared_ptr<tunnel::observer> events = nullptr,
                 std::shared_ptr<tunnel::replay_store> replay = nullptr)
      : tunnel(limits, nullptr, std::move(events), std::move(replay)), pick(seed), network(how) {}

  side& add_client(side_options options = {}) { return add(side::role::client, std::move(options)); }
  side& add_server(side_options options = {}) { return add(side::role::server, std::move(options)); }

  /// An end with a machine and an attach message made elsewhere. It stays until the world ends.
  side& add_planned(session::machine_options options, std::string attach_text, const script& plan,
                    std::chrono::seconds clock_ahead = std::chrono::seconds{0}) {
    sides_.push_back(
        std::make_unique<side>(tunnel, std::move(options), std::move(attach_text), plan, network, pick, clock_ahead));
    awake_.push_back(sides_.back().get());
    return *sides_.back();
  }
  /// It must outlive the world's last run().
  void add(actor& who) { actors_.push_back(&who); }
  [[nodiscard]] const std::vector<std::unique_ptr<side>>& sides() const noexcept { return sides_; }

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
  /// Called when everybody had a turn.
  std::function<void()> after_round = [] {};
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
    awake_.push_back(sides_.back().get());
    return *sides_.back();
  }

  bool settle(const std::function<bool()>& done) {
    for (bool moved = true; moved;) {
      moved = false;
      for (auto* who : actors_) moved = who->step() || moved;
      const auto first = awake_.empty() ? 0 : pick.below(awake_.size());
      for (std::size_t i = 0; i < awake_.size(); ++i) {
        auto& next = *awake_[(first + i) % awake_.size()];
        before_step(steps_);
        if (!next.step()) continue;
        ++steps_;
        moved = true;
      }
      tunnel.run();
      most_queued_bytes_ = std::max(most_queued_bytes_, tunnel.shared->total_bytes.held());
      after_round();
      if (done()) return true;
    }
    return false;
  }
  [[nodiscard]] mono_time next_due() const {
    auto next = *tunnel.core->next_wakeup();
    for (const auto* side : awake_) next = std::min(next, side->next_due().value_or(next));
    for (const auto* who : actors_) next = std::min(next, who->next_due().value_or(next));
    return next;
  }
  void move_to(mono_time when) {
    std::erase_if(awake_, [](const side* one) { return one->at_rest(); });
    const auto by = when - tunnel.clock.mono;
    tunnel.clock.mono = when;
    tunnel.clock.wall += std::chrono::duration_cast<wall_time::duration>(by);
  }

  std::vector<std::unique_ptr<side>> sides_;
  std::vector<side*> awake_;  // those not at rest
  std::vector<actor*> actors_;
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
