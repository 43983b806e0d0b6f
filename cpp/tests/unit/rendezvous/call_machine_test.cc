// Calls between people whose registry is this test: who is answered, whose call goes on, and which keys come out.
#include "rendezvous/call_machine.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "flowersec/rendezvous/make_artifact.h"

namespace flowersec::rendezvous {
namespace {

using namespace std::chrono_literals;
using words = std::vector<std::string>;
using identity::call_role;

constexpr unix_seconds wall{1'700'000'000};
const std::string url = "wss://registry.test";

std::shared_ptr<identity::contacts> somebody() {
  auto self = std::make_shared<identity::identity>(identity::identity::generate(system_random()).value());
  return std::make_shared<identity::contacts>(std::move(self));
}

channel_ticket ticket(ticket_role role, std::string channel = "channel") {
  return {.tunnel_url = "wss://tunnel.test/ws",
          .channel_id = std::move(channel),
          .init_expires = wall,
          .idle_timeout = 300s,
          .role = role,
          .token = messages::sensitive_text{"FST2.x"},
          .allowed_suites = {ticket_suite::x25519_hkdf_sha256_aes_256_gcm}};
}

class person {
 public:
  explicit person(bool asks = false) : people(somebody()), machine(people, asks, system_random()) {}

  [[nodiscard]] const public_key& key() const { return people->owner().key(); }
  void knows(const person& other, identity::contact_policy policy = identity::contact_policy::allow) {
    ASSERT_TRUE(people->add(other.key(), "friend " + other.key().short_text(), policy));
  }

  words wanted() {
    words all;
    while (auto next = machine.poll_intent()) {
      if (auto* say = std::get_if<dial::say>(&*next)) {
        all.push_back(said(say->frame));
        outbox.push_back(std::move(say->frame));
      } else if (auto* attach = std::get_if<dial::attach>(&*next)) {
        all.push_back(attach->role == call_role::caller ? "attach caller" : "attach callee");
        attached = attach->number;
        psk = std::string{as_text(make_grant_bytes(*attach))};
      } else if (auto* failed = std::get_if<dial::failed>(&*next)) {
        all.push_back("failed " + std::string{to_string(static_cast<rendezvous_errc>(failed->why.value()))});
      } else if (auto* ask = std::get_if<dial::ask>(&*next)) {
        asked = ask->call.id;
        all.push_back("ask");
      } else if (auto* guest = std::get_if<dial::guest>(&*next)) {
        all.push_back("guest " + guest->name);
      } else {
        all.push_back("bad call");
      }
    }
    return all;
  }
  words take(server_frame frame, registry_index registry = 0) {
    machine.take(registry, url, std::move(frame), now, wall);
    return wanted();
  }
  words call(const person& other, registry_index via = 0) {
    machine.call(other.key(), via, now);
    return wanted();
  }
  template <class Frame>
  [[nodiscard]] const Frame& last() const {
    const auto found = std::find_if(outbox.rbegin(), outbox.rend(),
                                    [](const auto& each) { return std::holds_alternative<Frame>(each); });
    return std::get<Frame>(*found);
  }

  /// The registry tells them of our last call.
  words rings(person& other, std::string call_id = "c1", registry_index registry = 0,
              std::optional<public_key> from = {}) {
    const auto& call_of = last<call_frame>();
    return other.take(incoming_frame{.call_id = std::move(call_id),
                                     .from = from.value_or(key()),
                                     .eph = call_of.eph,
                                     .note = call_of.note,
                                     .grant = ticket(ticket_role::server)},
                      registry);
  }
  /// The registry tells us that they accepted.
  words granted(const person& other, std::string channel = "channel") {
    return take(grant_frame{.rid = last<call_frame>().rid,
                            .call_id = "c1",
                            .eph = other.last<accept_frame>().eph,
                            .grant = ticket(ticket_role::client, std::move(channel))});
  }

  mono_time now{1000s};
  std::shared_ptr<identity::contacts> people;
  call_machine machine;
  std::vector<client_frame> outbox;
  std::uint64_t attached = 0;
  std::uint64_t asked = 0;
  std::string psk;

 private:
  static std::string said(const client_frame& frame) {
    if (const auto* call = std::get_if<call_frame>(&frame)) return call->note ? "call with note" : "call";
    if (std::holds_alternative<accept_frame>(frame)) return "accept";
    if (std::holds_alternative<decline_frame>(frame)) return "decline";
    return std::holds_alternative<cancel_frame>(frame) ? "cancel" : "other";
  }
  byte_view make_grant_bytes(const dial::attach& of) {
    kept_ = to_buffer(of.key.value().view());
    return kept_;
  }
  byte_buffer kept_;
};

const words nothing{};
const words answers{"accept", "attach callee"};

TEST(call_machine, brings_both_ends_to_the_same_key) {
  person a;
  person b;
  a.knows(b);
  b.knows(a);
  EXPECT_EQ(a.call(b), words{"call"});
  EXPECT_EQ(a.rings(b), answers);
  EXPECT_EQ(a.granted(b), words{"attach caller"});
  EXPECT_EQ(a.psk, b.psk);
  EXPECT_EQ(a.psk.size(), 32u);
}

TEST(call_machine, has_other_keys_for_every_call_and_direction) {
  person a;
  person b;
  a.knows(b);
  b.knows(a);
  std::vector<std::string> keys;
  for (int round = 0; round < 2; ++round) {
    a.call(b);
    a.rings(b);
    a.granted(b);
    keys.push_back(a.psk);
    b.call(a);
    b.rings(a);
    b.granted(a);
    keys.push_back(b.psk);
    EXPECT_EQ(a.psk, b.psk);
  }
  std::ranges::sort(keys);
  EXPECT_EQ(std::ranges::adjacent_find(keys), keys.end());
}

TEST(call_machine, comes_to_no_common_key_when_the_registry_changes_anything) {
  person a;
  person b;
  person c;
  for (auto* each : {&a, &b}) each->knows(c);
  a.knows(b);
  b.knows(a);
  a.call(b);
  a.rings(b, "c1", 0, c.key());
  a.granted(b);
  EXPECT_NE(a.psk, b.psk) << "another caller";
  a.call(b);
  a.rings(b);
  a.granted(b, "other channel");
  EXPECT_NE(a.psk, b.psk) << "another grant";
  a.call(b);
  a.rings(b);
  const auto own = identity::ephemeral_key::generate(system_random()).value();
  a.take(grant_frame{.rid = a.last<call_frame>().rid, .eph = own.key(), .grant = ticket(ticket_role::client)});
  EXPECT_NE(a.psk, b.psk) << "another Y";
}

TEST(call_machine, does_not_answer_unknown_or_blocked_callers_or_itself) {
  person a;
  person b;
  a.knows(b);
  a.call(b);
  EXPECT_EQ(a.rings(b), nothing);
  person c;
  c.knows(a, identity::contact_policy::block);
  EXPECT_EQ(a.rings(c), nothing);
  EXPECT_EQ(a.rings(b, "c1", 0, b.key()), nothing);
}

TEST(call_machine, asks_about_unknown_callers_once_and_answers_when_they_are_contacts) {
  person a;
  person b{true};
  a.knows(b);
  a.call(b);
  EXPECT_EQ(a.rings(b), words{"ask"});
  EXPECT_EQ(a.rings(b), nothing);
  b.machine.accept(b.asked, b.now);
  EXPECT_EQ(b.wanted(), nothing) << "no contact yet";
  a.call(b);
  EXPECT_EQ(a.rings(b), words{"ask"});
  b.knows(a);
  b.machine.accept(b.asked, b.now);
  EXPECT_EQ(b.wanted(), answers);
  a.granted(b);
  EXPECT_EQ(a.psk, b.psk);
}

TEST(call_machine, forgets_a_question_that_was_cancelled_declined_or_left_for_too_long) {
  person a;
  person b{true};
  a.knows(b);
  a.call(b);
  a.rings(b);
  b.knows(a);
  b.take(cancelled_frame{"c1"});
  b.machine.accept(b.asked, b.now);
  EXPECT_EQ(b.wanted(), nothing);

  person c{true};
  a.rings(c);
  c.machine.decline(c.asked);
  EXPECT_EQ(c.wanted(), words{"decline"});
  a.rings(c);
  c.knows(a);
  c.machine.accept(c.asked, c.now + answer_window);
  EXPECT_EQ(c.wanted(), nothing);
}

TEST(call_machine, asks_about_so_many_calls_at_once_and_not_one_more) {
  person b{true};
  for (std::size_t count = 0; count < max_asked_calls; ++count) {
    person a;
    a.knows(b);
    a.call(b);
    EXPECT_EQ(a.rings(b), words{"ask"});
  }
  person late;
  late.knows(b);
  late.call(b);
  EXPECT_EQ(late.rings(b), nothing);
  b.machine.advance(b.now + answer_window);
  EXPECT_EQ(late.rings(b), words{"ask"});
}

TEST(call_machine, takes_part_in_so_many_handshakes_of_a_registry_and_not_in_one_more) {
  person called;
  std::vector<std::unique_ptr<person>> callers;
  const auto next = [&]() -> person& {
    auto& made = *callers.emplace_back(std::make_unique<person>());
    called.knows(made);
    made.knows(called);
    made.call(called);
    return made;
  };
  for (std::size_t i = 0; i < max_answered_callers; ++i) EXPECT_EQ(next().rings(called), answers);
  const auto last = called.attached;
  auto& late = next();
  EXPECT_EQ(late.rings(called), nothing);
  EXPECT_EQ(callers.front()->rings(called, "c2"), answers) << "it is one of them already";
  EXPECT_EQ(late.rings(called, "c1", 1), answers) << "another registry";
  called.machine.attach_failed(last);
  EXPECT_EQ(late.rings(called, "c3"), answers);
}

TEST(call_machine, lets_the_smaller_key_go_on_when_both_call) {
  person a;
  person b;
  a.knows(b);
  b.knows(a);
  auto& smaller = a.key() < b.key() ? a : b;
  auto& larger = a.key() < b.key() ? b : a;
  a.call(b);
  b.call(a);
  EXPECT_EQ(larger.rings(smaller), nothing);
  EXPECT_EQ(smaller.rings(larger), (words{"cancel", "accept", "attach callee"}));
  EXPECT_FALSE(larger.machine.is_calling(smaller.key()));
  EXPECT_EQ(smaller.granted(larger), words{"attach caller"});
  EXPECT_EQ(a.psk, b.psk);
}

TEST(call_machine, goes_on_with_its_call_at_another_registry_until_their_handshake_is_through) {
  person one;
  person two;
  person& smaller = one.key() < two.key() ? one : two;
  person& larger = one.key() < two.key() ? two : one;
  smaller.knows(larger);
  larger.knows(smaller);
  larger.call(smaller, 1);
  smaller.call(larger, 0);
  EXPECT_EQ(smaller.rings(larger, "c1", 0), answers) << "whatever the registry claims, ours is not cancelled";
  EXPECT_TRUE(larger.machine.is_calling(smaller.key()));
  larger.machine.attached(larger.attached);
  EXPECT_EQ(larger.wanted(), words{"cancel"});
  EXPECT_FALSE(larger.machine.is_calling(smaller.key()));
}

TEST(call_machine, takes_their_call_up_when_its_own_comes_to_nothing) {
  person a;
  person b;
  a.knows(b);
  b.knows(a);
  auto& smaller = a.key() < b.key() ? a : b;
  auto& larger = a.key() < b.key() ? b : a;
  a.call(b);
  b.call(a);
  larger.rings(smaller, "c7");
  EXPECT_EQ(
      smaller.take(error_frame{.code = rendezvous_errc::recipient_unavailable, .rid = smaller.last<call_frame>().rid}),
      answers);
  EXPECT_EQ(smaller.last<accept_frame>().call_id, "c7");
}

TEST(call_machine, does_not_take_up_a_call_that_was_cancelled) {
  person a;
  person b;
  a.knows(b);
  b.knows(a);
  auto& smaller = a.key() < b.key() ? a : b;
  auto& larger = a.key() < b.key() ? b : a;
  a.call(b);
  b.call(a);
  larger.rings(smaller, "c7");
  smaller.take(cancelled_frame{"c7"});
  EXPECT_EQ(smaller.take(error_frame{.code = rendezvous_errc::rate_limited, .rid = smaller.last<call_frame>().rid}),
            words{"failed rate_limited"});
}

TEST(call_machine, fails_calls_that_the_registry_refuses_forgets_or_leaves) {
  person a;
  person b;
  a.knows(b);
  a.call(b);
  EXPECT_EQ(a.take(error_frame{.code = rendezvous_errc::recipient_unavailable, .rid = 99}), nothing);
  EXPECT_EQ(a.take(error_frame{.code = rendezvous_errc::recipient_unavailable, .rid = 1}, 1), nothing);
  EXPECT_EQ(a.take(error_frame{.code = rendezvous_errc::recipient_unavailable, .rid = 1}),
            words{"failed recipient_unavailable"});
  a.call(b);
  EXPECT_EQ(a.last<call_frame>().rid, 2u);
  a.machine.advance(a.now + call_timeout - 1ms);
  EXPECT_EQ(a.wanted(), nothing);
  a.machine.advance(a.now + call_timeout);
  EXPECT_EQ(a.wanted(), (words{"cancel", "failed no_answer"}));
  a.call(b);
  a.machine.gone(0);
  EXPECT_EQ(a.wanted(), words{"failed connection_lost"});
  a.call(b);
  EXPECT_EQ(a.last<call_frame>().rid, 1u) << "numbers are those of a connection";
}

TEST(call_machine, passes_over_a_grant_of_no_call_or_of_the_other_role) {
  person a;
  person b;
  a.knows(b);
  b.knows(a);
  a.call(b);
  a.rings(b);
  const auto eph = b.last<accept_frame>().eph;
  EXPECT_EQ(a.take(grant_frame{.rid = 9, .eph = eph, .grant = ticket(ticket_role::client)}), nothing);
  EXPECT_EQ(a.take(grant_frame{.rid = 1, .eph = eph, .grant = ticket(ticket_role::client)}, 1), nothing);
  EXPECT_EQ(a.take(grant_frame{.rid = 1, .eph = eph, .grant = ticket(ticket_role::server)}),
            words{"failed bad_ticket"});
  EXPECT_EQ(b.take(incoming_frame{.call_id = "c", .from = a.key(), .eph = eph, .grant = ticket(ticket_role::client)}),
            nothing);
}

class invited : public testing::Test {
 protected:
  invited() {
    const auto registry = identity::identity::generate(system_random()).value();
    auto made = identity::invitation::make(url, registry.key(), host.key(), system_random()).value();
    fragment = made.fragment();
    EXPECT_TRUE(host.machine.expect(made, "Gast", wall));
    guest.knows(host);
    guest.machine.use(std::move(made));
  }
  person host;
  person guest;
  std::string fragment;
};

TEST_F(invited, guest_is_answered_and_becomes_a_contact_when_the_handshake_is_through) {
  EXPECT_EQ(guest.call(host), words{"call with note"});
  EXPECT_EQ(guest.rings(host), answers);
  guest.granted(host);
  EXPECT_EQ(guest.psk, host.psk);
  EXPECT_EQ(host.people->get(guest.key()), nullptr);
  host.machine.attached(host.attached);
  EXPECT_EQ(host.wanted(), words{"guest Gast"});
  ASSERT_NE(host.people->get(guest.key()), nullptr);
  EXPECT_TRUE(host.people->get(guest.key())->verified);
  guest.machine.attached(guest.attached);
  EXPECT_EQ(guest.call(host), words{"call"});
}

TEST_F(invited, stranger_with_the_note_alone_comes_to_no_key_and_uses_nothing_up) {
  person thief;
  thief.knows(host);
  guest.call(host);
  const auto note = guest.last<call_frame>().note;
  thief.call(host);
  EXPECT_EQ(host.take(incoming_frame{.call_id = "c1",
                                     .from = thief.key(),
                                     .eph = thief.last<call_frame>().eph,
                                     .note = note,
                                     .grant = ticket(ticket_role::server)}),
            answers);
  thief.granted(host);
  EXPECT_NE(thief.psk, host.psk);
  host.machine.attach_failed(host.attached);
  EXPECT_EQ(host.wanted(), nothing);
  EXPECT_EQ(host.people->get(thief.key()), nullptr);
  EXPECT_EQ(guest.rings(host), answers) << "the invitation is still open";
}

TEST_F(invited, second_guest_with_a_used_link_is_not_answered) {
  guest.call(host);
  guest.rings(host);
  host.machine.attached(host.attached);
  host.wanted();
  person second;
  second.knows(host);
  second.machine.use(identity::invitation::parse(fragment).value());
  EXPECT_EQ(second.call(host), words{"call with note"});
  EXPECT_EQ(second.rings(host), nothing);
}

TEST_F(invited, second_guest_at_the_same_time_is_turned_away) {
  guest.call(host);
  guest.rings(host);
  const auto first = host.attached;
  person second;
  second.knows(host);
  second.machine.use(identity::invitation::parse(fragment).value());
  second.call(host);
  EXPECT_EQ(second.rings(host, "c2"), answers);
  host.machine.attached(host.attached);
  EXPECT_EQ(host.wanted(), words{"guest Gast"});
  host.machine.attached(first);
  EXPECT_EQ(host.wanted(), words{"bad call"});
  EXPECT_NE(host.people->get(second.key()), nullptr);
  EXPECT_EQ(host.people->get(guest.key()), nullptr) << "no contact, so its channel is dropped";
}

TEST_F(invited, guest_who_cannot_be_added_is_told_of) {
  guest.call(host);
  guest.rings(host);
  for (std::size_t i = 0; i < identity::max_contacts; ++i) {
    ASSERT_TRUE(
        host.people->add(identity::identity::generate(system_random()).value().key(), "contact " + std::to_string(i)));
  }
  host.machine.attached(host.attached);
  EXPECT_EQ(host.wanted(), words{"bad call"});
}

TEST_F(invited, guest_whose_handshake_nobody_saw_through_carries_the_invitation_again) {
  guest.call(host);
  guest.rings(host);
  guest.granted(host);
  guest.machine.attach_failed(guest.attached);
  host.machine.attach_failed(host.attached);
  // The host may have seen it through, so the next call is without; not answered, it is with the invitation again.
  EXPECT_EQ(guest.call(host), words{"call"});
  EXPECT_EQ(guest.rings(host, "c2"), nothing);
  EXPECT_EQ(
      guest.take(error_frame{.code = rendezvous_errc::recipient_unavailable, .rid = guest.last<call_frame>().rid}),
      words{"failed recipient_unavailable"});
  EXPECT_EQ(guest.call(host), words{"call with note"});
  EXPECT_EQ(guest.rings(host, "c3"), answers);
  guest.granted(host);
  EXPECT_EQ(guest.psk, host.psk);
}

TEST_F(invited, guest_who_did_not_learn_that_it_was_in_calls_without_the_invitation) {
  guest.call(host);
  guest.rings(host);
  host.machine.attached(host.attached);
  host.wanted();
  guest.granted(host);
  guest.machine.attach_failed(guest.attached);
  EXPECT_EQ(guest.call(host), words{"call"});
  EXPECT_EQ(guest.rings(host), answers);
  guest.granted(host);
  EXPECT_EQ(guest.psk, host.psk);
}

TEST_F(invited, guest_gets_another_name_when_its_name_is_taken) {
  person other;
  ASSERT_TRUE(host.people->add(other.key(), "Gast"));
  guest.call(host);
  guest.rings(host);
  host.machine.attached(host.attached);
  EXPECT_EQ(host.wanted(), words{"guest Gast " + guest.key().short_text()});
}

TEST_F(invited, blocked_contact_is_not_let_in_by_a_link) {
  host.knows(guest, identity::contact_policy::block);
  guest.call(host);
  EXPECT_EQ(guest.rings(host), nothing);
}

}  // namespace
}  // namespace flowersec::rendezvous
