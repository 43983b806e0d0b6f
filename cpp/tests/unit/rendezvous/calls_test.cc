// Calls: who rings, who is answered when, and what an observer can tell.
#include "unit/rendezvous/registry_world.h"

namespace flowersec::rendezvous {
namespace {

using namespace flowersec::testing;
using enum rendezvous_errc;

TEST(calls, an_accepted_call_gives_both_ends_their_tickets) {
  registry_world world;
  const auto caller = world.registered(1);
  const auto callee = world.registered(2);
  world.say(caller, call_frame{.rid = 5, .to = key_of(2), .eph = key_of(50), .note = "inv:abc"});
  auto incoming = world.next<incoming_frame>(callee);
  ASSERT_TRUE(incoming);
  EXPECT_TRUE(incoming->from == key_of(1));
  EXPECT_TRUE(incoming->eph == key_of(50));
  EXPECT_EQ(incoming->note, "inv:abc");
  EXPECT_EQ(incoming->grant.token.view(), "FST2.server");
  EXPECT_TRUE(world.is_quiet(caller));
  world.say(callee, accept_frame{.call_id = incoming->call_id, .eph = key_of(51)});
  const auto grant = world.next<grant_frame>(caller);
  ASSERT_TRUE(grant);
  EXPECT_EQ(grant->rid, 5U);
  EXPECT_EQ(grant->call_id, incoming->call_id);
  EXPECT_TRUE(grant->eph == key_of(51));
  EXPECT_EQ(grant->grant.channel_id, incoming->grant.channel_id);
  EXPECT_EQ(grant->grant.token.view(), "FST2.client");
  EXPECT_EQ(world.machine.counts().open_calls, 0U);
  EXPECT_EQ(world.machine.counts().calls_accepted, 1U);
  world.advance(24s);
  EXPECT_TRUE(world.is_quiet(caller));
  EXPECT_TRUE(world.is_quiet(callee));
}

/// What a caller sees of a recipient, with times since the call.
std::vector<std::pair<std::chrono::milliseconds, std::string>> seen_by_caller(const std::string& recipient) {
  registry_world world;
  const auto caller = world.registered(1);
  const auto callee = recipient == "absent" ? 0 : world.registered(2);
  if (recipient == "denied") world.calls_allowed = false;
  if (recipient == "unminted") world.mint_fails = true;
  const auto began = world.now;
  world.say(caller, call_to(2, 1));
  if (recipient == "declining") {
    world.advance(700ms);
    world.say(callee, decline_frame{.call_id = world.next<incoming_frame>(callee)->call_id});
  }
  if (recipient == "leaving") {
    world.advance(300ms);
    world.leave(callee);
  }
  if (recipient == "replaced") {
    world.advance(300ms);
    world.registered(2, true, 'k');
  }
  std::vector<std::pair<std::chrono::milliseconds, std::string>> seen;
  while (world.now - began < 24s) {
    world.advance(1ms);
    for (auto text = world.next_text(caller); !text.empty(); text = world.next_text(caller)) {
      seen.emplace_back(std::chrono::duration_cast<std::chrono::milliseconds>(world.now - began), text);
    }
  }
  return seen;
}

TEST(calls, unavailable_recipients_look_the_same) {
  const auto absent = seen_by_caller("absent");
  ASSERT_EQ(absent.size(), 1U);
  EXPECT_EQ(absent[0].first, 20s);
  EXPECT_EQ(absent[0].second, R"({"type":"error","rid":1,"code":"recipient_unavailable","fatal":false})");
  for (const std::string each : {"silent", "declining", "leaving", "replaced", "denied", "unminted"}) {
    EXPECT_EQ(seen_by_caller(each), absent) << each;
  }
}

TEST(calls, an_answer_one_moment_before_the_end_counts_and_one_after_does_not) {
  for (const bool in_time : {true, false}) {
    registry_world world;
    const auto caller = world.registered(1);
    const auto callee = world.registered(2);
    world.say(caller, call_to(2, 1));
    const auto id = world.next<incoming_frame>(callee)->call_id;
    world.advance(in_time ? 19'999ms : 20'000ms);
    world.say(callee, accept_frame{.call_id = id, .eph = key_of(51)});
    if (in_time) {
      EXPECT_TRUE(world.next<grant_frame>(caller));
      EXPECT_TRUE(world.is_quiet(callee));
    } else {
      world.expect_error(caller, recipient_unavailable, 1);
      EXPECT_EQ(world.next<cancelled_frame>(callee)->call_id, id);
      EXPECT_TRUE(world.is_quiet(callee));
    }
    EXPECT_TRUE(world.is_quiet(caller));
  }
}

TEST(calls, only_the_one_who_is_called_can_answer) {
  registry_world world;
  const auto caller = world.registered(1);
  const auto callee = world.registered(2);
  const auto other = world.registered(3);
  world.say(caller, call_to(2, 1));
  const auto id = world.next<incoming_frame>(callee)->call_id;
  world.say(other, accept_frame{.call_id = id, .eph = key_of(51)});
  world.say(caller, accept_frame{.call_id = id, .eph = key_of(51)});
  world.say(other, decline_frame{.call_id = id});
  EXPECT_TRUE(world.is_quiet(caller));
  world.say(callee, accept_frame{.call_id = id, .eph = key_of(51)});
  EXPECT_TRUE(world.next<grant_frame>(caller));
  world.say(callee, accept_frame{.call_id = id, .eph = key_of(51)});
  EXPECT_TRUE(world.is_quiet(caller));
}

TEST(calls, a_cancelled_call_is_over_on_both_sides) {
  registry_world world;
  const auto caller = world.registered(1);
  const auto callee = world.registered(2);
  world.say(caller, call_to(2, 1));
  const auto id = world.next<incoming_frame>(callee)->call_id;
  world.say(caller, cancel_frame{.rid = 1});
  EXPECT_EQ(world.next<cancelled_frame>(callee)->call_id, id);
  world.say(callee, accept_frame{.call_id = id, .eph = key_of(51)});
  world.say(caller, cancel_frame{.rid = 1});
  world.say(caller, cancel_frame{.rid = 9});
  world.advance(21s);
  EXPECT_TRUE(world.is_quiet(caller));
  EXPECT_TRUE(world.is_quiet(callee));
  EXPECT_EQ(world.machine.counts().calls_cancelled, 1U);
}

TEST(calls, a_caller_that_leaves_cancels) {
  registry_world world;
  const auto caller = world.registered(1);
  const auto callee = world.registered(2);
  world.say(caller, call_to(2, 1));
  const auto id = world.next<incoming_frame>(callee)->call_id;
  world.leave(caller);
  EXPECT_EQ(world.next<cancelled_frame>(callee)->call_id, id);
  EXPECT_EQ(world.machine.counts().open_calls, 0U);
}

TEST(calls, a_decline_is_not_told_again) {
  registry_world world;
  const auto caller = world.registered(1);
  const auto callee = world.registered(2);
  world.say(caller, call_to(2, 1));
  world.say(callee, decline_frame{.call_id = world.next<incoming_frame>(callee)->call_id});
  world.say(caller, cancel_frame{.rid = 1});
  EXPECT_TRUE(world.is_quiet(callee));
}

TEST(calls, both_may_call_each_other_at_once) {
  registry_world world;
  const auto one = world.registered(1);
  const auto other = world.registered(2);
  world.say(one, call_to(2, 1));
  world.say(other, call_to(1, 1));
  const auto at_other = world.next<incoming_frame>(other);
  const auto at_one = world.next<incoming_frame>(one);
  ASSERT_TRUE(at_one && at_other);
  EXPECT_NE(at_one->grant.channel_id, at_other->grant.channel_id);
  // The call of the smaller key goes on; the other is taken back by who made it.
  world.say(other, cancel_frame{.rid = 1});
  world.say(other, accept_frame{.call_id = at_other->call_id, .eph = key_of(51)});
  EXPECT_EQ(world.next<cancelled_frame>(one)->call_id, at_one->call_id);
  EXPECT_TRUE(world.next<grant_frame>(one));
}

TEST(calls, every_call_has_a_channel_of_its_own) {
  registry_world world;
  const auto caller = world.registered(1);
  const auto callee = world.registered(2);
  world.say(caller, call_to(2, 1));
  world.say(caller, call_to(2, 2));
  const auto first = world.next<incoming_frame>(callee);
  const auto second = world.next<incoming_frame>(callee);
  EXPECT_NE(first->grant.channel_id, second->grant.channel_id);
  EXPECT_NE(first->call_id, second->call_id);
}

TEST(calls, rids_rise) {
  registry_world world;
  const auto caller = world.registered(1);
  world.say(caller, call_to(2, 7));
  world.say(caller, call_to(2, 7));
  world.expect_refused(caller, invalid_frame);
}

TEST(calls, one_that_is_wrong_ends_nothing_but_itself) {
  registry_world world;
  const auto caller = world.registered(1);
  world.say_text(caller, R"({"type":"call","rid":3,"to":"AAAA","eph":"AAAA"})");
  world.expect_error(caller, invalid_frame, 3);
  world.say(caller, call_to(1, 4));
  world.expect_error(caller, invalid_frame, 4);
  EXPECT_TRUE(world.is_quiet(caller));
  world.say_text(caller, R"({"type":"accept"})");
  world.expect_refused(caller, invalid_frame);
}

TEST(calls, open_calls_of_a_key_at_the_limit_and_one_past) {
  registry_world world;
  const auto caller = world.registered(1);
  for (std::uint64_t rid = 1; rid <= 8; ++rid) world.say(caller, call_to(2, rid));
  EXPECT_TRUE(world.is_quiet(caller));
  world.say(caller, call_to(2, 9));
  world.expect_error(caller, rate_limited, 9);
  world.say(caller, cancel_frame{.rid = 1});
  world.say(caller, call_to(2, 10));
  EXPECT_TRUE(world.is_quiet(caller));
  EXPECT_EQ(world.machine.counts().calls_refused, 1U);
}

TEST(calls, calls_of_a_minute_at_the_limit_and_one_past) {
  registry_world world;
  const auto caller = world.registered(1);
  const auto call_and_cancel = [&world](socket_id who, std::uint64_t rid) {
    world.say(who, call_to(2, rid));
    const bool was_taken = world.is_quiet(who);
    if (was_taken) world.say(who, cancel_frame{.rid = rid});
    if (!was_taken) world.expect_error(who, rate_limited, rid);
    return was_taken;
  };
  for (std::uint64_t rid = 1; rid <= 20; ++rid) EXPECT_TRUE(call_and_cancel(caller, rid));
  EXPECT_FALSE(call_and_cancel(caller, 21));
  // Coming again changes nothing.
  world.leave(caller);
  const auto again = world.registered(1, false, 'k');
  EXPECT_FALSE(call_and_cancel(again, 1));
  world.advance(2'999ms);
  EXPECT_FALSE(call_and_cancel(again, 2));
  world.advance(1ms);
  EXPECT_TRUE(call_and_cancel(again, 3));
  EXPECT_FALSE(call_and_cancel(again, 4));
  world.leave(again);
  world.advance(60s);
  const auto later = world.registered(1);
  for (std::uint64_t rid = 1; rid <= 20; ++rid) EXPECT_TRUE(call_and_cancel(later, rid));
}

TEST(calls, ringing_calls_of_a_key_at_the_limit_and_one_past) {
  registry_world world{registry_limits{.max_ringing_calls = 2}};
  const auto callee = world.registered(1);
  const auto ring_by = [&](std::uint32_t number) {
    const auto caller = world.registered(number);
    world.say(caller, call_to(1, 1));
    return caller;
  };
  const auto longest = ring_by(2);
  ring_by(3);
  const auto first = world.next<incoming_frame>(callee);
  EXPECT_TRUE(world.next<incoming_frame>(callee));
  EXPECT_TRUE(world.is_quiet(callee));
  world.advance(5s);
  ring_by(4);
  EXPECT_EQ(world.next<cancelled_frame>(callee)->call_id, first->call_id);
  const auto third = world.next<incoming_frame>(callee);
  EXPECT_TRUE(third);
  world.say(callee, accept_frame{.call_id = first->call_id, .eph = key_of(50)});
  world.advance(14'999ms);
  EXPECT_TRUE(world.is_quiet(longest)) << "it learns nothing of this";
  world.advance(1ms);
  world.expect_error(longest, recipient_unavailable, 1);
  world.sent.clear();
  world.say(callee, decline_frame{.call_id = third->call_id});
  ring_by(5);
  EXPECT_TRUE(world.next<incoming_frame>(callee));
  EXPECT_TRUE(world.is_quiet(callee));
}

TEST(calls, cost_as_much_whether_the_recipient_is_there_or_not) {
  registry_world world;
  const auto caller = world.registered(1);
  world.registered(2);
  world.say(caller, call_to(2, 1));
  EXPECT_EQ(world.minted, 1U);
  world.say(caller, call_to(3, 2));
  EXPECT_EQ(world.minted, 2U) << "of somebody who is absent";
}

TEST(presence, is_shown_when_both_watch) {
  registry_world world;
  const auto one = world.registered(1);
  const auto other = world.registered(2);
  world.say(one, watch_frame{.keys = {key_of(2), key_of(3)}});
  EXPECT_EQ(world.next<presence_frame>(one), (presence_frame{.key = key_of(2), .online = false}));
  EXPECT_EQ(world.next<presence_frame>(one), (presence_frame{.key = key_of(3), .online = false}));
  EXPECT_TRUE(world.is_quiet(other));
  world.say(other, watch_frame{.keys = {key_of(1)}});
  EXPECT_EQ(world.next<presence_frame>(other), (presence_frame{.key = key_of(1), .online = true}));
  EXPECT_EQ(world.next<presence_frame>(one), (presence_frame{.key = key_of(2), .online = true}));
  EXPECT_EQ(world.machine.counts().watched, 3U);
  world.leave(other);
  EXPECT_EQ(world.next<presence_frame>(one), (presence_frame{.key = key_of(2), .online = false}));
  EXPECT_EQ(world.machine.counts().watched, 2U);
}

TEST(presence, ends_when_one_stops_watching) {
  registry_world world;
  const auto one = world.registered(1);
  const auto other = world.registered(2);
  world.say(one, watch_frame{.keys = {key_of(2)}});
  world.say(other, watch_frame{.keys = {key_of(1)}});
  world.sent.clear();
  world.say(one, unwatch_frame{.keys = {key_of(2), key_of(9)}});
  EXPECT_EQ(world.next<presence_frame>(other), (presence_frame{.key = key_of(1), .online = false}));
  EXPECT_TRUE(world.is_quiet(one));
  world.leave(one);
  EXPECT_TRUE(world.is_quiet(other));
}

TEST(presence, watching_again_is_answered_and_not_told) {
  registry_world world;
  const auto one = world.registered(1);
  const auto other = world.registered(2);
  world.say(one, watch_frame{.keys = {key_of(2)}});
  world.say(other, watch_frame{.keys = {key_of(1)}});
  world.sent.clear();
  world.say(one, watch_frame{.keys = {key_of(2)}});
  EXPECT_EQ(world.next<presence_frame>(one), (presence_frame{.key = key_of(2), .online = true}));
  EXPECT_TRUE(world.is_quiet(other));
  world.say(one, watch_frame{.keys = {key_of(1)}});
  EXPECT_EQ(world.next<presence_frame>(one), (presence_frame{.key = key_of(1), .online = false}));
}

TEST(presence, of_a_key_that_is_named_twice_is_told_once) {
  registry_world world;
  const auto one = world.registered(1);
  const auto other = world.registered(2);
  world.say(other, watch_frame{.keys = {key_of(1)}});
  world.sent.clear();
  world.say(one, watch_frame{.keys = {key_of(2), key_of(2), key_of(2)}});
  EXPECT_EQ(world.sent[one].size(), 1U);
  EXPECT_EQ(world.sent[other].size(), 1U);
}

TEST(presence, watched_keys_at_the_limit_and_one_past) {
  registry_world world;
  const auto who = world.registered(1);
  watch_frame all;
  for (std::uint32_t number = 0; number < 64; ++number) all.keys.push_back(key_of(100 + number));
  world.say(who, all);
  EXPECT_EQ(world.machine.counts().watched, 64U);
  world.sent.clear();
  world.say(who, watch_frame{.keys = {key_of(2)}});
  const auto error = world.next<error_frame>(who);
  EXPECT_EQ(*error, (error_frame{.code = rate_limited, .fatal = false}));
  world.say(who, all);
  EXPECT_EQ(world.sent[who].size(), 64U);
  world.sent.clear();
  world.say(who, unwatch_frame{.keys = {key_of(100)}});
  world.say(who, watch_frame{.keys = {key_of(2)}});
  EXPECT_TRUE(world.next<presence_frame>(who));
}

}  // namespace
}  // namespace flowersec::rendezvous
