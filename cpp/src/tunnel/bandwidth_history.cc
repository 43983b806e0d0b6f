// See bandwidth_history.h.
#include "tunnel/bandwidth_history.h"

#include <utility>

#include "tunnel/spare_room.h"

namespace flowersec::tunnel {

bandwidth_history::~bandwidth_history() {
  for (std::size_t i = 0; i < entries_.size(); ++i) count_.remove();
}

void bandwidth_history::keep(const channel& closed, const channel_bytes& bytes, wall_time wall_now, mono_time now) {
  if (!count_.try_add()) {
    if (entries_.empty()) return;
    forget(entries_.begin());
    // Another shard may have been quicker.
    if (!count_.try_add()) return;
  }
  entries_.push_back({.scope = closed.scope,
                      .channel_id = closed.id,
                      .tenant_id = closed.tenant_id,
                      .bytes = bytes,
                      .closed_at = wall_now,
                      .forget_after = now + bandwidth_retention});
  const auto last = std::prev(entries_.end());
  places_.emplace(key{last->scope.get(), last->channel_id}, last);
}

channel_bytes bandwidth_history::take(const active_scope& scope, std::string_view channel_id) {
  const auto found = places_.find(key{&scope, channel_id});
  if (found == places_.end()) return {};
  const auto bytes = found->second->bytes;
  forget(found->second);
  return bytes;
}

void bandwidth_history::expire(mono_time now) {
  while (!entries_.empty() && entries_.front().forget_after <= now) forget(entries_.begin());
  shrink_table(places_);
}

void bandwidth_history::forget(place which) {
  places_.erase(key{which->scope.get(), which->channel_id});
  entries_.erase(which);
  count_.remove();
}

}  // namespace flowersec::tunnel
