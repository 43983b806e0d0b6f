// When a contact is called, and where, on a virtual clock.
#include "rendezvous/peer_machine.h"

#include <gtest/gtest.h>

#include "unit/rendezvous/peer_script.h"

namespace flowersec::rendezvous {
namespace {

using script = peer_script;

TEST(peer_machine, calls_when_something_waits_and_not_before) {
  script peer;
  EXPECT_EQ(peer.step(), words{});
  peer.wanted = true;
  EXPECT_EQ(peer.step(), (words{"calling", "call 0"}));
  EXPECT_EQ(peer.step(), words{});
  peer.attach(0, role::caller);
  peer.machine.opened(0, role::caller, peer.now);
  EXPECT_EQ(peer.step(), words{"open"});
}

TEST(peer_machine, says_at_once_that_an_absent_contact_is_absent) {
  script peer;
  peer.wanted = true;
  peer.step();
  peer.machine.call_failed(0, unavailable);
  EXPECT_EQ(peer.step(), (words{"fail recipient_unavailable", "closed recipient_unavailable"}));
}

TEST(peer_machine, asks_every_registry_before_it_says_so_the_likeliest_first) {
  script peer;
  peer.registries = {{.registered = true}, {.registered = true, .seen = presence::online}, {.trying = true}};
  peer.wanted = true;
  EXPECT_EQ(peer.step(), (words{"calling", "call 1"}));
  peer.machine.call_failed(1, unavailable);
  EXPECT_EQ(peer.step(), words{"call 0"});
  peer.machine.call_failed(0, unavailable);
  EXPECT_EQ(peer.step(), (words{"fail recipient_unavailable", "closed recipient_unavailable"}));
}

TEST(peer_machine, fails_at_once_when_both_watch_and_the_contact_went_away) {
  script peer;
  peer.registries = {{.registered = true, .seen = presence::left}};
  peer.wanted = true;
  EXPECT_EQ(peer.step(), (words{"fail offline", "closed offline"}));
  peer.registries.push_back({.registered = true});
  peer.wanted = true;
  EXPECT_EQ(peer.step(), (words{"calling", "call 1"}));
}

TEST(peer_machine, fails_at_once_while_it_gets_back_a_channel_from_one_who_went_away_and_goes_on) {
  script peer;
  peer.opened().machine.lost(rendezvous_errc::channel_lost, loss::broken, peer.now);
  EXPECT_EQ(peer.step(), words{"waiting channel_lost"});
  peer.registries[0].seen = presence::left;
  peer.wanted = true;
  EXPECT_EQ(peer.step(), words{"fail offline"});
  EXPECT_EQ(peer.wait(), (words{"calling", "call 0"}));
  peer.wanted = true;
  EXPECT_EQ(peer.step(), words{"fail offline"}) << "not behind a call that nobody may answer for 20 s";
}

TEST(peer_machine, what_waited_when_the_channel_was_lost_waits_until_the_contact_is_back) {
  script peer;
  peer.opened();
  peer.wanted = true;
  EXPECT_EQ(peer.step(), words{});
  peer.machine.lost(rendezvous_errc::channel_lost, loss::broken, peer.now);
  peer.registries[0].seen = presence::left;
  EXPECT_EQ(peer.step(), words{"waiting channel_lost"});
  EXPECT_EQ(peer.wait(), (words{"calling", "call 0"}));
  EXPECT_EQ(peer.step(), words{});
}

TEST(peer_machine, places_its_call_anew_when_the_contact_comes_and_once_only) {
  script peer;
  peer.wanted = true;
  EXPECT_EQ(peer.step(), (words{"calling", "call 0"}));
  peer.registries[0].seen = presence::absent;
  EXPECT_EQ(peer.step(), words{});
  peer.registries[0].seen = presence::online;
  EXPECT_EQ(peer.step(), words{});
  EXPECT_EQ(peer.machine.deadline(), peer.now + 1s) << "it may have been rung before it was seen";
  EXPECT_EQ(peer.wait(), words{"again 0"});
  EXPECT_EQ(peer.step(), words{});
  EXPECT_EQ(peer.machine.deadline(), std::nullopt);
  for (const auto seen : {presence::left, presence::online}) {
    peer.registries[0].seen = seen;
    EXPECT_EQ(peer.step(), words{});
    EXPECT_EQ(peer.machine.deadline(), std::nullopt) << "a registry says what it likes";
  }
  peer.machine.call_failed(0, unavailable);
  EXPECT_EQ(peer.step(), (words{"fail recipient_unavailable", "closed recipient_unavailable"}));
}

TEST(peer_machine, places_the_next_call_anew_as_well) {
  script peer;
  peer.opened();
  peer.machine.lost(rendezvous_errc::channel_lost, loss::broken, peer.now);
  peer.step();
  for (int round = 0; round < 3; ++round) {
    peer.registries[0].seen = presence::left;
    EXPECT_EQ(peer.wait(), (words{"calling", "call 0"}));
    peer.registries[0].seen = presence::online;
    peer.step();
    EXPECT_EQ(peer.wait(), words{"again 0"});
    peer.machine.call_failed(0, unavailable);
    EXPECT_EQ(peer.step(), words{"waiting recipient_unavailable"});
  }
}

TEST(peer_machine, leaves_a_call_alone_that_the_contact_was_there_for) {
  script peer;
  peer.wanted = true;
  EXPECT_EQ(peer.step(), (words{"calling", "call 0"}));
  peer.registries[0].seen = presence::online;  // the first that is heard: it has been rung
  EXPECT_EQ(peer.step(), words{});
  EXPECT_EQ(peer.machine.deadline(), std::nullopt);
}

TEST(peer_machine, does_not_place_a_call_anew_for_one_who_is_gone_again_or_answers) {
  script peer;
  peer.wanted = true;
  peer.step();
  for (const auto seen : {presence::absent, presence::online, presence::left, presence::online, presence::unknown}) {
    peer.registries[0].seen = seen;
    peer.step();
    EXPECT_EQ(peer.machine.deadline().has_value(), seen == presence::online);
  }
  peer.registries[0].seen = presence::online;
  peer.step();
  EXPECT_EQ(peer.machine.deadline(), peer.now + 1s);
  peer.attach(0, role::caller);
  EXPECT_EQ(peer.machine.deadline(), std::nullopt);
}

TEST(peer_machine, calls_again_whom_it_had_turned_away_when_that_is_wanted) {
  script peer;
  peer.wanted = true;
  EXPECT_EQ(peer.step(), (words{"calling", "call 0"}));
  peer.machine.turned_away();
  peer.wanted = false;
  EXPECT_EQ(peer.step(), words{"closed"});
  peer.wanted = true;
  EXPECT_EQ(peer.step(), (words{"calling", "call 0"}));
}

TEST(peer_machine, calls_again_whom_it_had_turned_away_while_a_ticket_was_used) {
  for (const auto as : {role::caller, role::callee}) {
    script peer;
    const auto first = peer.attach(0, as);
    const auto second = peer.attach(0, as);
    peer.machine.turned_away();
    peer.wanted = true;
    EXPECT_EQ(peer.step(), words{});
    peer.machine.attach_dropped(first);
    EXPECT_EQ(peer.step(), words{});
    peer.machine.attach_dropped(second);
    EXPECT_EQ(peer.step(), (words{"calling", "call 0"}));
  }
}

TEST(peer_machine, does_not_get_the_channel_back_to_whom_it_turned_away) {
  script peer;
  peer.opened();
  peer.machine.lost(rendezvous_errc::channel_lost, loss::broken, peer.now);
  EXPECT_EQ(peer.step(), words{"waiting channel_lost"});
  peer.machine.turned_away();
  EXPECT_EQ(peer.step(), words{"closed"});
  EXPECT_EQ(peer.machine.deadline(), std::nullopt);
}

TEST(peer_machine, waits_for_a_registry_that_may_come_and_fails_without_one) {
  script peer;
  peer.registries = {{.trying = true}};
  peer.wanted = true;
  EXPECT_EQ(peer.step(), words{"calling"});
  peer.registries = {{.registered = true}};
  EXPECT_EQ(peer.step(), words{"call 0"});
  peer.registries = {{}};
  peer.machine.call_failed(0, rendezvous_errc::connection_lost);
  EXPECT_EQ(peer.step(), words{"waiting connection_lost"});
  EXPECT_EQ(peer.wait(), (words{"fail no_registry", "closed no_registry"}));
}

TEST(peer_machine, tries_again_what_may_help_and_gives_up_after_five_rounds) {
  script peer;
  peer.wanted = true;
  EXPECT_EQ(peer.step(), (words{"calling", "call 0"}));
  auto before = peer.now;
  for (const auto delay : {500ms, 900ms, 1620ms, 2916ms}) {
    peer.handshake_fails(0, role::caller);
    EXPECT_EQ(peer.step(), words{"waiting channel_failed"});
    EXPECT_EQ(peer.wait(), (words{"calling", "call 0"}));
    EXPECT_EQ(peer.now - before, delay);
    before = peer.now;
  }
  peer.handshake_fails(0, role::caller);
  EXPECT_EQ(peer.step(), (words{"fail channel_failed", "closed channel_failed"}));
}

TEST(peer_machine, calls_again_after_a_lost_channel_that_it_called_for) {
  script peer;
  peer.opened();
  peer.now += 1min;
  peer.machine.lost(rendezvous_errc::channel_lost, loss::broken, peer.now);
  EXPECT_EQ(peer.step(), words{"waiting channel_lost"});
  EXPECT_EQ(peer.machine.deadline(), peer.now + 500ms);
  EXPECT_EQ(peer.wait(), (words{"calling", "call 0"}));
  // Absence is nothing new here: the contact may be on its way back.
  peer.machine.call_failed(0, unavailable);
  EXPECT_EQ(peer.step(), words{"waiting recipient_unavailable"});
}

TEST(peer_machine, leaves_it_to_the_caller_to_call_again_for_ten_seconds) {
  script peer;
  peer.opened(role::callee);
  peer.machine.lost(rendezvous_errc::channel_lost, loss::broken, peer.now);
  peer.wanted = true;
  EXPECT_EQ(peer.step(), words{"waiting channel_lost"});
  EXPECT_EQ(peer.machine.deadline(), peer.now + 10s);
  EXPECT_EQ(peer.wait(), (words{"calling", "call 0"}));
}

TEST(peer_machine, does_nothing_after_a_lost_channel_that_it_did_not_call_for_and_does_not_need) {
  script peer;
  peer.opened(role::callee);
  peer.machine.lost(rendezvous_errc::channel_lost, loss::broken, peer.now);
  EXPECT_EQ(peer.step(), (words{"waiting channel_lost", "closed"}));
  EXPECT_EQ(peer.machine.deadline(), std::nullopt);
}

TEST(peer_machine, does_not_call_again_after_a_bye_unless_something_waits) {
  script peer;
  peer.opened();
  peer.machine.lost(rendezvous_errc::channel_lost, loss::left, peer.now);
  EXPECT_EQ(peer.step(), words{"closed channel_lost"});
  peer.opened();
  peer.now += 10s;
  peer.machine.lost(rendezvous_errc::channel_lost, loss::left, peer.now);
  peer.wanted = true;
  EXPECT_EQ(peer.step(), (words{"closed channel_lost", "calling", "call 0"}));
}

TEST(peer_machine, waits_and_gives_up_when_they_say_bye_as_soon_as_they_are_there) {
  script peer;
  auto before = peer.now;
  for (const auto delay : {500ms, 900ms, 1620ms, 2916ms}) {
    peer.opened();
    peer.wanted = true;
    peer.now += 9s;
    before = peer.now;
    peer.machine.lost(rendezvous_errc::channel_lost, loss::left, peer.now);
    EXPECT_EQ(peer.step(), words{"closed channel_lost"});
    EXPECT_EQ(peer.wait(), (words{"calling", "call 0"}));
    EXPECT_EQ(peer.now - before, delay);
  }
  peer.opened();
  peer.wanted = true;
  peer.machine.lost(rendezvous_errc::channel_lost, loss::left, peer.now);
  EXPECT_EQ(peer.step(), (words{"closed channel_lost", "fail channel_lost", "closed channel_lost"}));
}

TEST(peer_machine, gives_up_when_they_call_again_and_again_and_their_channels_are_no_good) {
  for (const auto how : {loss::broken, loss::left, loss::silent}) {
    script peer;
    peer.wanted = true;
    for (int round = 1; round <= 5; ++round) {
      EXPECT_TRUE(peer.wanted);
      peer.attach(0, role::callee);
      peer.machine.opened(0, role::callee, peer.now);
      peer.step();
      peer.now += how == loss::silent ? 10s : 9s;
      peer.machine.lost(rendezvous_errc::channel_lost, how, peer.now);
      peer.step();
    }
    EXPECT_FALSE(peer.wanted) << "what waited has failed";
    EXPECT_EQ(peer.machine.deadline(), std::nullopt);
  }
}

TEST(peer_machine, has_nothing_to_wait_for_once_it_was_stopped) {
  script peer;
  peer.opened();
  peer.machine.stop();
  peer.machine.lost(rendezvous_errc::channel_lost, loss::left, peer.now);
  EXPECT_EQ(peer.machine.deadline(), std::nullopt);
  peer.wanted = true;
  EXPECT_EQ(peer.step(), words{"closed channel_lost"});
}

TEST(peer_machine, gives_up_a_channel_that_never_lasts) {
  script peer;
  for (int round = 0; round < 4; ++round) {
    peer.opened();
    peer.now += 9s;
    peer.machine.lost(rendezvous_errc::channel_lost, loss::broken, peer.now);
    peer.step();
    peer.wait();
  }
  peer.opened();
  peer.machine.lost(rendezvous_errc::channel_lost, loss::broken, peer.now);
  const auto last = peer.step();
  EXPECT_EQ(last.back(), "closed channel_lost");
  EXPECT_EQ(peer.machine.deadline(), std::nullopt);
}

TEST(peer_machine, forgets_earlier_failures_after_a_channel_that_lasted) {
  script peer;
  for (int round = 0; round < 20; ++round) {
    peer.opened();
    peer.now += 10s;
    peer.machine.lost(rendezvous_errc::channel_lost, loss::broken, peer.now);
    EXPECT_EQ(peer.step().front(), "waiting channel_lost");
    EXPECT_EQ(peer.wait(), (words{"calling", "call 0"}));
  }
}

TEST(peer_machine, gives_up_a_contact_who_is_silent_on_every_channel_however_long_it_lasts) {
  script peer;
  for (int round = 0; round < 4; ++round) {
    peer.opened();
    peer.wanted = true;
    peer.now += 1min;
    peer.machine.lost(rendezvous_errc::channel_failed, loss::silent, peer.now);
    EXPECT_EQ(peer.step(), words{"waiting channel_failed"});
    peer.wait();
  }
  peer.opened();
  peer.wanted = true;
  peer.now += 1min;
  peer.machine.lost(rendezvous_errc::channel_failed, loss::silent, peer.now);
  EXPECT_EQ(peer.step(), (words{"fail channel_failed", "closed channel_failed"}));
}

TEST(peer_machine, takes_their_channel_while_it_waits) {
  script peer;
  peer.opened();
  peer.machine.lost(rendezvous_errc::channel_lost, loss::broken, peer.now);
  peer.step();
  peer.attach(0, role::callee);
  EXPECT_EQ(peer.machine.deadline(), std::nullopt);
  peer.machine.opened(0, role::callee, peer.now);
  EXPECT_EQ(peer.step(), words{"open"});
}

}  // namespace
}  // namespace flowersec::rendezvous
