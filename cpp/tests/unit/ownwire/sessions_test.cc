// Sessions: hello, resume, displacement, what is kept, who is let in.
#include "hub_world.h"

namespace flowersec::ownwire {
namespace {

using frames = std::vector<gateway_frame>;

bool is_uuid4(const std::string& text) {
  if (text.size() != 36 || text[14] != '4' || std::string_view{"89ab"}.find(text[19]) == std::string_view::npos) {
    return false;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash != (text[i] == '-')) return false;
    if (!dash && std::string_view{"0123456789abcdef"}.find(text[i]) == std::string_view::npos) return false;
  }
  return true;
}

TEST(sessions, welcome_of_a_new_session) {
  hub_world world;
  const auto who = world.join({.metadata = "m"});
  const auto welcome = world.welcome(who);
  EXPECT_TRUE(is_uuid4(welcome.session_id)) << welcome.session_id;
  EXPECT_EQ(welcome.resume_token.size(), 43U);
  EXPECT_FALSE(welcome.resumed);
  EXPECT_EQ(welcome.last_id, 0U);
  EXPECT_EQ(welcome.max_content, 65'536U);
  EXPECT_NE(world.session(world.join()), welcome.session_id);
}

TEST(sessions, the_first_frame_is_hello_and_comes_once) {
  hub_world world;
  const auto early = world.enter();
  world.text(*early, 1);
  EXPECT_EQ(world.take(*early), frames{fatal(chat_error::invalid_frame)});
  EXPECT_EQ(world.users.at(*early).ended, end_user::how::after_error);
  const auto twice = world.join();
  world.take(twice);
  world.say(twice, hello_frame{});
  EXPECT_EQ(world.take(twice), frames{fatal(chat_error::invalid_frame)});
  world.text(twice, 1);
  EXPECT_TRUE(world.take(twice).empty()) << "nothing is heard behind a fatal error";
}

TEST(sessions, hello_is_waited_for_five_seconds) {
  hub_world world;
  const auto slow = world.enter();
  world.pass(4'999ms);
  EXPECT_FALSE(world.users.at(*slow).ended);
  world.pass(1ms);
  EXPECT_TRUE(world.users.at(*slow).ended);
  EXPECT_EQ(world.take(*slow), frames{fatal(chat_error::invalid_frame)});
  const auto quick = world.enter();
  world.pass(4'999ms);
  world.say(*quick, hello_frame{});
  world.pass(10s);
  EXPECT_FALSE(world.users.at(*quick).ended);
}

TEST(sessions, metadata_too_large_is_fatal) {
  hub_world world;
  const auto who = world.join({.metadata = std::string(4'097, 'a')});
  EXPECT_EQ(world.take(who), frames{fatal(chat_error::metadata_too_large)});
}

TEST(sessions, unknown_types_are_ignored) {
  hub_world world;
  const auto who = world.join();
  world.take(who);
  world.hub.on_frame(who, R"({"type":"later"})", world.now);
  world.settle();
  EXPECT_TRUE(world.take(who).empty());
  EXPECT_FALSE(world.users.at(who).ended);
}

TEST(sessions, resumes_with_missed_replies) {
  hub_world world;
  const auto client = world.connect();
  const auto first = world.join();
  const auto welcome = world.welcome(first);
  world.text(first, 1);
  world.reply(client, welcome.session_id, "seen");
  world.say(first, received_frame{.seq = 1});
  world.leave(first);
  world.reply(client, welcome.session_id, "a");
  world.reply(client, welcome.session_id, "b");
  const auto second = world.join({.resume = welcome.resume_token});
  const auto seen = world.take(second);
  ASSERT_EQ(seen.size(), 3U);
  const auto& again = std::get<welcome_frame>(seen[0]);
  EXPECT_TRUE(again.resumed);
  EXPECT_EQ(again.session_id, welcome.session_id);
  EXPECT_EQ(again.last_id, 1U);
  EXPECT_NE(again.resume_token, welcome.resume_token);
  EXPECT_EQ(seen[1], reply_of(2, "a"));
  EXPECT_EQ(seen[2], reply_of(3, "b"));
}

TEST(sessions, replies_that_were_sent_and_not_confirmed_come_again) {
  hub_world world;
  const auto client = world.connect();
  const auto first = world.join();
  const auto welcome = world.welcome(first);
  for (const auto* content : {"a", "b", "c"}) world.reply(client, welcome.session_id, content);
  world.say(first, received_frame{.seq = 2});
  world.leave(first);
  const auto second = world.join({.resume = welcome.resume_token});
  const auto seen = world.take(second);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[1], reply_of(3, "c"));
}

TEST(sessions, a_session_without_a_message_is_not_kept) {
  hub_world world;
  const auto silent = world.join();
  const auto welcome = world.welcome(silent);
  world.leave(silent);
  EXPECT_EQ(world.hub.counts().sessions, 0U);
  const auto next = world.join({.resume = welcome.resume_token});
  const auto seen = world.take(next);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0], gateway_frame(error_frame{.code = chat_error::session_unknown, .fatal = false}));
  EXPECT_FALSE(std::get<welcome_frame>(seen[1]).resumed);
}

TEST(sessions, kept_for_300_seconds) {
  for (const auto& [away, resumed] : {std::pair{299'999ms, true}, std::pair{300'000ms, false}}) {
    hub_world world;
    const auto first = world.text(world.join(), 1);
    const auto token = world.welcome(first).resume_token;
    world.leave(first);
    world.pass(away);
    EXPECT_EQ(world.welcome(world.join({.resume = token})).resumed, resumed);
    EXPECT_EQ(world.hub.counts().sessions_expired, resumed ? 0U : 1U);
  }
}

TEST(sessions, the_old_token_dies_with_the_first_frame) {
  hub_world world;
  auto who = world.text(world.join(), 1);
  const auto first = world.welcome(who).resume_token;
  world.leave(who);
  // The welcome with the fresh token may be lost: until something was heard, the old one is good as well.
  who = world.join({.resume = first});
  const auto lost = world.welcome(who).resume_token;
  world.leave(who);
  who = world.join({.resume = first});
  EXPECT_TRUE(world.welcome(who).resumed);
  const auto fresh = world.welcome(who).resume_token;
  world.say(who, typing_frame{.on = true});
  world.leave(who);
  for (const auto& dead : {first, lost}) EXPECT_FALSE(world.welcome(world.join({.resume = dead})).resumed);
  EXPECT_TRUE(world.welcome(world.join({.resume = fresh})).resumed);
}

TEST(sessions, no_other_text_is_a_token) {
  hub_world world;
  const auto who = world.text(world.join(), 1);
  const auto token = world.welcome(who).resume_token;
  for (const auto& wrong : {std::string{}, token + "A", token.substr(1), "=" + token.substr(1), world.session(who)}) {
    EXPECT_FALSE(world.welcome(world.join({.resume = wrong})).resumed) << wrong;
  }
}

TEST(sessions, another_connection_takes_the_session_over) {
  hub_world world;
  const auto client = world.connect();
  const auto older = world.text(world.join(), 1);
  const auto welcome = world.welcome(older);
  world.reply(client, welcome.session_id, "a");
  world.take(older);
  const auto newer = world.join({.resume = welcome.resume_token});
  EXPECT_EQ(world.take(older), frames{fatal(chat_error::session_taken)});
  EXPECT_TRUE(world.users.at(older).ended);
  const auto seen = world.take(newer);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[1], reply_of(1, "a"));
  world.leave(older);
  world.reply(client, welcome.session_id, "b");
  EXPECT_EQ(world.take(newer), frames{reply_of(2, "b")});
  EXPECT_EQ(world.hub.counts().detached, 0U);
}

TEST(sessions, kept_replies_have_two_bounds) {
  hub_world world;
  const auto client = world.connect();
  auto who = world.text(world.join(), 1);
  auto welcome = world.welcome(who);
  world.leave(who);
  for (int i = 1; i <= 64; ++i) world.reply(client, welcome.session_id, std::to_string(i));
  EXPECT_EQ(world.hub.counts().replies_dropped, 0U);
  world.reply(client, welcome.session_id, "65");
  EXPECT_EQ(world.hub.counts().replies_dropped, 1U);
  EXPECT_TRUE(world.told(gateway_event_kind::replies_dropped));
  who = world.join({.resume = welcome.resume_token});
  auto seen = world.take(who);
  ASSERT_EQ(seen.size(), 65U);
  EXPECT_EQ(seen[1], reply_of(2, "2"));
  EXPECT_EQ(seen[64], reply_of(65, "65"));
  welcome = std::get<welcome_frame>(seen[0]);
  world.say(who, received_frame{.seq = 65});
  world.leave(who);
  const std::string quarter(65'536, 'a');
  for (int i = 0; i < 4; ++i) world.reply(client, welcome.session_id, quarter);
  EXPECT_EQ(world.hub.counts().replies_dropped, 1U) << "256 KiB are kept";
  world.reply(client, welcome.session_id, "b");
  EXPECT_EQ(world.hub.counts().replies_dropped, 2U);
  EXPECT_EQ(world.take(world.join({.resume = welcome.resume_token})).size(), 1U + 4U);
}

TEST(sessions, a_burst_to_one_who_is_there_is_not_bounded_by_what_is_kept) {
  hub_world world;
  const auto client = world.connect();
  const auto who = world.join();
  const auto id = world.session(who);
  world.take(who);
  world.stalled.insert(who);
  for (int i = 1; i <= 200; ++i) world.reply(client, id, std::to_string(i));
  EXPECT_EQ(world.hub.counts().replies_dropped, 0U);
  world.stalled.clear();
  world.reply(client, id, "201");
  const auto seen = world.take(who);
  ASSERT_EQ(seen.size(), 201U);
  for (std::uint64_t i = 1; i <= seen.size(); ++i) EXPECT_EQ(seen[i - 1], reply_of(i, std::to_string(i)));
}

TEST(sessions, replies_let_go_in_flight_are_counted_when_the_connection_is_lost) {
  hub_world world;
  const auto client = world.connect();
  const auto who = world.join();
  const auto id = world.session(who);
  for (int i = 1; i <= 201; ++i) world.reply(client, id, std::to_string(i));
  world.take(who);
  world.say(who, received_frame{.seq = 100});
  EXPECT_EQ(world.hub.counts().replies_dropped, 0U);
  world.leave(who);
  EXPECT_EQ(world.hub.counts().replies_dropped, 201U - 64U - 100U);
}

TEST(sessions, a_reply_that_was_not_sent_cannot_be_confirmed) {
  hub_world world;
  const auto client = world.connect();
  const auto who = world.join();
  const auto id = world.session(who);
  world.take(who);
  world.stalled.insert(who);
  for (int i = 1; i <= 3; ++i) world.reply(client, id, std::to_string(i));
  world.say(who, received_frame{.seq = 99});
  world.stalled.clear();
  world.reply(client, id, "4");
  EXPECT_EQ(world.take(who).size(), 4U);
}

TEST(sessions, one_who_takes_nothing_is_cut_off_and_keeps_the_last_replies) {
  hub_world world;
  const auto client = world.connect();
  const auto who = world.join();
  const auto welcome = world.welcome(who);
  world.stalled.insert(who);
  const std::string big(65'536 - kept_reply::fixed_cost, 'a');  // each costs 64 KiB
  for (int i = 0; i < 16; ++i) world.reply(client, welcome.session_id, big);
  EXPECT_FALSE(world.users.at(who).ended) << "1 MiB waits";
  world.reply(client, welcome.session_id, "x");
  EXPECT_EQ(world.users.at(who).ended, end_user::how::at_once);
  EXPECT_EQ(world.hub.counts().users_too_slow, 1U);
  world.leave(who);
  const auto seen = world.take(world.join({.resume = welcome.resume_token}));
  ASSERT_EQ(seen.size(), 1U + 5U);
  EXPECT_EQ(seen.back(), reply_of(17, "x"));
}

TEST(sessions, bye_ends_the_session) {
  hub_world world;
  const auto who = world.text(world.join(), 1);
  const auto token = world.welcome(who).resume_token;
  world.say(who, bye_frame{});
  EXPECT_EQ(world.users.at(who).ended, end_user::how::at_once);
  EXPECT_EQ(world.hub.counts().sessions, 0U);
  world.leave(who);
  EXPECT_FALSE(world.welcome(world.join({.resume = token})).resumed);
}

TEST(sessions, each_address_has_200_sockets) {
  gateway_limits limits;
  limits.visit_burst = 1'000;
  hub_world world{limits};
  std::vector<connection_id> here;
  for (int i = 0; i < 200; ++i) here.push_back(world.join());
  EXPECT_FALSE(world.enter());
  EXPECT_TRUE(world.enter("192.0.2.2"));
  world.leave(here.back());
  EXPECT_TRUE(world.enter());
}

TEST(sessions, each_address_visits_200_times_at_once_and_then_10_times_a_second) {
  hub_world world;
  const auto visit = [&] {
    const auto id = world.enter();
    if (id) world.leave(*id);
    return id.has_value();
  };
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(visit()) << i;
  EXPECT_FALSE(visit());
  world.pass(99ms);
  EXPECT_FALSE(visit());
  world.pass(1ms);
  EXPECT_TRUE(visit());
  EXPECT_FALSE(visit());
  EXPECT_EQ(world.hub.counts().visitors_refused, 3U);
  EXPECT_TRUE(world.told(gateway_event_kind::visitor_refused));
}

TEST(sessions, so_many_addresses_are_remembered) {
  visitors known{{.max_sockets = 5, .visits = {.burst = 1, .per_second = 1}, .max_visitors = 2}};
  const mono_time now{1000s};
  EXPECT_TRUE(known.enter("a", now));
  EXPECT_TRUE(known.enter("b", now));
  EXPECT_FALSE(known.enter("a", now)) << "too often";
  EXPECT_FALSE(known.enter("c", now)) << "both have sockets";
  known.leave("b");
  EXPECT_TRUE(known.enter("c", now)) << "takes the place of the one that is not here";
  EXPECT_EQ(known.remembered(), 2U);
  EXPECT_EQ(known.sockets(), 2U);
  known.leave("b");
  EXPECT_EQ(known.sockets(), 2U) << "unknown addresses leave nothing";
}

TEST(sessions, the_oldest_detached_one_makes_room) {
  gateway_limits limits;
  limits.max_sessions = 3;
  hub_world world{limits};
  std::vector<std::string> tokens;
  for (int i = 0; i < 2; ++i) {
    const auto who = world.text(world.join(), 1);
    tokens.push_back(world.welcome(who).resume_token);
    world.leave(who);
    world.pass(1s);
  }
  world.join();
  EXPECT_EQ(world.hub.counts().sessions, 3U);
  world.join();
  EXPECT_EQ(world.hub.counts().sessions_evicted, 1U);
  EXPECT_FALSE(world.enter() && world.enter()) << "three sockets are all";
  world.leave(4);
  EXPECT_EQ(world.hub.counts().sessions, 2U);
}

TEST(sessions, without_randomness_there_is_no_session) {
  testing::seeded_random none{1, 0};
  hub silent{gateway_limits{}, none};
  const auto who = silent.admit({.counted = "a", .shown = "a"}, mono_time{});
  silent.on_open(*who, mono_time{});
  silent.on_frame(*who, encode(user_frame{hello_frame{}}), mono_time{});
  EXPECT_TRUE(silent.next_frames(*who).empty());
  const auto actions = silent.take_actions();
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_EQ(std::get<end_user>(actions[0]).how, end_user::how::at_once);
}

TEST(sessions, a_stop_is_told_to_everybody) {
  hub_world world;
  const auto in = world.join();
  const auto on_the_way = world.enter();
  world.take(in);
  world.hub.stop();
  world.settle();
  for (const auto who : {in, *on_the_way}) {
    EXPECT_EQ(world.take(who), frames{fatal(chat_error::shutting_down)});
    EXPECT_EQ(world.users.at(who).ended, end_user::how::going_away);
  }
  EXPECT_FALSE(world.enter());
  EXPECT_FALSE(world.hub.connect_client(dialect::compatible, world.now));
}

}  // namespace
}  // namespace flowersec::ownwire
