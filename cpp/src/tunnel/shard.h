// One I/O thread's share of the tunnel: its connections, channels, timers and blocks. No sockets, no epoll: it is told
// the time and the readiness of links, so it runs on a virtual clock as well.
// Layer tunnel. Everything but post() belongs to the thread that calls run().
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "flowersec/ws/close.h"
#include "tunnel/bandwidth_history.h"
#include "tunnel/channel_decisions.h"
#include "tunnel/channel_table.h"
#include "tunnel/connection.h"
#include "tunnel/shared_state.h"

namespace flowersec::tunnel {

/// A connection whose attach was accepted, on its way to the shard that owns its channel.
struct newcomer {
  link_ptr pipe;
  connection_ticket ticket;
  verified_token token;
  std::optional<wall_time> lease_expires;
  byte_buffer early;  ///< received behind the attach message
  std::string remote_addr;
};

/// Finds the shard that owns a channel.
class shard_router {
 public:
  virtual ~shard_router() = default;
  virtual void deliver(std::shared_ptr<newcomer> who) = 0;
};

class shard {
 public:
  /// All outlive the shard. One shard of a tunnel keeps the replay store tidy.
  shard(shared_state& shared, poller& links, shard_router& router, bool keeps_replay_store);
  ~shard();
  shard(const shard&) = delete;
  shard& operator=(const shard&) = delete;

  [[nodiscard]] shared_state& shared() noexcept { return shared_; }
  [[nodiscard]] const tunnel_limits& limits() const noexcept { return shared_.limits; }
  [[nodiscard]] mono_time now() const noexcept { return now_; }
  void set_time(mono_time now) noexcept { now_ = now; }

  // What the runner calls.

  /// A WebSocket connection right after its upgrade. `early` was received behind the request, `place` is its own
  /// among the connections of its source.
  void welcome(link_ptr pipe, byte_buffer early, std::string origin, std::string remote_addr, source_place place = {});
  /// A connection that this shard owns from now on.
  void admit(newcomer who);
  /// From any thread: runs `task` on the shard's thread. `wake` is called when that thread may be asleep.
  void post(std::function<void()> task);
  void set_wake(std::function<void()> wake) { wake_ = std::move(wake); }
  /// Everything that is due at now(): posted tasks, waiting turns, deadlines, the sweep.
  void run();
  /// When run() has something to do without a new event; nullopt for at once.
  [[nodiscard]] std::optional<mono_time> next_wakeup() const noexcept;
  /// Lets nobody new in, dismisses who has no peer, and lets pairs go on for at most `longest`. Reports to
  /// shared_state::drained when nobody is left.
  void begin_drain(std::chrono::milliseconds longest);
  /// Drops every connection, without close frames.
  void shut_down();

  // What connections call.

  template <class Phase>
  Phase& add(std::unique_ptr<Phase> phase) {
    Phase& added = *phase;
    enlist(std::move(phase));
    return added;
  }
  /// Takes a connection out of all lists. It stays alive until the current event is over.
  void retire(connection& who);
  /// on_deadline() will be called at `when`, at most timer_grain late. Replaces an earlier time.
  void arm(connection& who, mono_time when);
  void disarm(connection& who) noexcept;
  void run_later(connection& who);
  void watch(connection& who) { links_.watch(who.pipe(), who); }
  void unwatch(link& pipe) { links_.forget(pipe); }
  void deliver(std::shared_ptr<newcomer> who) { router_.deliver(std::move(who)); }

  /// Says `farewell` (a whole frame, or nothing), ends the writing side, reads what still comes for a bounded time, and
  /// closes: a close with unread input would turn into a reset that destroys what the peer has not read yet.
  void depart(link_ptr pipe, byte_buffer farewell);
  void refuse(link_ptr pipe, attach_reason why, const refused_peer& peer);
  /// Refuses a newcomer of a draining tunnel.
  void send_away(link_ptr pipe, const refused_peer& peer);

  /// Ends a channel. `event` counts on its own, beside one event per connection that still reads.
  void close_channel(channel& room, std::optional<close_reason> event, close_reason told_to_observer);
  /// The block every read goes to.
  [[nodiscard]] block_ptr& working_block() noexcept { return working_block_; }
  [[nodiscard]] block_pool& blocks() noexcept { return blocks_; }
  [[nodiscard]] std::size_t channel_count() const noexcept { return channels_.size(); }

  // What a policy and the statistics ask for.

  /// Adds a report of each channel of this shard.
  void report(reported_channels which, std::vector<channel_report>& into);
  /// Whether the decision fits the channel it is about, or there is none.
  [[nodiscard]] bool accepts(const channel_decision& decision) const;
  void apply(const channel_decision& decision);

  static constexpr std::chrono::milliseconds timer_grain{20};
  /// Connections that may wait to be read to their end. Beyond so many the time is not bounded any more by what a
  /// well-behaved peer needs; one more is told what its socket takes, and closed.
  static constexpr std::size_t most_departures = 1024;

 private:
  void enlist(std::unique_ptr<connection> who);
  void run_posted();
  void run_turns();
  void run_timers();
  void sweep();
  void thin_out();
  void depart_at_once(link_ptr pipe, byte_view farewell);
  void dissolve(std::unique_ptr<channel> room, std::optional<close_reason> event, close_reason told_to_observer);
  void pair(channel& room);
  [[nodiscard]] channel* find(const channel_decision& decision) const;

  shared_state& shared_;
  poller& links_;
  shard_router& router_;
  mono_time now_{};
  channel_table channels_;
  bandwidth_history history_;
  block_pool blocks_;
  block_ptr working_block_;
  std::vector<std::unique_ptr<connection>> connections_;
  std::vector<std::unique_ptr<connection>> retired_;
  std::vector<connection*> timers_;
  std::optional<mono_time> next_deadline_;
  std::vector<connection*> turns_;
  std::vector<connection*> turns_now_;
  mono_time next_sweep_{};
  const bool keeps_replay_store_;
  std::optional<drain_plan> drain_;
  bool reported_empty_ = false;
  std::size_t departures_ = 0;
  std::vector<link_ptr> closing_links_;  ///< an event of the present batch may still name them

  std::atomic<bool> has_posted_{false};
  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_;
  std::function<void()> wake_;

  friend class departure;
};

[[nodiscard]] byte_buffer make_close_frame(std::uint16_t code, std::string_view reason);

}  // namespace flowersec::tunnel
