// See endpoint.h.
#include "tunnel/endpoint.h"

#include <cstring>
#include <utility>

namespace flowersec::tunnel {

endpoint::endpoint(shard& home, link_ptr pipe, connection_ticket ticket, endpoint_role role)
    : connection(home, std::move(pipe)), ticket_(std::move(ticket)), role_(role) {}

endpoint::~endpoint() = default;

void endpoint::enter(channel& room, byte_view early) {
  room_ = &room;
  outbound_.pipe = &pipe();
  home().watch(*this);
  if (!early.empty()) {
    inbound_.borrow(home().working_block());
    std::memcpy(inbound_.input_room().data(), early.data(), early.size());
    inbound_.add_input(early.size());
  }
  drive();
}

void endpoint::peer_arrived() {
  if (room_->record_seen) inbound_.machine.stop_looking_for_records();
  note_progress();
  drive();
}

link_ptr endpoint::leave() {
  if (room_ != nullptr) inbound_.release_charges(room_->scope->budget->bytes, home().shared().total_bytes);
  release_block();
  ticket_.give_back();
  if (!retired() && room_ != nullptr) home().retire(*this);
  room_ = nullptr;
  return give_link();
}

endpoint* endpoint::peer() const noexcept { return room_->at(other(role_)); }

relay_gate endpoint::gate() const noexcept {
  return {.limits = &home().limits(),
          .tenant = &room_->scope->budget->bytes,
          .total = &home().shared().total_bytes,
          .paired = peer() != nullptr};
}

void endpoint::on_ready(readiness ready) {
  if (retired()) return;
  may_read_ |= ready.readable;
  if (ready.writable) {
    outbound_.writable = true;
    if (auto* const source = peer(); source != nullptr && (source->inbound_.has_output() || outbound_.control)) {
      source->drive();
    } else if (outbound_.control) {
      flush_control();
    }
  }
  if (!retired() && may_read_) drive();
}

void endpoint::on_turn() {
  if (!retired()) drive();
}

/// One turn of this source: hand out what there is, look at what came, read more; until something must be waited for.
void endpoint::drive() {
  if (driving_) return;
  driving_ = true;
  for (int reads = 0; deliver();) {
    if (inbound_.has_input()) {
      digest();
      if (retired()) break;
      continue;
    }
    if (!may_read_ || !wants_input()) break;
    // A read may bring thousands of pings: one that brought any is enough for a turn.
    if (reads++ == most_reads_per_turn || pong_is_due_) {
      home().run_later(*this);
      break;
    }
    read_more();
    if (retired()) break;
  }
  if (!retired() && std::exchange(pong_is_due_, false)) flush_control();
  // What has come is looked at before the end of its source, however much of it waits behind a slow peer.
  if (!retired() && !reading_ended_ && !inbound_.has_input() && (source_ended_ || left_while_stalled())) {
    end_reading(close_reason::peer_closed);
  }
  driving_ = false;
  if (!retired()) settle_block();
}

bool endpoint::left_while_stalled() { return may_read_ && inbound_.stalled() && pipe().at_end(); }

bool endpoint::wants_input() const noexcept {
  if (reading_ended_) return false;
  // Behind the end of the other side only the rest of a frame is wanted, for a farewell to stand behind.
  return !room_->draining || (peer()->farewell_waits() && !inbound_.at_boundary());
}

void endpoint::read_more() {
  if (!inbound_.owns_block()) inbound_.borrow(home().working_block());
  const auto got = pipe().read(inbound_.input_room());
  if (got.now != link_transfer::state::open) may_read_ = false;
  inbound_.add_input(got.bytes);
  source_ended_ = got.now == link_transfer::state::ended || got.now == link_transfer::state::failed;
}

/// Whether nothing waits for the peer, so that this source may go on.
bool endpoint::deliver() {
  auto* const to = peer();
  if (to == nullptr) {
    inbound_.keep_pending();
    inbound_.settle_charges(gate(), false);
    return true;
  }
  if (to->outbound_.said_farewell) return false;
  switch (inbound_.hand_to(to->outbound_)) {
    case handing::done:
      inbound_.settle_charges(gate(), true);
      if (inbound_.stalled()) {
        inbound_.unstall(home().now());
        stall_deadline_.reset();
        set_timer();
      }
      if (room_->draining) advance_ending();
      return !retired();
    case handing::paused:
      inbound_.settle_charges(gate(), false);
      if (inbound_.has_output()) {
        stall_deadline_ = inbound_.stall(home().now(), home().limits().write_timeout);
        set_timer();
      }
      return false;
    case handing::failed:
      to->peer_failed();
      return false;
  }
  return false;
}

void endpoint::digest() {
  const auto stop = inbound_.digest(gate());
  note_progress();
  switch (stop) {
    case relay_stop::starved:
    case relay_stop::flush:
    case relay_stop::assembled:
      return;
    case relay_stop::ping:
      return note_ping();
    case relay_stop::close: {
      // The echo carries the code alone, as it came or not at all.
      const auto payload = inbound_.machine.control_payload();
      say_farewell(to_buffer(payload.first(std::min<std::size_t>(payload.size(), 2))));
      return end_reading(close_reason::peer_closed);
    }
    case relay_stop::refused:
      return on_refused(inbound_.machine.refusal());
  }
}

void endpoint::note_progress() {
  if (inbound_.machine.take_activity()) room_->last_activity = home().now();
  if (room_->record_seen || peer() == nullptr || !inbound_.machine.saw_record()) return;
  room_->record_seen = true;
  home().shared().counts.record_seen();
  inbound_.machine.stop_looking_for_records();
  peer()->inbound_.machine.stop_looking_for_records();
}

void endpoint::on_refused(relay_refusal why) {
  auto& counts = home().shared().counts;
  const auto& tenant = room_->scope->budget->label;
  switch (why) {
    case relay_refusal::bad_framing:
      say_farewell(ws::encode_close_payload({1002, "invalid frame"}));
      return end_reading(close_reason::peer_closed);
    case relay_refusal::message_too_big:
      say_farewell(ws::encode_close_payload({1009, ""}));
      return end_reading(close_reason::peer_closed);
    case relay_refusal::not_binary:
      return end_reading(close_reason::non_binary_frame);
    case relay_refusal::pending_overflow:
      return end_now(close_reason::pending_overflow);
    case relay_refusal::tenant_budget:
      counts.exhausted(tenant, budget_limit::tenant_queued_bytes);
      return end_now(close_reason::resource_exhausted);
    case relay_refusal::total_budget:
      counts.exhausted(tenant, budget_limit::total_queued_bytes);
      return end_now(close_reason::resource_exhausted);
  }
}

/// Keeps the block only while something in it waits.
void endpoint::settle_block() {
  if (!inbound_.owns_block()) return;
  if (!inbound_.block_in_use()) return release_block();
  if (block_is_counted_) return;
  if (!home().blocks().cap().try_take()) {
    home().shared().counts.exhausted(room_->scope->budget->label, budget_limit::total_queued_bytes);
    return end_now(close_reason::resource_exhausted);
  }
  block_is_counted_ = true;
  home().working_block() = home().blocks().take_working_block();
}

void endpoint::release_block() noexcept {
  if (!inbound_.owns_block()) return;
  auto block = inbound_.give_block();
  if (std::exchange(block_is_counted_, false)) {
    home().blocks().cap().give_back();
    home().blocks().put_back(std::move(block));
  } else {
    home().working_block() = std::move(block);
  }
}

/// Only the latest ping is owed an answer (RFC 6455, 5.5.3): the answer goes out at the end of the turn. A pong that
/// has begun must be finished, though.
void endpoint::note_ping() {
  auto& place = outbound_.control && outbound_.control->begun() ? outbound_.next : outbound_.control;
  if (!place) place = std::make_unique<control_out>();
  fill_control(*place, ws::opcode::pong, inbound_.machine.control_payload());
  pong_is_due_ = true;
}

void endpoint::say_farewell(byte_buffer frame_payload) {
  auto farewell = make_control(ws::opcode::close, frame_payload);
  farewell->deadline = home().now() + farewell_patience;
  auto& place = outbound_.control && outbound_.control->begun() ? outbound_.next : outbound_.control;
  place = std::move(farewell);
}

bool endpoint::farewell_waits() const noexcept {
  return (outbound_.control && outbound_.control->farewell) || (outbound_.next && outbound_.next->farewell);
}

/// Sends what is owed to this endpoint itself, at the boundary where the peer's output stands.
void endpoint::flush_control() {
  if (auto* const source = peer()) {
    if (source->deliver() && !source->driving_) home().run_later(*source);
  } else if (send_control(outbound_) == handing::failed) {
    outbound_.control.reset();
    outbound_.next.reset();
  }
}

/// What was read still reaches the peer, within bounds; then both connections go.
void endpoint::end_reading(close_reason reason) {
  reading_ended_ = true;
  may_read_ = false;
  inbound_.drop_input();
  home().shared().counts.closed(reason);
  if (!room_->draining) room_->ending = reason;
  room_->draining = true;
  if (farewell_waits()) flush_control();
  if (retired()) return;
  constexpr std::chrono::milliseconds shortest_drain{100};
  drain_deadline_ = home().now() + home().limits().write_timeout.value_or(shortest_drain);
  set_timer();
  if (!deliver() && !retired()) return;
  if (!retired()) advance_ending();
}

void endpoint::end_now(close_reason reason) {
  reading_ended_ = true;
  inbound_.drop_input();
  home().shared().counts.closed(reason);
  home().close_channel(*room_, std::nullopt, reason);
}

/// Closes a draining channel as soon as nothing is left to wait for.
void endpoint::advance_ending() {
  for (const auto* who : room_->endpoints) {
    if (who == nullptr) continue;
    const auto* to = who->peer();
    if (who->reading_ended_ && to != nullptr && !to->outbound_.said_farewell && who->inbound_.has_output()) return;
    if (who->farewell_waits()) return;
  }
  home().close_channel(*room_, std::nullopt, room_->ending);
}

/// This endpoint's link does not take bytes any more.
void endpoint::peer_failed() { home().close_channel(*room_, close_reason::write_error, close_reason::write_error); }

/// Nobody can join it any more.
void endpoint::on_drain() {
  if (peer() != nullptr || reading_ended_) return;
  say_farewell(ws::encode_close_payload({draining_close_code, std::string{draining_close_reason}}));
  end_reading(close_reason::peer_closed);
}

void endpoint::set_timer() {
  std::optional<mono_time> first = stall_deadline_;
  const auto consider = [&first](const std::optional<mono_time>& when) {
    if (when && (!first || *when < *first)) first = when;
  };
  consider(drain_deadline_);
  if (outbound_.control) consider(outbound_.control->deadline);
  if (outbound_.next) consider(outbound_.next->deadline);
  if (first) {
    home().arm(*this, *first);
  } else {
    home().disarm(*this);
  }
}

void endpoint::on_deadline() {
  const auto now = home().now();
  const auto over = [now](const std::optional<mono_time>& when) { return when && *when <= now; };
  if (over(drain_deadline_)) return home().close_channel(*room_, std::nullopt, room_->ending);
  if (over(stall_deadline_)) return peer()->peer_failed();
  if (outbound_.next && over(outbound_.next->deadline)) outbound_.next.reset();
  if (outbound_.control && over(outbound_.control->deadline))
    outbound_.control = std::exchange(outbound_.next, nullptr);
  if (room_->draining) advance_ending();
  if (!retired()) set_timer();
}

}  // namespace flowersec::tunnel
