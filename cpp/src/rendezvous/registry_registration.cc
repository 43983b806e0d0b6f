// Who is registered, and under which proof.
#include "flowersec/ws/close.h"
#include "rendezvous/registry_machine.h"

namespace flowersec::rendezvous {
namespace {

constexpr auto policy_violation = static_cast<std::uint16_t>(ws::close_code::policy_violation);
constexpr auto normal = static_cast<std::uint16_t>(ws::close_code::normal);
constexpr std::size_t session_name_bytes = 12;

}  // namespace

void registry_machine::on_register(socket_id who, socket& of, const register_frame& frame, mono_time now) {
  if (of.at != phase::challenged) return fail(who, rendezvous_errc::invalid_frame, now);
  if (const auto wrong = check(of, frame, now)) return fail(who, *wrong, now);
  if (!make_room_for(who, frame, now)) return;
  auto session = random_id(session_name_bytes);
  if (session.empty()) return drop(who, "no randomness", now);
  leave_waiting(of);
  of.at = phase::registered;
  of.key = frame.key;
  of.instance = frame.instance;
  keys_[frame.key].at = who;
  ++registered_;
  ++counts_.registrations;
  wake_at(of, now + keepalive_interval, who);
  report({.kind = registry_event_kind::registered, .key = frame.key.short_text()});
  send(who, registered_frame{.key = frame.key,
                             .session = std::move(session),
                             .keepalive_s = static_cast<std::uint32_t>(keepalive_interval.count())});
}

/// What costs little comes first. The challenge is spent whatever comes of it: the socket ends, or is registered.
std::optional<rendezvous_errc> registry_machine::check(const socket& of, const register_frame& frame,
                                                       mono_time now) const {
  if (now >= of.deadline) return rendezvous_errc::challenge_expired;
  const auto* registry = setup_.keys->find(frame.registry_key);
  if (registry == nullptr) return rendezvous_errc::unknown_registry_key;
  if (of.asks_work) {
    const auto& nonce = frame.pow_nonce;
    if (!nonce || !identity::is_work(of.challenge, frame.key, limits_.work_bits, *nonce)) {
      return rendezvous_errc::pow_required;
    }
  }
  if (!identity::verify_registration(*registry, frame.key, of.challenge, frame.replace, frame.proof)) {
    return rendezvous_errc::proof_failed;
  }
  return std::nullopt;
}

bool registry_machine::make_room_for(socket_id who, const register_frame& frame, mono_time now) {
  const auto found = keys_.find(frame.key);
  const auto present = found == keys_.end() ? 0 : found->second.at;
  if (present == 0) {
    if (registered_ + legacy_keys_.size() < limits_.max_keys) return true;
    fail(who, rendezvous_errc::rate_limited, now);
    return false;
  }
  // Its own old socket goes without a word: the process gave it up already.
  if (find(present)->instance == frame.instance) {
    end(present, normal, {}, now);
    return true;
  }
  if (!frame.replace) {
    fail(who, rendezvous_errc::already_registered, now);
    return false;
  }
  ++counts_.replacements;
  report({.kind = registry_event_kind::replaced, .key = frame.key.short_text()});
  send(present, error_frame{.code = rendezvous_errc::replaced, .fatal = true});
  end(present, policy_violation, to_string(rendezvous_errc::replaced), now);
  return true;
}

void registry_machine::unregister(socket_id who, const socket& of, mono_time now) {
  const auto key = *of.key;
  const auto own = of.calls;
  for (const auto number : own) {
    const auto which = calls_.find(number);
    stop_ringing(number, which->second, true);
    ++counts_.calls_cancelled;
    erase_call(which);
  }
  // Whoever calls it learns nothing of this.
  for (const auto number : of.ringing) calls_.find(number)->second.ringing_at = 0;
  for (const auto& each : of.watched) {
    if (const auto other = mutual(each, key); other != 0 && other != who) {
      send(other, presence_frame{.key = key, .online = false});
    }
  }
  watched_ -= of.watched.size();
  --registered_;
  report({.kind = registry_event_kind::unregistered, .key = key.short_text()});
  // Coming again does not give it new calls.
  auto& entry = keys_.find(key)->second;
  entry.at = 0;
  if (entry.calls.full_at() <= now) {
    keys_.erase(key);
    return;
  }
  remembered_.emplace_back(now + std::chrono::minutes{1}, key);
  if (remembered_.size() > limits_.max_keys) remembered_.front().first = now;
}

void registry_machine::forget_keys(mono_time now) {
  while (!remembered_.empty() && remembered_.front().first <= now) {
    const auto found = keys_.find(remembered_.front().second);
    const bool is_over = found != keys_.end() && found->second.at == 0 && found->second.calls.full_at() <= now;
    // One that had to make room goes in any case.
    const bool makes_room = found != keys_.end() && found->second.at == 0 && remembered_.size() > limits_.max_keys;
    if (is_over || makes_room) keys_.erase(found);
    remembered_.pop_front();
  }
}

}  // namespace flowersec::rendezvous
