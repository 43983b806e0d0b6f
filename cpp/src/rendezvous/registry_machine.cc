#include "rendezvous/registry_machine.h"

#include <algorithm>

#include "flowersec/base/base64url.h"
#include "flowersec/ws/close.h"

namespace flowersec::rendezvous {
namespace {

constexpr auto policy_violation = static_cast<std::uint16_t>(ws::close_code::policy_violation);
constexpr auto going_away = static_cast<std::uint16_t>(ws::close_code::going_away);
/// From the admission until frames can be sent: what a sealed connection may take to open.
constexpr std::chrono::seconds opening_time{20};

constexpr std::array event_names{"registered",     "unregistered", "replaced",       "refused",    "socket_refused",
                                 "origin_refused", "open_failed",  "socket_dropped", "mint_failed"};

}  // namespace

std::string_view to_string(registry_event_kind kind) noexcept { return event_names[static_cast<std::size_t>(kind)]; }

registry_machine::registry_machine(const registry_limits& limits, registry_setup setup)
    : limits_(limits),
      setup_(std::move(setup)),
      visitors_({.max_sockets = limits.max_unregistered_per_address,
                 .visits = {.burst = limits.registration_burst, .per_second = limits.registrations_per_second},
                 .max_visitors = limits.max_addresses}) {}

std::optional<socket_id> registry_machine::admit(const ws::visitor_address& from, mono_time now) {
  using visit = ws::visitors::visit;
  const auto outcome = stopping_ ? visit::too_many : visitors_.try_enter(from.counted, now, setup_.work);
  const bool asks_work = outcome == visit::too_often && setup_.work;
  if (outcome != visit::entered && !asks_work) {
    ++counts_.sockets_refused;
    report({.kind = registry_event_kind::socket_refused,
            .remote_addr = from.shown,
            .detail = outcome == visit::too_often ? "too often" : "too many"});
    return std::nullopt;
  }
  if (unregistered_.size() >= limits_.max_unregistered) drop(unregistered_.front(), "oldest of too many", now);
  const auto who = ++last_socket_;
  unregistered_.push_back(who);
  auto& made = sockets_[who];
  made.from = from;
  made.asks_work = asks_work;
  made.waiting = std::prev(unregistered_.end());
  made.deadline = now + opening_time;
  wake_at(made, made.deadline, who);
  return who;
}

void registry_machine::on_open(socket_id who, mono_time now) {
  auto* of = find(who);
  if (of == nullptr || of->at != phase::admitted) return;
  if (stopping_) return fail(who, rendezvous_errc::shutting_down, now);
  if (!fill(of->challenge)) return drop(who, "no randomness", now);
  const auto lifetime = of->asks_work ? challenge_lifetime_with_work : challenge_lifetime;
  of->at = phase::challenged;
  of->deadline = now + lifetime;
  wake_at(*of, of->deadline, who);
  challenge_frame frame{.registry_keys = setup_.keys->offered(),
                        .challenge = of->challenge,
                        .expires_in_s = static_cast<std::uint32_t>(lifetime.count())};
  if (of->asks_work) {
    frame.pow_bits = limits_.work_bits;
    ++counts_.works_asked;
  }
  send(who, frame);
}

void registry_machine::on_frame(socket_id who, std::string_view text, mono_time now) {
  auto* of = find(who);
  if (of == nullptr) return;
  of->heard = now;
  of->pinged = false;
  if (of->legacy) return on_legacy_frame(who, *of, text, now);
  const auto frame = decode_client_frame(text);
  if (!frame) {
    const auto& wrong = frame.error();
    if (of->at == phase::registered && !wrong.fatal) return send(who, wrong);
    return fail(who, wrong.fatal ? wrong.code : rendezvous_errc::not_registered, now);
  }
  if (of->at == phase::registered) return on_registered_frame(who, *of, *frame, now);
  const auto* asked = std::get_if<register_frame>(&*frame);
  if (asked == nullptr) return fail(who, rendezvous_errc::not_registered, now);
  on_register(who, *of, *asked, now);
}

void registry_machine::on_bad_frame(socket_id who, mono_time now) {
  auto* of = find(who);
  if (of == nullptr) return;
  if (of->legacy) return end(who, policy_violation, "not a text", now);
  fail(who, rendezvous_errc::invalid_frame, now);
}

void registry_machine::on_slow(socket_id who, mono_time now) { drop(who, "too slow", now); }

void registry_machine::on_gone(socket_id who, mono_time now) {
  if (const auto found = sockets_.find(who); found != sockets_.end()) forget(found, now);
}

void registry_machine::on_time(mono_time now) {
  while (!wakes_.empty() && wakes_.begin()->first <= now) {
    const auto [when, who] = *wakes_.begin();
    wakes_.erase(wakes_.begin());
    const auto* of = find(who);
    if (of != nullptr && of->wake == when) look_after(who, now);
  }
  expire_calls(now);
  forget_keys(now);
}

std::optional<mono_time> registry_machine::next_deadline() const {
  std::optional<mono_time> next;
  const auto consider = [&next](mono_time when) { next = next ? std::min(*next, when) : when; };
  if (!wakes_.empty()) consider(wakes_.begin()->first);
  if (!calls_.empty()) consider(calls_.begin()->second.deadline);
  if (!remembered_.empty()) consider(remembered_.front().first);
  return next;
}

void registry_machine::look_after(socket_id who, mono_time now) {
  auto& of = *find(who);
  if (of.at == phase::admitted) return drop(who, "opened too slowly", now);
  if (of.at == phase::challenged) {
    if (of.legacy) return fail_legacy(who, "time-out", now);
    return fail(who, rendezvous_errc::challenge_expired, now);
  }
  // The compatible mode has no pings of its own; those of the WebSocket do.
  if (of.legacy) return;
  if (now - of.heard >= limits_.silence) return drop(who, "silent", now);
  if (!of.pinged && now - of.heard >= keepalive_interval) {
    of.pinged = true;
    send(who, ping_frame{.t = static_cast<std::uint64_t>(
                             std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count())});
  }
  wake_at(of, of.heard + (of.pinged ? limits_.silence : keepalive_interval), who);
}

void registry_machine::stop(mono_time now) {
  stopping_ = true;
  std::vector<socket_id> all;
  all.reserve(sockets_.size());
  for (const auto& [who, of] : sockets_) all.push_back(who);
  for (const auto who : all) {
    const auto* of = find(who);
    if (of == nullptr) continue;
    if (!of->legacy && of->at != phase::admitted) {
      send(who, error_frame{.code = rendezvous_errc::shutting_down, .fatal = true});
    }
    end(who, going_away, "shutting_down", now);
  }
}

registry_counts registry_machine::counts() const {
  auto now = counts_;
  now.sockets = sockets_.size();
  now.unregistered = unregistered_.size();
  now.keys = registered_;
  now.legacy_keys = legacy_keys_.size();
  now.open_calls = calls_.size();
  now.watched = watched_;
  return now;
}

void registry_machine::send(socket_id to, const server_frame& frame) {
  if (const auto* error = std::get_if<error_frame>(&frame)) {
    ++counts_.errors[static_cast<std::size_t>(error->code) - 1];
  }
  send_text_to(to, encode(frame));
}

void registry_machine::fail(socket_id who, rendezvous_errc code, mono_time now) {
  const auto& of = *find(who);
  if (of.at != phase::registered) {
    report({.kind = registry_event_kind::refused, .remote_addr = of.from.shown, .code = code});
  }
  send(who, error_frame{.code = code, .fatal = true});
  end(who, code == rendezvous_errc::shutting_down ? going_away : policy_violation, to_string(code), now);
}

void registry_machine::end(socket_id who, std::uint16_t close_code, std::string_view reason, mono_time now) {
  const auto found = sockets_.find(who);
  if (found == sockets_.end()) return;
  actions_.push_back(end_socket{.who = who, .close_code = close_code, .reason = std::string{reason}});
  forget(found, now);
}

void registry_machine::drop(socket_id who, std::string_view why, mono_time now) {
  const auto* of = find(who);
  if (of == nullptr) return;
  ++counts_.sockets_dropped;
  report({.kind = registry_event_kind::socket_dropped, .remote_addr = of->from.shown, .detail = std::string{why}});
  end(who, 0, {}, now);
}

void registry_machine::forget(sockets::iterator which, mono_time now) {
  const auto who = which->first;
  auto& of = which->second;
  if (of.at != phase::registered) {
    leave_waiting(of);
  } else if (of.legacy) {
    legacy_keys_.erase(*of.key);
  } else {
    unregister(who, of, now);
  }
  sockets_.erase(who);
}

void registry_machine::leave_waiting(socket& of) {
  unregistered_.erase(of.waiting);
  visitors_.leave(of.from.counted);
}

registry_machine::socket* registry_machine::find(socket_id who) {
  const auto found = sockets_.find(who);
  return found == sockets_.end() ? nullptr : &found->second;
}

std::string registry_machine::random_id(std::size_t bytes) {
  byte_buffer id(bytes);
  return fill(id) ? encode_base64url(id) : std::string{};
}

}  // namespace flowersec::rendezvous
