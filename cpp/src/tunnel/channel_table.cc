// See channel_table.h.
#include "tunnel/channel_table.h"

#include <utility>

namespace flowersec::tunnel {

namespace {

std::unique_ptr<channel> make_channel(const admission_request& request, endpoint& who, mono_time now) {
  auto room = std::make_unique<channel>();
  room->scope = request.scope;
  room->id = request.channel_id;
  room->tenant_id = request.tenant_id;
  room->init_exp = request.init_exp;
  room->idle_timeout_seconds = request.idle_timeout_seconds;
  room->lease_expires = request.lease_expires;
  room->first_seen = now;
  room->last_activity = now;
  room->endpoints[index_of(request.role)] = &who;
  return room;
}

}  // namespace

void extend_lease(channel& room, const std::optional<wall_time>& lease) noexcept {
  if (lease && (!room.lease_expires || *lease > *room.lease_expires)) room.lease_expires = lease;
}

channel_table::~channel_table() {
  for (std::size_t i = 0; i < channels_.size(); ++i) count_.remove();
}

admission channel_table::admit(const admission_request& request, endpoint& who, const tunnel_limits& limits,
                               mono_time now) {
  const auto refused = [](attach_reason why) { return admission{why, nullptr, nullptr}; };
  channel* room = find(*request.scope, request.channel_id);
  if (room == nullptr) {
    if (!count_.try_add()) return refused(attach_reason::too_many_connections);
    return {attach_reason::ok, insert(make_channel(request, who, now)), nullptr};
  }
  if (room->init_exp != request.init_exp) return refused(attach_reason::init_exp_mismatch);
  if (room->idle_timeout_seconds != request.idle_timeout_seconds) return refused(attach_reason::idle_timeout_mismatch);
  if (room->tenant_id != request.tenant_id) return refused(attach_reason::tenant_mismatch);
  extend_lease(*room, request.lease_expires);
  if (room->at(request.role) == nullptr) {
    room->endpoints[index_of(request.role)] = &who;
    room->last_activity = now;
    return {attach_reason::ok, room, nullptr};
  }
  if (!room->replacements[index_of(request.role)].try_replace(limits, now)) {
    return refused(attach_reason::replace_rate_limited);
  }
  // Both old endpoints go: the one that stayed has keys and sequence numbers shared with the one that left.
  auto fresh = make_channel(request, who, now);
  fresh->replacements = room->replacements;
  auto replaced = std::move(channels_.extract(key_of(*room)).mapped());
  return {attach_reason::ok, insert(std::move(fresh)), std::move(replaced)};
}

std::unique_ptr<channel> channel_table::remove(const channel& room) {
  const auto found = channels_.find(key_of(room));
  if (found == channels_.end() || found->second.get() != &room) return nullptr;
  auto removed = std::move(channels_.extract(found).mapped());
  count_.remove();
  return removed;
}

channel* channel_table::find(const active_scope& scope, std::string_view id) const {
  const auto found = channels_.find(key{&scope, id});
  return found == channels_.end() ? nullptr : found->second.get();
}

channel* channel_table::insert(std::unique_ptr<channel> room) {
  auto* const raw = room.get();
  channels_.emplace(key_of(*raw), std::move(room));
  return raw;
}

std::optional<close_reason> due_ending(const channel& room, mono_time now, wall_time wall_now) noexcept {
  const auto init_over = count(to_unix_seconds(wall_now)) - room.init_exp > clock_skew.count();
  if (!room.record_seen && init_over) return close_reason::init_expired;
  if (room.lease_expires && wall_now >= *room.lease_expires) return close_reason::policy_lease_expired;
  if (now - room.last_activity > std::chrono::seconds{room.idle_timeout_seconds}) return close_reason::idle_timeout;
  return std::nullopt;
}

}  // namespace flowersec::tunnel
