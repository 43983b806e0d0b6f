// Byte counts of channels that have closed, for reports, and for the same channel when it comes again.
// Layer tunnel. One per shard, no lock: a channel always belongs to the same shard. No clock. Touched when a channel
// opens and closes, never for a message. PROTOCOL says nothing of it; docs/OPERATIONS.md, "Bandwidth statistics".
#pragma once

#include <absl/container/flat_hash_map.h>

#include <list>
#include <string>
#include <string_view>

#include "flowersec/base/clock.h"
#include "flowersec/tunnel/channel_report.h"
#include "tunnel/channel_table.h"

namespace flowersec::tunnel {

class bandwidth_history {
 public:
  struct entry {
    scope_ptr scope;
    std::string channel_id;
    std::string tenant_id;
    channel_bytes bytes;
    wall_time closed_at;
    mono_time forget_after;
  };

  /// `count` is shared by all shards, bounds them together, and outlives the history.
  explicit bandwidth_history(shared_count& count) noexcept : count_(count) {}
  ~bandwidth_history();
  bandwidth_history(const bandwidth_history&) = delete;
  bandwidth_history& operator=(const bandwidth_history&) = delete;

  /// Keeps what a channel had when it closed at `wall_now`. When there is no place, this shard's oldest makes one; with
  /// none to give, nothing is kept.
  void keep(const channel& closed, const channel_bytes& bytes, wall_time wall_now, mono_time now);
  /// Gives back what an earlier channel of this name had, and forgets it; zeros when there was none.
  [[nodiscard]] channel_bytes take(const active_scope& scope, std::string_view channel_id);
  void expire(mono_time now);

  /// In the order in which they closed.
  [[nodiscard]] const std::list<entry>& entries() const noexcept { return entries_; }

 private:
  /// The text lives in the entry; the entry keeps its scope alive, so that nobody else can get the same address.
  struct key {
    const active_scope* scope;
    std::string_view id;
    [[nodiscard]] bool operator==(const key&) const noexcept = default;
  };
  struct key_hash {
    [[nodiscard]] std::size_t operator()(const key& k) const noexcept {
      return std::hash<std::string_view>{}(k.id) ^ (reinterpret_cast<std::uintptr_t>(k.scope) >> 4);
    }
  };
  using place = std::list<entry>::iterator;
  void forget(place which);

  shared_count& count_;
  std::list<entry> entries_;
  absl::flat_hash_map<key, place, key_hash> places_;
};

}  // namespace flowersec::tunnel
