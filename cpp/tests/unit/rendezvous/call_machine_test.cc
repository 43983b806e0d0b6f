// Calls between people whose registry is this test: who is answered, whose call goes on, and which keys come out.
#include <gtest/gtest.h>

#include "unit/rendezvous/calling_people.h"

namespace flowersec::rendezvous {
namespace {

using namespace calling;

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

}  // namespace
}  // namespace flowersec::rendezvous
