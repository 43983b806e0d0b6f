// Guests: who comes in with an invitation, once, and who does not.
#include <gtest/gtest.h>

#include "unit/rendezvous/calling_people.h"

namespace flowersec::rendezvous {
namespace {

using namespace calling;

class invited : public testing::Test {
 protected:
  invited() {
    const auto registry = identity::identity::generate(system_random()).value();
    auto made = identity::invitation::make(registry_url_of_test, registry.key(), host.key(), system_random()).value();
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
  EXPECT_EQ(host.wanted(), (words{"used", "bad call"}));
  EXPECT_EQ(host.used_note, guest.last<call_frame>().note);
}

TEST_F(invited, guest_who_is_a_contact_already_uses_the_invitation_up_and_that_is_told_once) {
  guest.call(host);
  guest.rings(host);
  const auto first = host.attached;
  guest.rings(host, "c2");
  host.knows(guest);
  host.machine.attached(first);
  EXPECT_EQ(host.wanted(), words{"used"});
  EXPECT_EQ(host.used_note, guest.last<call_frame>().note);
  host.machine.attached(host.attached);
  EXPECT_EQ(host.wanted(), nothing);
  person second;
  second.knows(host);
  second.machine.use(identity::invitation::parse(fragment).value());
  second.call(host);
  EXPECT_EQ(second.rings(host), nothing);
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
