// See shard.h.
#include "tunnel/shard.h"

#include <algorithm>
#include <array>
#include <utility>

#include "tunnel/departure.h"
#include "tunnel/door.h"
#include "tunnel/endpoint.h"
#include "tunnel/spare_room.h"

namespace flowersec::tunnel {

namespace {

/// What this channel alone brought to each role.
channel_bytes delivered_in(const channel& room) noexcept {
  channel_bytes bytes;
  // What one role sent is what was written to the other.
  if (const auto* client = room.at(endpoint_role::client)) bytes.to_server = client->inbound().bytes_delivered();
  if (const auto* server = room.at(endpoint_role::server)) bytes.to_client = server->inbound().bytes_delivered();
  return bytes;
}

/// The same, with the channels of its name before it.
channel_bytes delivered_so_far(const channel& room) noexcept {
  auto bytes = delivered_in(room);
  bytes.to_client += room.bytes_before.to_client;
  bytes.to_server += room.bytes_before.to_server;
  return bytes;
}

}  // namespace

shard::shard(shared_state& shared, poller& links, shard_router& router, bool keeps_replay_store)
    : shared_(shared),
      links_(links),
      router_(router),
      now_(shared.clocks.mono_now()),
      channels_(shared.channels),
      history_(shared.closed_reports),
      blocks_(shared.stalled_blocks),
      working_block_(blocks_.take_working_block()),
      next_sweep_(now_ + sweep_interval),
      keeps_replay_store_(keeps_replay_store) {}

shard::~shard() { shut_down(); }

void shard::enlist(std::unique_ptr<connection> who) {
  who->place_ = static_cast<std::uint32_t>(connections_.size());
  connections_.push_back(std::move(who));
}

void shard::retire(connection& who) {
  if (who.retired_) return;
  who.retired_ = true;
  disarm(who);
  auto& place = connections_[who.place_];
  retired_.push_back(std::move(place));
  if (&place != &connections_.back()) {
    place = std::move(connections_.back());
    place->place_ = who.place_;
  }
  connections_.pop_back();
}

void shard::arm(connection& who, mono_time when) {
  // Rounded up, so that thousands of deadlines fall together and are looked for once.
  const auto since_epoch = std::chrono::ceil<std::chrono::milliseconds>(when.time_since_epoch());
  const auto grains = (since_epoch + timer_grain - std::chrono::milliseconds{1}) / timer_grain;
  who.deadline_ = mono_time{grains * timer_grain};
  if (who.timer_place_ == connection::nowhere) {
    who.timer_place_ = static_cast<std::uint32_t>(timers_.size());
    timers_.push_back(&who);
  }
  if (!next_deadline_ || who.deadline_ < *next_deadline_) next_deadline_ = who.deadline_;
}

void shard::disarm(connection& who) noexcept {
  if (who.timer_place_ == connection::nowhere) return;
  auto* const last = timers_.back();
  timers_[who.timer_place_] = last;
  last->timer_place_ = who.timer_place_;
  timers_.pop_back();
  who.timer_place_ = connection::nowhere;
}

void shard::run_later(connection& who) {
  if (std::exchange(who.waits_for_turn_, true)) return;
  turns_.push_back(&who);
}

void shard::post(std::function<void()> task) {
  bool first = false;
  {
    const std::scoped_lock lock(posted_mutex_);
    first = posted_.empty();
    posted_.push_back(std::move(task));
    has_posted_.store(true, std::memory_order_release);
  }
  if (first && wake_) wake_();
}

void shard::run() {
  run_posted();
  run_turns();
  if (next_deadline_ && *next_deadline_ <= now_) run_timers();
  if (next_sweep_ <= now_) sweep();
  // A retired connection may still wait for its turn; the list must not outlive it.
  std::erase_if(turns_, [](const connection* who) { return who->retired(); });
  retired_.clear();
  closing_links_.clear();
}

std::optional<mono_time> shard::next_wakeup() const noexcept {
  if (!turns_.empty() || has_posted_.load(std::memory_order_acquire)) return std::nullopt;
  return next_deadline_ ? std::min(*next_deadline_, next_sweep_) : next_sweep_;
}

void shard::run_posted() {
  std::vector<std::function<void()>> tasks;
  // A task may post another; most attaches are two tasks long.
  while (has_posted_.load(std::memory_order_acquire)) {
    {
      const std::scoped_lock lock(posted_mutex_);
      has_posted_.store(false, std::memory_order_relaxed);
      tasks.swap(posted_);
    }
    for (auto& task : tasks) task();
    tasks.clear();
  }
}

void shard::run_turns() {
  turns_now_.swap(turns_);
  for (auto* who : turns_now_) {
    who->waits_for_turn_ = false;
    if (!who->retired()) who->on_turn();
  }
  turns_now_.clear();
}

void shard::run_timers() {
  // From the back: taking one out moves the last one, already seen, into its place.
  for (std::size_t i = timers_.size(); i-- > 0;) {
    if (i >= timers_.size() || timers_[i]->deadline_ > now_) continue;
    auto& who = *timers_[i];
    disarm(who);
    who.on_deadline();
  }
  next_deadline_.reset();
  for (const auto* who : timers_) {
    if (!next_deadline_ || who->deadline_ < *next_deadline_) next_deadline_ = who->deadline_;
  }
}

void shard::sweep() {
  next_sweep_ = now_ + sweep_interval;
  blocks_.shrink();
  channels_.shrink();
  shrink_vector(connections_);
  history_.expire(now_);
  const auto wall_now = shared_.clocks.wall_now();
  std::vector<std::pair<channel*, close_reason>> due;
  channels_.for_each([&](channel& room) {
    if (const auto reason = due_ending(room, now_, wall_now)) due.emplace_back(&room, *reason);
  });
  if (keeps_replay_store_) shared_.replay->expire(wall_now, now_);
  for (const auto& [room, reason] : due) close_channel(*room, reason, reason);
  if (drain_) thin_out();
}

void shard::begin_drain(std::chrono::milliseconds longest) {
  drain_.emplace(now_, longest, shared_.leaving);
  std::vector<connection*> present;
  for (const auto& who : connections_) present.push_back(who.get());
  for (auto* who : present) {
    if (!who->retired()) who->on_drain();
  }
  thin_out();
}

void shard::thin_out() {
  next_sweep_ = std::min(next_sweep_, now_ + drain_plan::interval);
  const auto may_stay = drain_->may_stay(channels_.size(), shared_.channels.value(), now_);
  std::vector<channel*> leaving;
  channels_.for_each([&](channel& room) {
    if (channels_.size() - leaving.size() > may_stay) leaving.push_back(&room);
  });
  for (auto* room : leaving) close_channel(*room, std::nullopt, close_reason::peer_closed);
  // The count tells of connections between two shards as well. It never rises any more; departures of this shard begin
  // in the event that takes a connection off the count, so none can follow once both are seen here.
  const bool empty = shared_.connections.value() == 0 && departures_ == 0;
  if ((empty || drain_->is_over(now_)) && !std::exchange(reported_empty_, true)) shared_.drained.shard_is_empty();
}

void shard::welcome(link_ptr pipe, byte_buffer early, std::string origin, std::string remote_addr, source_place place) {
  if (drain_) return send_away(std::move(pipe), {remote_addr, {}});
  auto ticket = connection_ticket::take(shared_.connections);
  if (!ticket.valid()) return refuse(std::move(pipe), attach_reason::too_many_connections, {remote_addr, {}});
  ticket.keep(std::move(place));
  add(std::make_unique<door>(*this, std::move(pipe), std::move(ticket), std::move(origin), std::move(remote_addr)))
      .open(early);
}

void shard::admit(newcomer who) {
  if (drain_) return send_away(std::move(who.pipe), {who.remote_addr, who.token.scope.budget_label});
  const auto& token = who.token;
  const admission_request request{.scope = shared_.scopes.find_or_add(token.scope),
                                  .channel_id = token.channel_id,
                                  .tenant_id = token.scope.tenant_id,
                                  .role = token.role,
                                  .init_exp = token.init_exp,
                                  .idle_timeout_seconds = token.idle_timeout_seconds,
                                  .lease_expires = who.lease_expires};
  auto arrived = std::make_unique<endpoint>(*this, std::move(who.pipe), std::move(who.ticket), token.role);
  auto outcome = channels_.admit(request, *arrived, limits(), now_);
  if (outcome.outcome != attach_reason::ok) {
    if (outcome.outcome == attach_reason::replace_rate_limited) shared_.counts.replaced(false);
    return refuse(arrived->leave(), outcome.outcome, {who.remote_addr, token.scope.budget_label});
  }
  shared_.counts.attach_ok();
  channel& room = *outcome.room;
  shared_.events->on_attached({room.scope->audience, room.scope->issuer, room.id}, token.role);
  if (outcome.replaced) {
    shared_.counts.replaced(true);
    room.bytes_before = delivered_so_far(*outcome.replaced);
    dissolve(std::move(outcome.replaced), std::nullopt, close_reason::peer_closed);
  } else if (!room.paired()) {
    room.bytes_before = history_.take(*room.scope, room.id);
  }
  auto& present = add(std::move(arrived));
  present.enter(room, who.early);
  if (!present.retired() && room.paired()) pair(room);
}

void shard::pair(channel& room) {
  const auto waited = now_ - room.first_seen;
  shared_.counts.paired(waited);
  shared_.events->on_paired({room.scope->audience, room.scope->issuer, room.id}, waited);
  auto& client = *room.at(endpoint_role::client);
  auto& server = *room.at(endpoint_role::server);
  client.peer_arrived();
  if (!server.retired()) server.peer_arrived();
}

void shard::depart(link_ptr pipe, byte_buffer farewell) {
  if (departures_ >= most_departures) return depart_at_once(std::move(pipe), farewell);
  add(std::make_unique<departure>(*this, std::move(pipe), std::move(farewell))).begin();
}

/// Says what the socket takes and reads what has come, without waiting for more of either.
void shard::depart_at_once(link_ptr pipe, byte_view farewell) {
  if (!farewell.empty()) (void)pipe->write(farewell);
  pipe->finish_writing();
  // The working block may be in use further up the stack.
  std::array<std::byte, 16384> anywhere;
  (void)pipe->read(anywhere);
  closing_links_.push_back(std::move(pipe));
}

void shard::refuse(link_ptr pipe, attach_reason why, const refused_peer& peer) {
  shared_.refused(why, peer);
  depart(std::move(pipe), make_close_frame(close_code(why), to_text(why)));
}

void shard::send_away(link_ptr pipe, const refused_peer& peer) {
  shared_.refused(attach_reason::canceled, peer);
  depart(std::move(pipe), make_close_frame(draining_close_code, draining_close_reason));
}

void shard::close_channel(channel& room, std::optional<close_reason> event, close_reason told_to_observer) {
  auto removed = channels_.remove(room);
  if (!removed) return;
  if (shared_.keep_bandwidth) {
    history_.keep(*removed, delivered_so_far(*removed), shared_.clocks.wall_now(), now_);
  }
  dissolve(std::move(removed), event, told_to_observer);
}

void shard::dissolve(std::unique_ptr<channel> room, std::optional<close_reason> event, close_reason told_to_observer) {
  if (event) shared_.counts.closed(*event);
  const auto bytes = delivered_in(*room);
  for (auto* present : room->endpoints) {
    if (present == nullptr) continue;
    if (!present->reading_ended()) {
      const bool was_waiting = event == close_reason::write_error && present->waits_for_peer();
      shared_.counts.closed(was_waiting ? close_reason::write_error : close_reason::peer_closed);
    }
    depart(present->leave(), {});
  }
  shared_.events->on_closed({room->scope->audience, room->scope->issuer, room->id}, told_to_observer, bytes);
}

void shard::report(reported_channels which, std::vector<channel_report>& into) {
  channels_.for_each([&](const channel& room) {
    into.push_back({room.scope->audience, room.scope->issuer, room.id, room.tenant_id, delivered_so_far(room)});
  });
  if (which == reported_channels::open) return;
  for (const auto& past : history_.entries()) {
    into.push_back(
        {past.scope->audience, past.scope->issuer, past.channel_id, past.tenant_id, past.bytes, past.closed_at});
  }
}

channel* shard::find(const channel_decision& decision) const {
  const auto scope = shared_.scopes.find(decision.audience, decision.issuer);
  return scope ? channels_.find(*scope, decision.channel_id) : nullptr;
}

bool shard::accepts(const channel_decision& decision) const {
  const auto* room = find(decision);
  return room == nullptr || fits(decision, *room);
}

void shard::apply(const channel_decision& decision) {
  auto* const room = find(decision);
  // Another tenant's channel may have taken the place since the batch was checked.
  if (room == nullptr || !fits(decision, *room)) return;
  if (!decision.allowed) return close_channel(*room, close_reason::policy_denied, close_reason::policy_denied);
  extend_lease(*room, decision.lease_expires);
}

void shard::shut_down() {
  std::vector<channel*> open;
  channels_.for_each([&](channel& room) { open.push_back(&room); });
  for (auto* room : open) close_channel(*room, std::nullopt, close_reason::peer_closed);
  while (!connections_.empty()) {
    auto& who = *connections_.back();
    who.on_shutdown();
    retire(who);
  }
  turns_.clear();
  retired_.clear();
}

byte_buffer make_close_frame(std::uint16_t code, std::string_view reason) {
  return ws::make_frame(ws::opcode::close, ws::encode_close_payload({code, std::string{reason}}), std::nullopt);
}

}  // namespace flowersec::tunnel
