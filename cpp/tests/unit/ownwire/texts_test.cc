// Texts of users on their way to internal clients.
#include "hub_world.h"

namespace flowersec::ownwire {
namespace {

using frames = std::vector<gateway_frame>;

TEST(texts, reach_the_client_and_are_acknowledged) {
  hub_world world;
  const auto client = world.connect();
  const auto who = world.join({.metadata = "username:user1", .auth = "secret"});
  const auto id = world.session(who);
  world.take(who);
  world.text(who, 1, "hello");
  EXPECT_EQ(world.take_client(client), std::vector<std::string>{R"({"content":"hello","session_id":")" + id +
                                                                R"(","metadata":"username:user1"})"});
  EXPECT_EQ(world.take(who), frames{ack(1)});
}

TEST(texts, a_repeated_id_has_the_same_answer_and_is_not_delivered_again) {
  hub_world world;
  const auto client = world.connect();
  const auto who = world.join();
  world.take(who);
  world.text(who, 1);
  world.text(who, 2, std::string(65'537, 'a'));
  const auto first = world.take(who);
  EXPECT_EQ(first, (frames{ack(1), refused(chat_error::content_too_large, 2)}));
  world.text(who, 1);
  world.text(who, 2);
  EXPECT_EQ(world.take(who), first);
  EXPECT_EQ(world.take_client(client).size(), 1U);
  EXPECT_EQ(world.hub.counts().texts_repeated, 2U);
}

TEST(texts, one_that_comes_behind_a_higher_one_is_never_acknowledged) {
  const std::string too_long(65'537, 'a');
  for (const auto* late : {"x", too_long.c_str()}) {
    hub_world world;
    const auto client = world.connect();
    const auto who = world.join();
    const auto token = world.welcome(who).resume_token;
    world.text(who, 3);
    world.text(who, 7);
    world.take(who);
    world.text(who, 3);
    EXPECT_EQ(world.take(who), frames{ack(3)}) << "sent before";
    world.text(who, 5, late);
    EXPECT_EQ(world.last(who), (gateway_frame{error_frame{.code = chat_error::invalid_frame, .fatal = true}}));
    world.leave(who);
    // The session has lost nothing by it.
    const auto again = world.join({.resume = token});
    EXPECT_EQ(world.welcome(again).last_id, 7U);
    world.text(again, 8);
    EXPECT_EQ(world.take_client(client).size(), 3U);
  }
}

TEST(texts, both_ends_of_a_gap_belong_to_it_and_its_neighbours_do_not) {
  for (const std::uint64_t id : {1U, 2U, 3U, 5U, 6U}) {
    hub_world world;
    world.connect();
    const auto who = world.join();
    world.text(who, 4);
    world.text(who, 7);
    world.text(who, id);
    EXPECT_EQ(world.last(who), (gateway_frame{error_frame{.code = chat_error::invalid_frame, .fatal = true}})) << id;
  }
  hub_world world;
  world.connect();
  const auto who = world.join();
  world.text(who, 4);
  world.text(who, 7);
  EXPECT_EQ(world.last(world.text(who, 4)), ack(4));
  EXPECT_EQ(world.last(world.text(who, 7)), ack(7));
  EXPECT_EQ(world.last(world.text(who, 8)), ack(8));
}

TEST(texts, gaps_are_remembered_64_deep) {
  for (const bool forgotten : {false, true}) {
    gateway_limits limits;
    limits.message_burst = 100;
    hub_world world{limits};
    world.connect();
    const auto who = world.join();
    const std::uint64_t gaps = forgotten ? 65 : 64;
    for (std::uint64_t id = 2; id <= 2 * gaps; id += 2) world.text(who, id);
    const auto answer = world.last(world.text(who, 1));
    EXPECT_EQ(answer == ack(1), forgotten) << "the lowest goes first";
  }
}

TEST(texts, an_empty_one_is_acknowledged_and_not_delivered) {
  hub_world world;
  const auto client = world.connect();
  const auto who = world.join();
  world.take(who);
  world.text(who, 1, "");
  EXPECT_EQ(world.take(who), frames{ack(1)});
  EXPECT_TRUE(world.take_client(client).empty());
}

TEST(texts, also_after_a_resume) {
  hub_world world;
  const auto client = world.connect();
  const auto first = world.text(world.join(), 7);
  const auto token = world.welcome(first).resume_token;
  world.leave(first);
  const auto second = world.join({.resume = token});
  EXPECT_EQ(world.welcome(second).last_id, 7U);
  world.take(second);
  world.text(second, 7);
  EXPECT_EQ(world.take(second), frames{ack(7)});
  world.text(second, 8);
  EXPECT_EQ(world.take_client(client).size(), 2U);
}

TEST(texts, twenty_at_once_then_two_a_second) {
  hub_world world;
  world.connect();
  const auto who = world.join();
  world.take(who);
  std::uint64_t id = 1;
  for (; id <= 20; ++id) EXPECT_EQ(world.last(world.text(who, id)), ack(id));
  EXPECT_EQ(world.last(world.text(who, id)), refused(chat_error::rate_limited, id));
  world.pass(499ms);
  ++id;
  EXPECT_EQ(world.last(world.text(who, id)), refused(chat_error::rate_limited, id));
  world.pass(1ms);
  ++id;
  EXPECT_EQ(world.last(world.text(who, id)), ack(id));
  ++id;
  EXPECT_EQ(world.last(world.text(who, id)), refused(chat_error::rate_limited, id));
  EXPECT_EQ(world.last(world.text(who, 21)), refused(chat_error::rate_limited, 21)) << "refused for good";
}

TEST(texts, refused_ids_are_remembered_256_deep) {
  gateway_limits limits;
  limits.messages_per_second = 1;
  limits.message_burst = 1;
  hub_world world{limits};
  world.connect();
  const auto who = world.join();
  for (std::uint64_t id = 1; id <= 257; ++id) world.text(who, id);
  EXPECT_EQ(world.last(world.text(who, 2)), refused(chat_error::rate_limited, 2));
  world.text(who, 258);
  EXPECT_EQ(world.last(world.text(who, 3)), refused(chat_error::rate_limited, 3));
  EXPECT_EQ(world.last(world.text(who, 2)), ack(2)) << "the first was forgotten";
}

TEST(texts, dropped_below_256_refused_ones_are_not_acknowledged) {
  hub_world world;
  const auto who = world.join();
  for (std::uint64_t id = 1; id <= 300; ++id) world.text(who, id);
  world.take(who);
  world.pass(30s);
  frames dropped;
  for (std::uint64_t id = 1; id <= 20; ++id) dropped.push_back(refused(chat_error::backend_unavailable, id));
  EXPECT_EQ(world.take(who), dropped);
  for (std::uint64_t id = 1; id <= 20; ++id) world.text(who, id);
  EXPECT_EQ(world.take(who), dropped) << "the same answer as before";
}

TEST(texts, round_robin_and_sticky) {
  hub_world world;
  const auto a = world.connect();
  const auto b = world.connect();
  const auto one = world.join();
  const auto two = world.join();
  const auto three = world.join();
  for (const auto who : {one, two, three, one, two}) world.text(who, world.users.at(who).seen.size());
  EXPECT_EQ(world.take_client(a).size(), 3U);
  EXPECT_EQ(world.take_client(b).size(), 2U);
  world.disconnect(a);
  world.text(one, 9);
  EXPECT_EQ(world.take_client(b).size(), 1U) << "bound anew with the next text";
  const auto c = world.connect();
  world.text(one, 10);
  EXPECT_EQ(world.take_client(c).size(), 0U) << "and then stays";
}

TEST(texts, a_reply_is_accepted_from_any_client) {
  hub_world world;
  world.connect();
  const auto other = world.connect();
  const auto who = world.join();
  const auto id = world.session(who);
  world.text(who, 1);
  world.take(who);
  world.reply(other, id, "from elsewhere");
  EXPECT_EQ(world.take(who), frames{reply_of(1, "from elsewhere")});
}

TEST(texts, a_foreign_session_id_harms_nobody) {
  hub_world world;
  const auto client = world.connect();
  const auto who = world.join();
  world.take(who);
  world.reply(client, "00000000-0000-4000-8000-000000000000", "x");
  world.send(client, "nonsense");
  world.send(client, R"({"session_id":1,"content":"x"})");
  EXPECT_TRUE(world.take(who).empty());
  EXPECT_EQ(world.hub.counts().replies_unknown_session, 1U);
  EXPECT_EQ(world.hub.counts().replies_ignored, 2U);
  EXPECT_TRUE(world.take_client(client).empty()) << "the compatible dialect carries nothing but texts";
}

TEST(texts, replies_above_the_limit_are_ignored) {
  hub_world world;
  const auto client = world.connect();
  const auto who = world.join();
  const auto id = world.session(who);
  world.take(who);
  world.reply(client, id, std::string(65'536, 'a'));
  EXPECT_EQ(world.take(who).size(), 1U);
  world.reply(client, id, std::string(65'537, 'a'));
  world.reply(client, id, std::string(65'536, '\x01'));  // six characters each once it is JSON
  EXPECT_TRUE(world.take(who).empty());
  EXPECT_EQ(world.hub.counts().replies_ignored, 2U);
}

TEST(texts, wait_30_seconds_for_a_client) {
  hub_world world;
  const auto who = world.join();
  world.take(who);
  world.text(who, 1);
  world.pass(29'999ms);
  EXPECT_TRUE(world.take(who).empty());
  world.text(who, 1);
  EXPECT_TRUE(world.take(who).empty()) << "no answer yet, so none again";
  world.pass(1ms);
  EXPECT_EQ(world.take(who), frames{refused(chat_error::backend_unavailable, 1)});
  EXPECT_EQ(world.last(world.text(who, 1)), refused(chat_error::backend_unavailable, 1));
  EXPECT_EQ(world.hub.counts().texts_dropped, 1U);
  EXPECT_EQ(world.hub.counts().waiting_bytes, 0U);
}

TEST(texts, waiting_ones_go_out_in_order_of_arrival) {
  hub_world world;
  const auto one = world.join();
  const auto two = world.join();
  world.take(one);
  world.text(one, 1, "1");
  world.text(two, 1, "2");
  world.text(one, 2, "3");
  world.pass(29s);
  const auto client = world.connect();
  const auto seen = world.take_client(client);
  ASSERT_EQ(seen.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NE(seen[i].find("\"content\":\"" + std::to_string(i + 1) + '"'), std::string::npos);
  }
  EXPECT_EQ(world.take(one), (frames{ack(1), ack(2)}));
  world.pass(10s);
  EXPECT_TRUE(world.take(one).empty());
}

TEST(texts, of_one_session_64_wait) {
  gateway_limits limits;
  limits.message_burst = 100;
  hub_world world{limits};
  const auto who = world.join();
  world.take(who);
  for (std::uint64_t id = 1; id <= 64; ++id) world.text(who, id);
  EXPECT_TRUE(world.take(who).empty());
  world.text(who, 65);
  EXPECT_EQ(world.take(who), frames{refused(chat_error::backend_unavailable, 65)});
  const auto other = world.join();
  world.take(other);
  world.text(other, 1);
  EXPECT_TRUE(world.take(other).empty());
}

TEST(texts, waiting_bytes_have_one_bound_for_all) {
  gateway_limits limits;
  const std::string content(65'536 - 256, 'a');  // 64 KiB with what holding it costs
  limits.max_waiting_bytes = 65'536 * 3;
  hub_world world{limits};
  for (int i = 0; i < 3; ++i) {
    const auto who = world.join();
    world.take(who);
    world.text(who, 1, content);
    EXPECT_TRUE(world.take(who).empty());
  }
  EXPECT_EQ(world.hub.counts().waiting_bytes, limits.max_waiting_bytes);
  const auto late = world.join();
  world.take(late);
  world.text(late, 1, "x");
  EXPECT_EQ(world.take(late), frames{refused(chat_error::backend_unavailable, 1)});
}

TEST(texts, a_full_queue_makes_texts_wait_and_loses_none) {
  gateway_limits limits;
  limits.max_internal_queue_bytes = 1'048'576;
  limits.message_burst = 1'000;
  hub_world world{limits};
  const auto client = world.connect();
  world.clients.at(client).reads = false;
  const auto who = world.join();
  world.take(who);
  const std::string content(65'536 - 256, 'a');
  for (std::uint64_t id = 1; id <= 16; ++id) world.text(who, id, content);
  EXPECT_EQ(world.take(who).size(), 16U) << "exactly the bound is queued";
  EXPECT_EQ(world.hub.counts().queued_bytes, limits.max_internal_queue_bytes);
  world.text(who, 17, "last");
  EXPECT_TRUE(world.take(who).empty());
  const auto other = world.text(world.join(), 1, "small");
  EXPECT_FALSE(world.last(other) == ack(1)) << "nobody overtakes";
  world.pass(20s);
  world.resume_reading(client);
  EXPECT_EQ(world.take(who), frames{ack(17)});
  const auto seen = world.take_client(client);
  ASSERT_EQ(seen.size(), 18U);
  EXPECT_NE(seen[16].find("last"), std::string::npos);
  EXPECT_NE(seen[17].find("small"), std::string::npos);
  EXPECT_EQ(world.hub.counts().queued_bytes, 0U);
}

TEST(texts, a_client_that_takes_nothing_for_60_seconds_is_dropped) {
  hub_world world;
  const auto stuck = world.connect();
  world.clients.at(stuck).reads = false;
  const auto who = world.join();
  world.take(who);
  world.text(who, 1, std::string(65'000, 'a'));
  world.text(who, 2, "b");
  EXPECT_EQ(world.take(who), (frames{ack(1), ack(2)}));
  world.pass(59'999ms);
  EXPECT_FALSE(world.clients.at(stuck).dropped);
  const auto other = world.connect();
  world.pass(1ms);
  EXPECT_TRUE(world.clients.at(stuck).dropped);
  EXPECT_TRUE(world.told(gateway_event_kind::client_stalled));
  const auto seen = world.take_client(other);
  ASSERT_EQ(seen.size(), 1U) << "what was never handed to the connection goes to another";
  EXPECT_NE(seen[0].find("\"b\""), std::string::npos);
  EXPECT_TRUE(world.take(who).empty()) << "it was acknowledged already";
}

TEST(texts, of_a_session_that_ended_do_not_wait) {
  hub_world world;
  const auto who = world.text(world.join(), 1);
  world.say(who, bye_frame{});
  EXPECT_EQ(world.hub.counts().waiting_texts, 0U);
  EXPECT_EQ(world.hub.counts().waiting_bytes, 0U);
  EXPECT_TRUE(world.take_client(world.connect()).empty());
}

TEST(texts, wait_while_their_user_is_away) {
  hub_world world;
  const auto who = world.text(world.join(), 1);
  const auto token = world.welcome(who).resume_token;
  world.leave(who);
  const auto client = world.connect();
  EXPECT_EQ(world.take_client(client).size(), 1U);
  const auto again = world.join({.resume = token});
  world.take(again);
  EXPECT_EQ(world.last(world.text(again, 1)), ack(1));
}

TEST(texts, at_most_64_internal_clients) {
  hub_world world;
  for (int i = 0; i < 64; ++i) world.connect();
  EXPECT_FALSE(world.hub.connect_client(dialect::compatible, world.now));
  world.disconnect(1);
  EXPECT_TRUE(world.hub.connect_client(dialect::compatible, world.now));
}

}  // namespace
}  // namespace flowersec::ownwire
