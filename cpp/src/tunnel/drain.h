// The slow way down: who may stay for how long, and when nobody is left.
// Layer tunnel. The plan belongs to one shard; the order and the watch are shared by all of them.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>

#include "flowersec/base/clock.h"

namespace flowersec::tunnel {

/// In which order the channels of all shards leave: who is further back leaves earlier.
class drain_order {
 public:
  /// The places of `channels` more, which follow each other: the first of them.
  [[nodiscard]] std::size_t take(std::size_t channels) noexcept { return next_.fetch_add(channels); }

 private:
  std::atomic<std::size_t> next_{0};
};

/// All channels stay for the greater part of the time, and go evenly over the rest: clients that come back to another
/// tunnel do not all come in one moment.
class drain_plan {
 public:
  /// `order` outlives it.
  drain_plan(mono_time now, std::chrono::milliseconds longest, drain_order& order) noexcept;

  /// How many of the channels that are `present` in this shard may stay, `in_all` shards being so many. Asked as time
  /// goes by.
  [[nodiscard]] std::size_t may_stay(std::size_t present, std::size_t in_all, mono_time now) noexcept;
  [[nodiscard]] bool is_over(mono_time now) const noexcept { return now >= end_; }

  /// The rest: so long, or half of the whole time where that is less.
  static constexpr std::chrono::seconds longest_thinning{5};
  /// How often a shard looks.
  static constexpr std::chrono::milliseconds interval{100};

 private:
  /// What was there when the rest began.
  struct places {
    std::size_t first;
    std::size_t in_all;
  };

  mono_time end_;
  std::chrono::milliseconds thinning_;
  drain_order& order_;
  std::optional<places> at_thinning_;
};

/// Hears from each shard once, when it is empty.
class drain_watch {
 public:
  /// Before any shard reports. `done` is called on the thread of the last one.
  void expect(std::size_t shards, std::function<void()> done) {
    done_ = std::move(done);
    shards_left_.store(shards, std::memory_order_release);
  }
  void shard_is_empty() {
    if (shards_left_.fetch_sub(1, std::memory_order_acq_rel) == 1 && done_) done_();
  }

 private:
  std::atomic<std::size_t> shards_left_{0};
  std::function<void()> done_;
};

/// What an endpoint without a peer is told. On purpose none of the attach reasons: of those, `canceled` would have fit,
/// and its receiver would not try again elsewhere.
inline constexpr std::uint16_t draining_close_code = 1001;
inline constexpr std::string_view draining_close_reason = "draining";

/// A tunnel goes through these once, in this order; it may skip the second.
enum class tunnel_phase : std::uint8_t {
  serving,
  draining,  ///< paired channels go on, nobody new is let in
  closing,   ///< on its way down
};

}  // namespace flowersec::tunnel
