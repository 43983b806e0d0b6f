// When a contact is called that two registries tell of, one of which may say what it likes, on a virtual clock.
#include <gtest/gtest.h>

#include <utility>

#include "unit/rendezvous/peer_script.h"

namespace flowersec::rendezvous {
namespace {

/// Two registries, of which the first one says what it likes.
class two_registries : public testing::Test {
 protected:
  two_registries() {
    peer.registries = {{.registered = true, .seen = presence::online}, {.registered = true}};
    peer.wanted = true;
  }
  peer_script peer;
};

TEST_F(two_registries, are_both_asked_when_the_grants_of_one_are_worth_nothing) {
  for (int round = 0; round < 4; ++round) {
    EXPECT_EQ(peer.step(), (words{"calling", "call 0"}));
    peer.handshake_fails(0, role::caller);
    EXPECT_EQ(peer.step(), words{"call 1"});
    peer.machine.call_failed(1, unavailable);
    EXPECT_EQ(peer.step(), words{"waiting channel_failed"});
    peer.now = peer.machine.deadline().value_or(peer.now);
  }
}

TEST_F(two_registries, of_which_the_one_of_the_last_channel_is_asked_first) {
  peer.registries[0].seen = presence::unknown;
  peer.step();
  peer.machine.call_failed(0, unavailable);
  EXPECT_EQ(peer.step(), words{"call 1"});
  peer.attach(1, role::caller);
  peer.machine.opened(1, role::caller, peer.now);
  peer.handshake_fails(0, role::callee);
  peer.step();
  peer.now += 1min;
  peer.machine.lost(rendezvous_errc::channel_lost, loss::broken, peer.now);
  peer.step();
  EXPECT_EQ(peer.wait(), (words{"calling", "call 1"}));
}

TEST_F(two_registries, cannot_hold_our_calls_up_with_calls_that_nobody_made) {
  peer.registries[0].seen = presence::unknown;
  peer.handshake_fails(0, role::callee);
  EXPECT_EQ(peer.step(), words{}) << "the first time they are given the time to call again";
  const auto claimed = peer.attach(0, role::callee);
  EXPECT_EQ(peer.wait(), (words{"calling", "call 0"})) << "not the second time";
  const auto instead = peer.attach(0, role::callee);
  peer.attach_fails(claimed, 0, role::callee);
  EXPECT_EQ(peer.step(), words{});
  peer.attach_fails(instead, 0, role::callee);
  peer.now += 10s;
  EXPECT_EQ(peer.step(), words{"call 1"});
  peer.attach_fails(peer.attach(0, role::callee, true), 0, role::callee);
  peer.attach(1, role::caller);
  peer.machine.opened(1, role::caller, peer.now);
  EXPECT_EQ(peer.step(), words{"open"});
}

TEST_F(two_registries, of_which_one_claims_calls_without_end_do_not_keep_us_from_trying_again) {
  peer.registries[1].seen = presence::online;
  peer.registries[0].seen = presence::unknown;
  peer.handshake_fails(0, role::callee);
  EXPECT_EQ(peer.wait(), (words{"calling", "call 1"}));
  auto claimed = peer.attach(0, role::callee, true);
  for (const auto delay : {500ms, 900ms, 1620ms}) {
    const auto granted = peer.attach(1, role::caller);
    for (int more = 0; more < 3; ++more) {
      const auto before = std::exchange(claimed, peer.attach(0, role::callee));
      peer.attach_fails(before, 0, role::callee);
      EXPECT_EQ(peer.step(), words{}) << "a grant is worth waiting for";
    }
    peer.attach_fails(granted, 1, role::caller);
    EXPECT_EQ(peer.step(), words{"waiting channel_failed"}) << "what they claim is not";
    EXPECT_EQ(peer.machine.deadline(), peer.now + delay);
    EXPECT_EQ(peer.wait(), (words{"calling", "call 1"}));
  }
}

TEST_F(two_registries, bring_us_together_by_the_one_call_that_was_made_when_the_other_was_not) {
  peer.step();
  const auto granted = peer.attach(0, role::caller);
  const auto theirs = peer.attach(1, role::callee);
  peer.attach_fails(granted, 0, role::caller);
  EXPECT_EQ(peer.step(), words{}) << "theirs goes on";
  peer.machine.opened(1, role::callee, peer.now);
  peer.machine.attach_dropped(theirs);
  EXPECT_EQ(peer.step(), words{"open"});
}

TEST_F(two_registries, bring_us_together_by_their_call_when_ours_fails_meanwhile) {
  EXPECT_EQ(peer.step(), (words{"calling", "call 0"}));
  peer.machine.call_failed(0, unavailable);
  EXPECT_EQ(peer.step(), words{"call 1"});
  const auto theirs = peer.attach(0, role::callee, true);
  peer.machine.call_failed(1, unavailable);
  EXPECT_EQ(peer.step(), words{}) << "they are there: nothing has failed";
  peer.attach_fails(theirs, 0, role::callee);
  EXPECT_EQ(peer.step(), words{});
  EXPECT_EQ(peer.machine.deadline(), peer.now + 10s) << "they call again";
  peer.attach(0, role::callee, false);
  peer.machine.opened(0, role::callee, peer.now);
  EXPECT_EQ(peer.step(), words{"open"});
}

}  // namespace
}  // namespace flowersec::rendezvous
