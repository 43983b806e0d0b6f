// Registration: challenges, proofs, work, replacement, and the limits of who is not registered yet.
#include "unit/rendezvous/registry_world.h"

namespace flowersec::rendezvous {
namespace {

using namespace flowersec::testing;
using enum rendezvous_errc;

TEST(registration, a_right_proof_registers) {
  registry_world world;
  const auto who = world.open();
  const auto challenge = world.next<challenge_frame>(who);
  ASSERT_TRUE(challenge);
  EXPECT_EQ(challenge->registry_keys, world.keys->offered());
  EXPECT_EQ(challenge->expires_in_s, 10U);
  EXPECT_FALSE(challenge->pow_bits);
  world.say(who, world.proof(1, *challenge));
  const auto answer = world.next<registered_frame>(who);
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->key == key_of(1));
  EXPECT_EQ(answer->keepalive_s, 25U);
  EXPECT_FALSE(answer->session.empty());
  const auto counts = world.machine.counts();
  EXPECT_EQ(counts.keys, 1U);
  EXPECT_EQ(counts.unregistered, 0U);
  EXPECT_EQ(counts.registrations, 1U);
}

TEST(registration, challenges_never_repeat) {
  registry_world world;
  const auto one = world.next<challenge_frame>(world.open());
  const auto other = world.next<challenge_frame>(world.open());
  ASSERT_TRUE(one && other);
  EXPECT_NE(one->challenge, other->challenge);
}

TEST(registration, any_key_of_the_list_is_taken) {
  registry_world world;
  const auto who = world.open();
  auto challenge = world.next<challenge_frame>(who);
  std::swap(challenge->registry_keys[0], challenge->registry_keys[1]);
  world.say(who, world.proof(1, *challenge));
  EXPECT_TRUE(world.next<registered_frame>(who));
}

TEST(registration, the_proof_must_fit) {
  const auto refused = [](auto change) {
    registry_world world;
    const auto who = world.open();
    const auto challenge = world.next<challenge_frame>(who);
    auto frame = world.proof(1, *challenge);
    change(frame);
    world.say(who, frame);
    world.expect_refused(who, proof_failed);
    EXPECT_EQ(world.machine.counts().keys, 0U);
  };
  refused([](register_frame& frame) { frame.proof[0] ^= std::byte{1}; });
  refused([](register_frame& frame) { frame.proof[31] ^= std::byte{128}; });
  refused([](register_frame& frame) { frame.key = key_of(2); });
  refused([](register_frame& frame) { frame.replace = true; });
  refused([](register_frame& frame) { frame.registry_key = keys_of_registry({'q'})->current().key(); });
}

TEST(registration, a_changed_challenge_is_refused) {
  registry_world world;
  const auto who = world.open();
  auto challenge = world.next<challenge_frame>(who);
  challenge->challenge[5] ^= std::byte{1};
  world.say(who, world.proof(1, *challenge));
  world.expect_refused(who, proof_failed);
}

TEST(registration, a_challenge_is_good_on_its_own_socket_only) {
  registry_world world;
  const auto one = world.open();
  const auto other = world.open();
  const auto challenge = world.next<challenge_frame>(one);
  static_cast<void>(world.next<challenge_frame>(other));
  world.say(other, world.proof(1, *challenge));
  world.expect_refused(other, proof_failed);
}

TEST(registration, a_challenge_is_good_once) {
  registry_world world;
  const auto who = world.open();
  const auto frame = world.proof(1, *world.next<challenge_frame>(who));
  world.say(who, frame);
  EXPECT_TRUE(world.next<registered_frame>(who));
  world.say(who, frame);
  world.expect_refused(who, invalid_frame);
  EXPECT_EQ(world.machine.counts().keys, 0U);
}

TEST(registration, a_challenge_lapses_after_ten_seconds) {
  registry_world world;
  const auto in_time = world.open();
  const auto late = world.open();
  const auto challenge = world.next<challenge_frame>(in_time);
  world.advance(9'999ms);
  world.say(in_time, world.proof(1, *challenge));
  EXPECT_TRUE(world.next<registered_frame>(in_time));
  static_cast<void>(world.next<challenge_frame>(late));
  EXPECT_TRUE(world.is_quiet(late));
  world.advance(1ms);
  world.expect_refused(late, challenge_expired);
}

TEST(registration, a_proof_that_overtakes_the_clock_is_late_as_well) {
  registry_world world;
  const auto who = world.open();
  const auto frame = world.proof(1, *world.next<challenge_frame>(who));
  world.now += 10s;
  world.say(who, frame);
  world.expect_refused(who, challenge_expired);
}

TEST(registration, a_key_that_the_registry_does_not_have) {
  registry_world world;
  const auto who = world.open();
  auto challenge = world.next<challenge_frame>(who);
  challenge->registry_keys = keys_of_registry({'z'})->offered();
  world.say(who, world.proof(1, *challenge));
  world.expect_refused(who, unknown_registry_key);
}

TEST(registration, a_rotation_takes_proofs_of_keys_that_stay) {
  registry_world world;
  const auto old_key = world.open();
  const auto challenge = world.next<challenge_frame>(old_key);
  world.machine.replace_keys(keys_of_registry({'n', 'r'}));
  world.say(old_key, world.proof(1, *challenge));
  EXPECT_TRUE(world.next<registered_frame>(old_key));
  const auto next = world.open();
  const auto offered = world.next<challenge_frame>(next);
  EXPECT_TRUE(offered->registry_keys.front() == keys_of_registry({'n'})->current().key());
  world.machine.replace_keys(keys_of_registry({'m'}));
  world.say(next, world.proof(2, *offered));
  world.expect_refused(next, unknown_registry_key);
}

TEST(registration, at_most_eight_keys_are_offered_and_all_are_taken) {
  registry_world world;
  world.machine.replace_keys(keys_of_registry({'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'j'}));
  const auto who = world.open();
  auto challenge = world.next<challenge_frame>(who);
  EXPECT_EQ(challenge->registry_keys.size(), 8U);
  challenge->registry_keys = keys_of_registry({'j'})->offered();
  world.say(who, world.proof(1, *challenge));
  EXPECT_TRUE(world.next<registered_frame>(who));
}

TEST(registration, nothing_else_before_it) {
  const std::vector<client_frame> frames{call_to(2, 1),
                                         accept_frame{.call_id = "c", .eph = key_of(3)},
                                         decline_frame{.call_id = "c"},
                                         cancel_frame{.rid = 1},
                                         watch_frame{.keys = {key_of(2)}},
                                         unwatch_frame{.keys = {key_of(2)}},
                                         ping_frame{},
                                         pong_frame{},
                                         unknown_frame{}};
  for (const auto& frame : frames) {
    registry_world world;
    const auto who = world.open();
    static_cast<void>(world.next<challenge_frame>(who));
    world.say(who, frame);
    world.expect_refused(who, not_registered);
  }
}

TEST(registration, what_is_no_frame_ends_it) {
  registry_world world;
  const auto text = world.open();
  static_cast<void>(world.next<challenge_frame>(text));
  world.say_text(text, "[]");
  world.expect_refused(text, invalid_frame);
  const auto binary = world.open();
  static_cast<void>(world.next<challenge_frame>(binary));
  world.machine.on_bad_frame(binary, world.now);
  world.collect();
  world.expect_refused(binary, invalid_frame);
  const auto early_call = world.open();
  static_cast<void>(world.next<challenge_frame>(early_call));
  world.say_text(early_call, R"({"type":"call","rid":1})");
  world.expect_refused(early_call, not_registered);
}

TEST(registration, a_second_process_is_refused_and_the_first_stays) {
  registry_world world;
  const auto first = world.registered(1);
  const auto second = world.open();
  world.say(second, world.proof(1, *world.next<challenge_frame>(second), false, 'j'));
  world.expect_refused(second, already_registered);
  EXPECT_TRUE(world.is_quiet(first));
  EXPECT_EQ(world.machine.counts().keys, 1U);
}

TEST(registration, that_a_key_is_there_is_said_to_its_owner_only) {
  registry_world world;
  world.registered(1);
  const auto stranger = world.open();
  auto frame = world.proof(1, *world.next<challenge_frame>(stranger), false, 'j');
  frame.proof[0] ^= std::byte{1};
  world.say(stranger, frame);
  world.expect_refused(stranger, proof_failed);
}

TEST(registration, replace_takes_over_and_tells_the_old_one) {
  registry_world world;
  const auto first = world.registered(1, false, 'i');
  const auto second = world.registered(1, true, 'j');
  world.expect_refused(first, replaced);
  EXPECT_TRUE(world.is_quiet(second));
  EXPECT_EQ(world.machine.counts().replacements, 1U);
  EXPECT_EQ(world.machine.counts().keys, 1U);
  world.leave(first);
  EXPECT_EQ(world.machine.counts().keys, 1U);
}

TEST(registration, the_same_process_takes_over_without_a_word) {
  registry_world world;
  const auto first = world.registered(1, false, 'i');
  const auto second = world.registered(1, false, 'i');
  EXPECT_TRUE(world.sent[first].empty());
  EXPECT_EQ(world.ended.at(first), 1000);
  EXPECT_TRUE(world.is_quiet(second));
  EXPECT_EQ(world.machine.counts().replacements, 0U);
}

TEST(registration, keys_at_the_limit_and_one_past) {
  registry_world world{registry_limits{.max_keys = 2}};
  world.registered(1);
  const auto second = world.registered(2);
  const auto third = world.open();
  world.say(third, world.proof(3, *world.next<challenge_frame>(third)));
  world.expect_refused(third, rate_limited);
  world.registered(2, true, 'k');
  EXPECT_TRUE(world.ended.contains(second));
}

TEST(registration, rate_of_an_address_at_its_edge_and_one_past) {
  registry_world world;
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(world.admit("10.1.1.1"));
  EXPECT_FALSE(world.admit("10.1.1.1"));
  EXPECT_TRUE(world.admit("10.1.1.2"));
  world.advance(249ms);
  EXPECT_FALSE(world.admit("10.1.1.1"));
  world.advance(1ms);
  EXPECT_TRUE(world.admit("10.1.1.1"));
  EXPECT_FALSE(world.admit("10.1.1.1"));
  EXPECT_EQ(world.machine.counts().sockets_refused, 3U);
  EXPECT_EQ(world.events.back().kind, registry_event_kind::socket_refused);
}

TEST(registration, unregistered_sockets_of_an_address_at_the_limit_and_one_past) {
  registry_world world{registry_limits{.registration_burst = 100}};
  std::vector<socket_id> mine;
  for (int i = 0; i < 8; ++i) mine.push_back(world.open("10.1.1.1"));
  EXPECT_FALSE(world.admit("10.1.1.1"));
  EXPECT_TRUE(world.admit("10.1.1.2"));
  world.say(mine[0], world.proof(1, *world.next<challenge_frame>(mine[0])));
  EXPECT_TRUE(world.admit("10.1.1.1"));
  EXPECT_FALSE(world.admit("10.1.1.1"));
  world.leave(mine[1]);
  EXPECT_TRUE(world.admit("10.1.1.1"));
}

TEST(registration, unregistered_sockets_in_all_at_the_limit_and_one_past) {
  registry_world world{registry_limits{.max_unregistered = 3}};
  const auto oldest = world.open();
  const auto second = world.open();
  world.open();
  EXPECT_TRUE(world.ended.empty());
  world.open();
  ASSERT_TRUE(world.ended.contains(oldest));
  EXPECT_EQ(world.ended[oldest], 0);
  EXPECT_FALSE(world.ended.contains(second));
  EXPECT_EQ(world.machine.counts().unregistered, 3U);
}

TEST(registration, a_socket_that_never_opens_is_dropped) {
  registry_world world;
  const auto who = world.admit("10.1.1.1");
  world.advance(19'999ms);
  EXPECT_FALSE(world.ended.contains(*who));
  world.advance(1ms);
  EXPECT_TRUE(world.ended.contains(*who));
}

TEST(registration, work_is_asked_of_an_address_that_comes_too_often) {
  registry_world world{registry_limits{.work_bits = 8}, true};
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(world.next<challenge_frame>(world.open("10.1.1.1"))->pow_bits);
  const auto who = world.open("10.1.1.1");
  const auto challenge = world.next<challenge_frame>(who);
  ASSERT_TRUE(challenge && challenge->pow_bits);
  EXPECT_EQ(*challenge->pow_bits, 8U);
  EXPECT_EQ(challenge->expires_in_s, 30U);
  auto frame = world.proof(1, *challenge);
  frame.pow_nonce = identity::work_search::begin(challenge->challenge, frame.key, 8)->look(1'000'000);
  ASSERT_TRUE(frame.pow_nonce);
  world.advance(29'999ms);
  world.say(who, frame);
  EXPECT_TRUE(world.next<registered_frame>(who));
  EXPECT_EQ(world.machine.counts().works_asked, 1U);
}

TEST(registration, work_that_is_missing_or_of_another_key_or_late) {
  for (const std::string how : {"missing", "another", "late"}) {
    SCOPED_TRACE(how);
    registry_world world{registry_limits{.registration_burst = 1, .work_bits = 8}, true};
    world.open("10.1.1.1");
    const auto who = world.open("10.1.1.1");
    const auto challenge = world.next<challenge_frame>(who);
    ASSERT_TRUE(challenge && challenge->pow_bits);
    auto frame = world.proof(1, *challenge);
    if (how != "missing") {
      const auto of = how == "another" ? key_of(2) : key_of(1);
      auto search = identity::work_search::begin(challenge->challenge, of, 8).value();
      frame.pow_nonce = search.look(1'000'000);
      // One that happens to do for both keys would prove nothing.
      while (how == "another" && identity::is_work(challenge->challenge, frame.key, 8, *frame.pow_nonce)) {
        frame.pow_nonce = search.look(1'000'000);
      }
    }
    if (how == "late") world.advance(30s);
    if (how != "late") world.say(who, frame);
    world.expect_refused(who, how == "late" ? challenge_expired : pow_required);
  }
}

TEST(registration, silence_of_a_minute_ends_it) {
  registry_world world;
  const auto silent = world.registered(1);
  const auto talks = world.registered(2);
  world.advance(24'999ms);
  EXPECT_TRUE(world.is_quiet(silent));
  world.advance(1ms);
  EXPECT_TRUE(world.next<ping_frame>(silent));
  const auto asked = world.next<ping_frame>(talks);
  world.say(talks, pong_frame{.t = asked->t});
  world.advance(34'999ms);
  EXPECT_FALSE(world.ended.contains(silent));
  world.advance(1ms);
  EXPECT_TRUE(world.ended.contains(silent));
  EXPECT_EQ(world.ended[silent], 0);
  EXPECT_FALSE(world.ended.contains(talks));
  EXPECT_EQ(world.machine.counts().keys, 1U);
}

TEST(registration, pings_are_answered) {
  registry_world world;
  const auto who = world.registered(1);
  world.say(who, ping_frame{.t = 77});
  const auto pong = world.next<pong_frame>(who);
  ASSERT_TRUE(pong);
  EXPECT_EQ(pong->t, 77U);
  world.say(who, unknown_frame{});
  EXPECT_TRUE(world.is_quiet(who));
}

TEST(registration, the_end_is_told_to_everybody) {
  registry_world world;
  const auto registered = world.registered(1);
  const auto challenged = world.open();
  static_cast<void>(world.next<challenge_frame>(challenged));
  const auto opening = world.admit("10.9.9.9");
  world.machine.stop(world.now);
  world.collect();
  world.expect_error(registered, shutting_down);
  world.expect_error(challenged, shutting_down);
  for (const auto who : {registered, challenged, *opening}) EXPECT_EQ(world.ended.at(who), 1001);
  EXPECT_FALSE(world.admit("10.9.9.8"));
  EXPECT_EQ(world.machine.counts().sockets, 0U);
}

TEST(registration, a_slow_reader_is_dropped) {
  registry_world world;
  const auto who = world.registered(1);
  world.machine.on_slow(who, world.now);
  world.collect();
  EXPECT_EQ(world.ended.at(who), 0);
  EXPECT_EQ(world.machine.counts().sockets_dropped, 1U);
}

TEST(registration, events_have_eight_characters_of_a_key) {
  registry_world world;
  world.leave(world.registered(1));
  ASSERT_EQ(world.events.size(), 2U);
  EXPECT_EQ(world.events[0].key, key_of(1).short_text());
  EXPECT_EQ(world.events[0].kind, registry_event_kind::registered);
  EXPECT_EQ(world.events[1].kind, registry_event_kind::unregistered);
  EXPECT_EQ(world.events[1].key.size(), 8U);
}

}  // namespace
}  // namespace flowersec::rendezvous
