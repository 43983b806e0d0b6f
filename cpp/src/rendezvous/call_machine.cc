#include "rendezvous/call_machine.h"

#include <algorithm>
#include <set>
#include <utility>

namespace flowersec::rendezvous {

using identity::call_role;

void call_machine::gone(registry_index registry) {
  last_rid_.erase(registry);
  std::erase_if(parked_, [&](const auto& each) { return each.second.registry == registry; });
  std::erase_if(asked_, [&](const auto& each) { return each.second.registry == registry; });
  std::vector<public_key> lost;
  for (const auto& [peer, call] : placed_) {
    if (call.registry == registry) lost.push_back(peer);
  }
  for (const auto& peer : lost) fail(peer, rendezvous_errc::connection_lost);
}

void call_machine::take(registry_index registry, const std::string& url, server_frame frame, mono_time now,
                        unix_seconds wall) {
  if (auto* incoming = std::get_if<incoming_frame>(&frame)) return on(registry, url, std::move(*incoming), now, wall);
  if (const auto* grant = std::get_if<grant_frame>(&frame)) return on(registry, *grant);
  if (const auto* cancelled = std::get_if<cancelled_frame>(&frame)) return on(registry, *cancelled);
  if (const auto* error = std::get_if<error_frame>(&frame)) on(registry, *error);
}

void call_machine::call(const public_key& to, registry_index via, mono_time now) {
  if (placed_.contains(to)) return;
  auto own = identity::ephemeral_key::generate(*random_);
  if (!own) return intents_.push_back(dial::failed{.peer = to, .registry = via, .why = own.error()});
  const auto used = used_.find(to);
  const bool invited = used != used_.end() && used->second.carry;
  const auto rid = ++last_rid_[via];
  call_frame frame{.rid = rid, .to = to, .eph = own->key()};
  if (invited) frame.note = used->second.note;
  placed_.emplace(
      to, placed{.registry = via, .rid = rid, .own = std::move(*own), .invited = invited, .by = now + call_timeout});
  intents_.push_back(dial::say{.registry = via, .frame = std::move(frame)});
}

void call_machine::cancel(const public_key& to) {
  const auto call = placed_.extract(to);
  if (call) intents_.push_back(dial::say{call.mapped().registry, cancel_frame{call.mapped().rid}});
}

void call_machine::on(registry_index registry, const std::string& url, incoming_frame frame, mono_time now,
                      unix_seconds wall) {
  const auto& own = contacts_->owner().key();
  const auto from = frame.from;
  if (from == own || frame.grant.role != ticket_role::server) return;
  const auto* known = contacts_->get(from);
  if (known != nullptr && known->policy == identity::contact_policy::block) return;
  const auto* secret = frame.note ? invitations_.find(*frame.note, wall) : nullptr;
  if (known == nullptr && secret == nullptr) {
    const auto repeated = std::ranges::any_of(asked_, [&](const auto& each) { return each.second.frame.from == from; });
    if (!ask_ || repeated || asked_.size() >= max_asked_calls) return;
    const auto number = ++last_number_;
    intents_.push_back(dial::ask{incoming_call{.id = number, .from = from, .note = frame.note, .registry_url = url}});
    asked_.emplace(number, received{.registry = registry, .frame = std::move(frame), .by = now + answer_window});
    return;
  }
  if (!has_room_for(from, registry)) return;
  if (known == nullptr) {
    auto dh = contacts_->owner().agree(from);
    if (!dh) return;
    const identity::contact guest{.key = from, .name = {}, .dh = std::move(*dh)};
    return answer(registry, frame, guest, secret);
  }
  // Both call: the smaller key's call goes on. Theirs waits, in case ours comes to nothing.
  if (placed_.contains(from)) {
    if (own < from) {
      parked_.insert_or_assign(from,
                               received{.registry = registry, .frame = std::move(frame), .by = now + answer_window});
      return;
    }
    // At another registry ours goes on until they are there: the handshake shows it, not what this registry claims.
    if (placed_.at(from).registry == registry) cancel(from);
  }
  answer(registry, frame, *known, secret);
}

void call_machine::answer(registry_index registry, const incoming_frame& frame, const identity::contact& from,
                          const identity::invitation_secret* secret) {
  const auto bad = [&](error_code why) { intents_.push_back(dial::bad_call{.peer = from.key, .why = why}); };
  const auto own = identity::ephemeral_key::generate(*random_);
  if (!own) return bad(own.error());
  auto key = identity::call_derivation{.own = contacts_->owner(),
                                       .peer = from,
                                       .own_ephemeral = *own,
                                       .peer_ephemeral = frame.eph,
                                       .channel_id = frame.grant.channel_id,
                                       .invitation = secret}
                 .derive(call_role::callee);
  if (!key) return bad(key.error());
  intents_.push_back(dial::say{registry, accept_frame{.call_id = frame.call_id, .eph = own->key()}});
  attach(frame.grant.clone(), std::move(*key),
         attaching{.peer = from.key,
                   .registry = registry,
                   .ours = false,
                   .invited = secret != nullptr,
                   .note = secret != nullptr ? *frame.note : std::string{}});
}

void call_machine::on(registry_index registry, const grant_frame& frame) {
  const auto found = std::ranges::find_if(
      placed_, [&](const auto& each) { return each.second.registry == registry && each.second.rid == frame.rid; });
  if (found == placed_.end()) return;  // cancelled, or too late
  const auto peer = found->first;
  const auto* known = contacts_->get(peer);
  if (known == nullptr || known->policy == identity::contact_policy::block) {
    return fail(peer, rendezvous_errc::unknown_contact);
  }
  if (frame.grant.role != ticket_role::client) return fail(peer, rendezvous_errc::bad_ticket);
  const auto used = used_.find(peer);
  const bool invited = found->second.invited && used != used_.end();
  auto key = identity::call_derivation{.own = contacts_->owner(),
                                       .peer = *known,
                                       .own_ephemeral = found->second.own,
                                       .peer_ephemeral = frame.eph,
                                       .channel_id = frame.grant.channel_id,
                                       .invitation = invited ? &used->second.secret : nullptr}
                 .derive(call_role::caller);
  if (!key) return fail(peer, key.error());
  placed_.erase(found);
  parked_.erase(peer);
  attach(frame.grant.clone(), std::move(*key),
         attaching{.peer = peer, .registry = registry, .ours = true, .invited = invited});
}

void call_machine::on(registry_index registry, const cancelled_frame& frame) {
  const auto same = [&](const auto& each) {
    return each.second.registry == registry && each.second.frame.call_id == frame.call_id;
  };
  std::erase_if(parked_, same);
  std::erase_if(asked_, same);
}

void call_machine::on(registry_index registry, const error_frame& frame) {
  if (!frame.rid) return;
  const auto found = std::ranges::find_if(
      placed_, [&](const auto& each) { return each.second.registry == registry && each.second.rid == *frame.rid; });
  if (found == placed_.end()) return;
  const auto peer = found->first;
  fail(peer, frame.code);
}

/// A call of ours is over without a channel. If they called as well, theirs is taken up.
void call_machine::fail(const public_key& peer, error_code why) {
  const auto call = placed_.extract(peer);
  if (!call) return;
  // Who does not know us answers no call without the invitation.
  if (const auto used = used_.find(peer); used != used_.end() && !call.mapped().invited) used->second.carry = true;
  auto parked = parked_.extract(peer);
  const auto* known = contacts_->get(peer);
  if (parked && known != nullptr && known->policy == identity::contact_policy::allow) {
    return answer(parked.mapped().registry, parked.mapped().frame, *known, nullptr);
  }
  intents_.push_back(dial::failed{.peer = peer, .registry = call.mapped().registry, .why = why});
}

void call_machine::attach(channel_ticket ticket, identity::call_psk key, attaching what) {
  const auto number = ++last_number_;
  intents_.push_back(dial::attach{.number = number,
                                  .peer = what.peer,
                                  .role = what.ours ? call_role::caller : call_role::callee,
                                  .registry = what.registry,
                                  .ticket = std::move(ticket),
                                  .key = std::move(key)});
  attaching_.emplace(number, std::move(what));
}

bool call_machine::has_room_for(const public_key& caller, registry_index registry) const {
  std::set<public_key> others;
  for (const auto& [number, each] : attaching_) {
    if (!each.ours && each.registry == registry && each.peer != caller) others.insert(each.peer);
  }
  return others.size() < max_answered_callers;
}

void call_machine::accept(std::uint64_t asked, mono_time now) {
  auto call = asked_.extract(asked);
  if (!call || now >= call.mapped().by) return;
  const auto* known = contacts_->get(call.mapped().frame.from);
  if (known == nullptr || known->policy == identity::contact_policy::block) return;
  answer(call.mapped().registry, call.mapped().frame, *known, nullptr);
}

void call_machine::decline(std::uint64_t asked) {
  const auto call = asked_.extract(asked);
  if (call) intents_.push_back(dial::say{call.mapped().registry, decline_frame{call.mapped().frame.call_id}});
}

void call_machine::attached(std::uint64_t number) {
  const auto done = attaching_.extract(number);
  if (!done) return;
  const auto& what = done.mapped();
  // With or without the invitation in it: whoever has come through is known to the other side.
  if (what.ours) {
    used_.erase(what.peer);
    return;
  }
  cancel(what.peer);
  if (!what.invited) return;
  const bool is_first = invitations_.consume(what.note);
  auto name = guest_names_.extract(what.note);
  const auto tell_used = [&] {
    if (is_first) intents_.push_back(dial::invitation_used{.key = what.peer, .note = what.note});
  };
  if (contacts_->get(what.peer) != nullptr) return tell_used();
  const auto turn_away = [&](error_code why) { intents_.push_back(dial::bad_call{.peer = what.peer, .why = why}); };
  // Good once: somebody with the same link was faster.
  if (!is_first) return turn_away(identity::identity_errc::bad_invitation);
  const auto chosen = free_name(name ? name.mapped() : std::string{}, what.peer);
  const auto added = contacts_->add(what.peer, chosen, identity::contact_policy::allow, true);
  if (!added) {
    tell_used();
    return turn_away(added.error());
  }
  intents_.push_back(dial::guest{.key = what.peer, .name = chosen, .note = what.note});
}

void call_machine::attach_failed(std::uint64_t number) {
  const auto done = attaching_.extract(number);
  if (!done || !done.mapped().ours) return;
  // The other end may have seen the handshake through, and have consumed the invitation: the next call is without.
  const auto used = used_.find(done.mapped().peer);
  if (used != used_.end()) used->second.carry = !done.mapped().invited;
}

std::string call_machine::free_name(const std::string& wanted, const public_key& key) const {
  const auto base = identity::is_valid_name(wanted) ? wanted : "guest " + key.short_text();
  if (contacts_->find(base) == nullptr) return base;
  const auto longer = base + " " + key.short_text();
  return identity::is_valid_name(longer) && contacts_->find(longer) == nullptr ? longer : key.text();
}

result<void> call_machine::expect(const identity::invitation& given, std::string name, unix_seconds now) {
  if (auto ok = invitations_.add(given, now); !ok) return ok;
  guest_names_.insert_or_assign(given.note(), std::move(name));
  // Those of invitations that lapsed.
  std::erase_if(guest_names_, [&](const auto& each) { return invitations_.find(each.first, now) == nullptr; });
  return {};
}

void call_machine::use(identity::invitation given) {
  auto note = given.note();
  used_.insert_or_assign(given.host_key, used_invitation{.secret = std::move(given.secret), .note = std::move(note)});
}

void call_machine::advance(mono_time now) {
  const auto over = [&](const auto& each) { return now >= each.second.by; };
  std::erase_if(parked_, over);
  std::erase_if(asked_, over);
  std::vector<public_key> late;
  for (const auto& [peer, call] : placed_) {
    if (now >= call.by) late.push_back(peer);
  }
  for (const auto& peer : late) {
    const auto& call = placed_.at(peer);
    intents_.push_back(dial::say{call.registry, cancel_frame{call.rid}});
    fail(peer, rendezvous_errc::no_answer);
  }
}

std::optional<mono_time> call_machine::deadline() const {
  std::optional<mono_time> first;
  const auto consider = [&first](const auto& calls) {
    for (const auto& [key, call] : calls) {
      if (!first || call.by < *first) first = call.by;
    }
  };
  consider(parked_);
  consider(asked_);
  consider(placed_);
  return first;
}

std::optional<call_intent> call_machine::poll_intent() {
  if (intents_.empty()) return std::nullopt;
  auto next = std::move(intents_.front());
  intents_.pop_front();
  return next;
}

}  // namespace flowersec::rendezvous
