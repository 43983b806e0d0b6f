// Calls, and who sees whom.
#include <algorithm>

#include "rendezvous/frame_reading.h"
#include "rendezvous/registry_machine.h"

namespace flowersec::rendezvous {
namespace {

constexpr std::size_t call_id_bytes = 16;

void remove(std::vector<std::uint64_t>& from, std::uint64_t number) { std::erase(from, number); }

}  // namespace

void registry_machine::on_registered_frame(socket_id who, socket& of, const client_frame& frame, mono_time now) {
  std::visit(overloaded{
                 [&](const register_frame&) { fail(who, rendezvous_errc::invalid_frame, now); },
                 [&](const call_frame& asked) { on_call(who, of, asked, now); },
                 [&](const accept_frame& asked) { on_accept(who, asked); },
                 [&](const decline_frame& asked) { on_decline(who, asked); },
                 [&](const cancel_frame& asked) { on_cancel(of, asked); },
                 [&](const watch_frame& asked) { on_watch(who, of, asked); },
                 [&](const unwatch_frame& asked) { on_unwatch(of, asked); },
                 [&](const ping_frame& asked) { send(who, pong_frame{.t = asked.t}); },
                 [](const pong_frame&) {},
                 [](const unknown_frame&) {},
             },
             frame);
}

void registry_machine::on_call(socket_id who, socket& of, const call_frame& frame, mono_time now) {
  if (frame.rid <= of.last_rid) return fail(who, rendezvous_errc::invalid_frame, now);
  of.last_rid = frame.rid;
  if (frame.to == *of.key) return refuse_call(who, frame.rid, rendezvous_errc::invalid_frame);
  const bool has_room = of.calls.size() < limits_.max_open_calls;
  const auto interval = std::chrono::nanoseconds{std::chrono::minutes{1}} / limits_.calls_per_minute;
  if (!has_room || !keys_.find(*of.key)->second.calls.take(interval, limits_.calls_per_minute, now)) {
    ++counts_.calls_refused;
    return refuse_call(who, frame.rid, rendezvous_errc::rate_limited);
  }
  auto id = random_id(call_id_bytes);
  if (id.empty()) return drop(who, "no randomness", now);
  const auto number = ++last_call_;
  auto& made = calls_
                   .emplace(number, call{.id = id,
                                         .caller = who,
                                         .rid = frame.rid,
                                         .callee = frame.to,
                                         .deadline = now + limits_.unavailable_after})
                   .first->second;
  calls_by_id_.emplace(std::move(id), number);
  of.calls.push_back(number);
  ++counts_.calls;
  ring(number, made, *of.key, frame);
}

/// Whatever keeps it from ringing, the caller waits as long as for somebody who does not answer. Everything is
/// made for those who are not there as well: the time that it takes, which a ping behind the call shows, tells nobody
/// apart.
void registry_machine::ring(std::uint64_t number, call& of, const public_key& from, const call_frame& frame) {
  auto minted = setup_.mint();
  if (!minted) {
    ++counts_.mints_failed;
    return report({.kind = registry_event_kind::mint_failed, .detail = minted.error().message()});
  }
  auto incoming = encode(incoming_frame{
      .call_id = of.id, .from = from, .eph = frame.eph, .note = frame.note, .grant = std::move(minted->callee)});
  if (setup_.may_call && !setup_.may_call(from, frame.to)) return;
  const auto found = keys_.find(frame.to);
  if (found == keys_.end() || found->second.at == 0) return;
  auto& callee = *find(found->second.at);
  // The newest one rings in any case, or a few keys that call would keep everybody else from it.
  if (callee.ringing.size() >= limits_.max_ringing_calls) {
    const auto longest = callee.ringing.front();
    stop_ringing(longest, calls_.find(longest)->second, true);
  }
  of.ticket = std::move(minted->caller);
  of.ringing_at = found->second.at;
  callee.ringing.push_back(number);
  send_text_to(of.ringing_at, std::move(incoming));
}

void registry_machine::on_accept(socket_id who, const accept_frame& frame) {
  const auto which = find_ringing(who, frame.call_id);
  // It lapsed, or was cancelled, while the answer was on its way.
  if (which == calls_.end()) return;
  auto& of = which->second;
  send(of.caller, grant_frame{.rid = of.rid, .call_id = of.id, .eph = frame.eph, .grant = std::move(of.ticket)});
  ++counts_.calls_accepted;
  stop_ringing(which->first, of, false);
  erase_call(which);
}

void registry_machine::on_decline(socket_id who, const decline_frame& frame) {
  const auto which = find_ringing(who, frame.call_id);
  if (which != calls_.end()) stop_ringing(which->first, which->second, false);
}

void registry_machine::on_cancel(socket& of, const cancel_frame& frame) {
  for (const auto number : of.calls) {
    const auto which = calls_.find(number);
    if (which->second.rid != frame.rid) continue;
    stop_ringing(number, which->second, true);
    ++counts_.calls_cancelled;
    return erase_call(which);
  }
}

registry_machine::calls::iterator registry_machine::find_ringing(socket_id at, const std::string& id) {
  const auto found = calls_by_id_.find(id);
  if (found == calls_by_id_.end()) return calls_.end();
  const auto which = calls_.find(found->second);
  return which->second.ringing_at == at ? which : calls_.end();
}

void registry_machine::stop_ringing(std::uint64_t number, call& of, bool tell) {
  if (of.ringing_at == 0) return;
  remove(find(of.ringing_at)->ringing, number);
  if (tell) send(of.ringing_at, cancelled_frame{.call_id = of.id});
  of.ringing_at = 0;
}

void registry_machine::erase_call(calls::iterator which) {
  remove(find(which->second.caller)->calls, which->first);
  calls_by_id_.erase(which->second.id);
  calls_.erase(which);
}

void registry_machine::refuse_call(socket_id who, std::uint64_t rid, rendezvous_errc code) {
  send(who, error_frame{.code = code, .rid = rid, .fatal = false});
}

void registry_machine::expire_calls(mono_time now) {
  while (!calls_.empty() && calls_.begin()->second.deadline <= now) {
    const auto which = calls_.begin();
    refuse_call(which->second.caller, which->second.rid, rendezvous_errc::recipient_unavailable);
    ++counts_.calls_unavailable;
    stop_ringing(which->first, which->second, true);
    erase_call(which);
  }
}

/// The socket of `watcher` if it watches the other; 0 otherwise.
socket_id registry_machine::mutual(const public_key& watcher, const public_key& watched) {
  const auto found = keys_.find(watcher);
  if (found == keys_.end() || found->second.at == 0) return 0;
  const auto& keys = find(found->second.at)->watched;
  return std::ranges::find(keys, watched) == keys.end() ? 0 : found->second.at;
}

void registry_machine::on_watch(socket_id who, socket& of, const watch_frame& frame) {
  auto watched = of.watched;
  std::vector<public_key> asked;  // each once
  for (const auto& key : frame.keys) {
    if (std::ranges::find(watched, key) == watched.end()) watched.push_back(key);
    if (std::ranges::find(asked, key) == asked.end()) asked.push_back(key);
  }
  if (watched.size() > max_watched_keys) {
    return send(who, error_frame{.code = rendezvous_errc::rate_limited, .fatal = false});
  }
  const auto before = std::exchange(of.watched, std::move(watched));
  watched_ += of.watched.size() - before.size();
  for (const auto& key : asked) {
    const auto other = key == *of.key ? 0 : mutual(key, *of.key);
    send(who, presence_frame{.key = key, .online = other != 0});
    const bool is_new = std::ranges::find(before, key) == before.end();
    if (other != 0 && is_new) send(other, presence_frame{.key = *of.key, .online = true});
  }
}

void registry_machine::on_unwatch(socket& of, const unwatch_frame& frame) {
  for (const auto& key : frame.keys) {
    if (std::erase(of.watched, key) == 0) continue;
    --watched_;
    const auto other = key == *of.key ? 0 : mutual(key, *of.key);
    if (other != 0) send(other, presence_frame{.key = *of.key, .online = false});
  }
}

}  // namespace flowersec::rendezvous
