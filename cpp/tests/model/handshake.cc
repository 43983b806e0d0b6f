#include "model/handshake.h"

#include <algorithm>

namespace flowersec::model {

record_numbers sent_by(role who) {
  // Number 1 of a server is the record that ends the handshake.
  return who == role::client ? record_numbers{1, 2} : record_numbers{2, 2};
}

scene::scene(protocol how, std::size_t clients, std::size_t servers) : how_(how), clients_(clients) {
  features_ = {terms_.name("rekey"), terms_.name("no features")};
  suites_ = {terms_.name("better suite"), terms_.name("worse suite")};
  for (std::size_t i = 0; i <= clients + servers; ++i) {
    const bool is_attacker = i == clients + servers;
    const auto who = is_attacker ? std::string{"attacker"} : (i < clients ? "client" : "server") + std::to_string(i);
    const auto secret = terms_.secret(who + ".ephemeral");
    own_.push_back({secret, terms_.public_key(secret), terms_.secret(who + ".nonce"), features_[0]});
  }
  psk_ = terms_.secret("psk");
  ping_ = terms_.name("ping");
  app_ = terms_.name("app");
  empty_ = terms_.name("empty");
  forged_ = terms_.name("forged");
  constant_ = terms_.name("nothing");
}

/// A client speaks first and of itself, so all of them have.
state scene::start() {
  state first;
  for (std::size_t i = 0; i + 1 < own_.size(); ++i) {
    party one;
    one.is = i < clients_ ? role::client : role::server;
    one.entry = static_cast<std::uint8_t>(i);
    first.parties.push_back(one);
    if (one.is == role::server) continue;
    first.attacker.learn(terms_, own_[i].public_key);
    first.attacker.learn(terms_, own_[i].nonce);
  }
  first.attacker.learn(terms_, own_.back().secret);
  first.attacker.learn(terms_, own_.back().nonce);
  return first;
}

// ---- Messages

term scene::transcript(const view& of) {
  if (how_.without == flaw::transcript_not_bound) return constant_;
  std::vector<term> bound;
  for (std::size_t i = 0; i < field_count; ++i) {
    if (how_.not_in_transcript != static_cast<field>(i)) bound.push_back(of[i]);
  }
  return terms_.make(shape::hash, std::move(bound));
}

term scene::tag(const view& of) { return terms_.make(shape::mac, {psk_, transcript(of)}); }

scene::key_pair scene::keys(const party& of) {
  const auto peer_key = of.agreed[of.is == role::client ? server_key : client_key];
  const auto agreed_on = terms_.shared(own_[of.entry].secret, terms_.parts(peer_key).front());
  const auto psk = how_.without == flaw::psk_not_in_keys ? constant_ : psk_;
  const auto ss = how_.without == flaw::shared_secret_not_in_keys ? constant_ : agreed_on;
  const auto root = terms_.make(shape::derive, {psk, ss, transcript(of.agreed)});
  const bool one = how_.without == flaw::one_key_for_both_directions;
  return {terms_.make(shape::derive, {root, terms_.name("c2s")}),
          terms_.make(shape::derive, {root, terms_.name(one ? "c2s" : "s2c")})};
}

term scene::sending_key(const party& of) {
  const auto both = keys(of);
  return of.is == role::client ? both.to_server : both.to_client;
}

term scene::record(term key, std::size_t number, term flag, term content) {
  return terms_.make(shape::seal, {key, terms_.name(std::to_string(number)), flag, content});
}

term scene::content(std::size_t who, std::size_t number) {
  return terms_.secret("content" + std::to_string(number) + " of " + std::to_string(who));
}

// ---- Steps

std::vector<scene::step> scene::steps(const state& from) {
  std::vector<step> out;
  for (std::size_t who = 0; who < from.parties.size(); ++who) {
    const auto& one = from.parties[who];
    const bool is_client = one.is == role::client;
    if (one.at == progress::waiting) {
      is_client ? accept_resp(from, who, out) : accept_init(from, who, out);
    } else if (one.at == progress::half) {
      is_client ? accept_finished(from, who, out) : accept_ack(from, who, out);
    } else {
      read_record(from, who, out);
    }
  }
  return out;
}

std::vector<scene::choice> scene::choices(const state& from) const {
  std::vector<choice> out;
  for (const auto& key : own_) {
    if (!from.attacker.can_say(terms_, key.public_key)) continue;
    for (const auto& nonce : own_) {
      if (!from.attacker.can_say(terms_, nonce.nonce)) continue;
      for (const auto features : features_) out.push_back({features, nonce.nonce, key.public_key});
    }
  }
  return out;
}

void scene::accept_init(const state& from, std::size_t who, std::vector<step>& out) {
  // Servers are alike: they begin in order.
  if (who > clients_ && from.parties[who - 1].at == progress::waiting) return;
  const auto& own = own_[who];
  for (const auto& said : choices(from)) {
    for (const auto suite : suites_) {
      if (suite != suites_[0] && !how_.servers_take_any_suite) continue;
      step next{from, who, "server takes INIT with", {suite, said.key, said.nonce, said.features}};
      auto& one = next.after.parties[who];
      one.at = progress::half;
      one.agreed = {suite, said.features, own.features, said.nonce, own.nonce, said.key, own.public_key};
      next.after.attacker.learn(terms_, own.public_key);
      next.after.attacker.learn(terms_, own.nonce);
      out.push_back(std::move(next));
    }
  }
  // The same INIT on another connection gets the same RESP.
  for (std::size_t other = clients_; other < who; ++other) {
    const auto& began = from.parties[other];
    if (began.entry != other || is_taken(from, began.entry)) continue;
    step next{from, who, "server takes the INIT of another connection again:", {own_[other].public_key}};
    auto& one = next.after.parties[who];
    one.at = progress::half;
    one.entry = began.entry;
    one.agreed = began.agreed;
    out.push_back(std::move(next));
  }
}

/// The first ACK takes the state of the handshake away.
bool scene::is_taken(const state& now, std::uint8_t entry) const {
  return how_.without != flaw::ack_leaves_the_state &&
         std::any_of(now.parties.begin(), now.parties.end(), [&](const party& one) {
           return one.is == role::server && one.entry == entry && one.at == progress::connected;
         });
}

void scene::accept_ack(const state& from, std::size_t who, std::vector<step>& out) {
  const auto& before = from.parties[who];
  if (is_taken(from, before.entry) || !from.attacker.can_say(terms_, tag(before.agreed))) return;
  step next{from, who, "server takes ACK"};
  next.after.attacker.learn(terms_, record(sending_key(before), 1, ping_, empty_));
  connect(next.after, who);
  out.push_back(std::move(next));
}

void scene::accept_resp(const state& from, std::size_t who, std::vector<step>& out) {
  const auto& own = own_[who];
  for (const auto& said : choices(from)) {
    step next{from, who, "client takes RESP with", {said.key, said.nonce, said.features}};
    auto& one = next.after.parties[who];
    one.at = progress::half;
    one.agreed = {suites_[0], own.features, said.features, own.nonce, said.nonce, own.public_key, said.key};
    next.after.attacker.learn(terms_, tag(one.agreed));
    if (how_.without == flaw::no_server_finished) connect(next.after, who);
    out.push_back(std::move(next));
  }
}

void scene::accept_finished(const state& from, std::size_t who, std::vector<step>& out) {
  const auto finished = record(keys(from.parties[who]).to_client, 1, ping_, empty_);
  if (!from.attacker.can_say(terms_, finished)) return;
  step next{from, who, "client takes the record that ends the handshake"};
  connect(next.after, who);
  out.push_back(std::move(next));
}

void scene::connect(state& now, std::size_t who) {
  auto& one = now.parties[who];
  one.at = progress::connected;
  one.next_record = sent_by(one.is == role::client ? role::server : role::client).first;
  const auto [first, last] = sent_by(one.is);
  for (auto number = first; number <= last; ++number) {
    now.attacker.learn(terms_, record(sending_key(one), number, app_, content(who, number)));
  }
}

void scene::read_record(const state& from, std::size_t who, std::vector<step>& out) {
  const auto& one = from.parties[who];
  if (one.next_record > sent_by(one.is == role::client ? role::server : role::client).last) return;
  const auto both = keys(one);
  const auto key = one.is == role::client ? both.to_client : both.to_server;
  const auto take = [&](term content) {
    step next{from, who, "reads the next record:", {content}, content};
    ++next.after.parties[who].next_record;
    out.push_back(std::move(next));
  };
  const auto number = terms_.name(std::to_string(one.next_record));
  for (const auto seen : from.attacker.seen()) {
    if (terms_.what(seen) != shape::seal) continue;
    const auto& parts = terms_.parts(seen);
    if (parts[0] == key && parts[1] == number && parts[2] == app_) take(parts[3]);
  }
  if (from.attacker.can_say(terms_, key)) take(forged_);
}

std::string scene::text(const step& of) const {
  auto out = std::to_string(of.who) + ": " + std::string{of.what};
  for (const auto it : of.about) out += ' ' + terms_.text(it);
  return out;
}

// ---- Properties

std::vector<std::size_t> scene::peers(const state& now, std::size_t who, progress at_least) const {
  std::vector<std::size_t> out;
  const auto& one = now.parties[who];
  for (std::size_t i = 0; i < now.parties.size(); ++i) {
    const auto& other = now.parties[i];
    if (other.is != one.is && other.at >= at_least && other.agreed == one.agreed) out.push_back(i);
  }
  return out;
}

bool scene::tells_a_secret(const state& now, const knowledge& attacker) {
  for (std::size_t who = 0; who < now.parties.size(); ++who) {
    if (now.parties[who].at != progress::connected) continue;
    const auto [first, last] = sent_by(now.parties[who].is);
    for (auto number = first; number <= last; ++number) {
      if (attacker.can_say(terms_, content(who, number))) return true;
    }
  }
  return false;
}

bool scene::is_the_peers_own(const step& last) {
  const auto number = static_cast<std::size_t>(last.after.parties[last.who].next_record - 1);
  const auto from = peers(last.after, last.who, progress::connected);
  return std::any_of(from.begin(), from.end(), [&](std::size_t peer) { return content(peer, number) == *last.got; });
}

bool scene::shares_a_key(const state& now, std::size_t who) {
  const auto own = sending_key(now.parties[who]);
  for (std::size_t i = 0; i < now.parties.size(); ++i) {
    const auto& other = now.parties[i];
    if (i != who && other.at == progress::connected && sending_key(other) == own) return true;
  }
  return false;
}

std::vector<property> scene::broken(const step& last) {
  std::vector<property> out;
  const auto& now = last.after;
  const auto& one = now.parties[last.who];
  const auto expect = [&](bool holds, property what) {
    if (!holds) out.push_back(what);
  };
  if (last.got) {
    expect(is_the_peers_own(last), property::records_are_the_peers_own);
    return out;
  }
  if (one.at != progress::connected) return out;
  if (one.is == role::client) {
    expect(!peers(now, last.who, progress::connected).empty(), property::client_agrees_with_a_server);
  } else {
    const auto of = peers(now, last.who, progress::half);
    expect(!of.empty(), property::server_agrees_with_a_client);
    expect(of.empty() || peers(now, of.front(), progress::connected).size() == 1, property::one_server_for_one_client);
  }
  expect(!shares_a_key(now, last.who), property::one_key_for_one_direction);
  expect(!tells_a_secret(now, now.attacker), property::secrets_without_the_psk);
  auto with_psk = now.attacker;
  with_psk.learn(terms_, psk_);
  expect(!tells_a_secret(now, with_psk), property::secrets_when_the_psk_leaks_later);
  auto with_keys = now.attacker;
  for (const auto& own : own_) with_keys.learn(terms_, own.secret);
  expect(!tells_a_secret(now, with_keys), property::secrets_when_the_ephemeral_keys_leak);
  return out;
}

}  // namespace flowersec::model
