// What every connection of a shard is: a link, a timer, and a place in the shard's lists.
// Layer tunnel. The phases (HTTP, attach, relay, departure) are its subclasses; the link moves from one to the next.
#pragma once

#include <limits>
#include <utility>

#include "flowersec/base/clock.h"
#include "tunnel/link.h"

namespace flowersec::tunnel {

class shard;

/// Turns are short, so that one busy connection does not delay the others: no more reads than this, then
/// shard::run_later.
inline constexpr int most_reads_per_turn = 4;

class connection : public link_watcher {
 public:
  connection(shard& home, link_ptr pipe) noexcept : home_(home), pipe_(std::move(pipe)) {}
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  /// The time given to shard::arm has come.
  virtual void on_deadline() = 0;
  /// After shard::run_later: another turn for a connection that had more to do.
  virtual void on_turn() { on_ready({}); }
  /// The tunnel drains: what is no part of a pair leaves.
  virtual void on_drain() {}
  /// The tunnel stops.
  virtual void on_shutdown() = 0;

  /// Left its phase; it is kept only until the current event is over.
  [[nodiscard]] bool retired() const noexcept { return retired_; }

 protected:
  [[nodiscard]] shard& home() const noexcept { return home_; }
  [[nodiscard]] link& pipe() const noexcept { return *pipe_; }
  [[nodiscard]] link_ptr give_link() noexcept { return std::move(pipe_); }
  [[nodiscard]] bool has_link() const noexcept { return pipe_ != nullptr; }

 private:
  friend class shard;
  static constexpr std::uint32_t nowhere = std::numeric_limits<std::uint32_t>::max();

  shard& home_;
  link_ptr pipe_;
  mono_time deadline_{};
  std::uint32_t place_ = nowhere;        ///< among the shard's connections
  std::uint32_t timer_place_ = nowhere;  ///< among its armed timers
  bool waits_for_turn_ = false;
  bool retired_ = false;
};

}  // namespace flowersec::tunnel
