// Texts that were in the queue of an internal client which was lost.
#include "hub_world.h"

namespace flowersec::ownwire {
namespace {

using frames = std::vector<gateway_frame>;

TEST(texts, a_client_that_comes_back_gets_what_was_never_handed_out_once) {
  hub_world world;
  const auto first = world.connect();
  world.clients.at(first).reads = false;
  const auto who = world.join();
  world.text(who, 1, "handed out");
  world.text(who, 2, "queued");
  world.disconnect(first);
  world.text(who, 3, "waiting");
  EXPECT_EQ(world.hub.counts().waiting_texts, 2U);
  const auto second = world.connect();
  const auto seen = world.take_client(second);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_NE(seen[0].find("queued"), std::string::npos);
  EXPECT_NE(seen[1].find("waiting"), std::string::npos);
}

TEST(texts, acknowledged_ones_of_a_lost_client_wait_without_a_limit_of_time) {
  hub_world world;
  const auto first = world.connect();
  world.clients.at(first).reads = false;
  const auto who = world.join();
  world.take(who);
  world.text(who, 1, "handed out");
  world.text(who, 2, "queued");
  EXPECT_EQ(world.take(who), (frames{ack(1), ack(2)}));
  world.disconnect(first);
  world.text(who, 3, "never taken");
  world.pass(29'999ms);
  EXPECT_TRUE(world.take(who).empty());
  world.pass(1ms);
  EXPECT_EQ(world.take(who), frames{refused(chat_error::backend_unavailable, 3)});
  world.pass(3'600s);
  world.text(who, 2, "queued");
  EXPECT_EQ(world.take(who), frames{ack(2)}) << "the same answer as before";
  EXPECT_EQ(world.hub.counts().waiting_texts, 1U);
  EXPECT_EQ(world.hub.counts().texts_dropped, 1U);
  EXPECT_EQ(world.hub.next_deadline(), std::nullopt);
  world.text(who, 4, "behind it");
  const auto seen = world.take_client(world.connect());
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_NE(seen[0].find("queued"), std::string::npos);
  EXPECT_NE(seen[1].find("behind it"), std::string::npos);
  EXPECT_EQ(world.take(who), frames{ack(4)}) << "the other had its answer";
  EXPECT_EQ(world.hub.counts().waiting_bytes, 0U);
}

TEST(texts, of_a_batch_that_was_never_sent_go_to_the_next_client_in_their_order) {
  hub_world world;
  const auto first = world.connect();
  world.clients.at(first).reads = false;
  const auto who = world.join();
  for (std::uint64_t id = 1; id <= 3; ++id) world.text(who, id, "text " + std::to_string(id));
  ASSERT_EQ(world.take_client(first).size(), 1U) << "the others are queued behind that batch";
  world.hub.on_batch_unsent(first);
  world.text(who, 4, "text 4");
  world.disconnect(first);
  const auto seen = world.take_client(world.connect());
  ASSERT_EQ(seen.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NE(seen[i].find("text " + std::to_string(i + 1)), std::string::npos) << seen[i];
  }
  EXPECT_EQ(world.hub.counts().queued_bytes, 0U);
  EXPECT_EQ(world.hub.counts().waiting_bytes, 0U);
}

/// Four texts of 64 KiB with what holding them costs, behind one that was handed out, and their client is lost.
void lose_four(hub_world& world, connection_id who) {
  const auto client = world.connect();
  world.clients.at(client).reads = false;
  world.text(who, 1, "handed out");
  for (std::uint64_t id = 2; id <= 5; ++id) world.text(who, id, std::string(65'536 - 256, 'a'));
  EXPECT_EQ(world.take(who).size(), 5U);
  world.disconnect(client);
}

TEST(texts, of_lost_clients_reach_the_next_one_though_its_queue_holds_some_only) {
  gateway_limits limits;
  limits.max_internal_queue_bytes = 1'048'576;
  hub_world world{limits};
  const std::string content(65'536 - 256, 'a');
  std::vector<connection_id> users;
  for (const auto client : {world.connect(), world.connect()}) world.clients.at(client).reads = false;
  for (int i = 0; i < 4; ++i) {
    users.push_back(world.join());
    for (std::uint64_t id = 1; id <= 8; ++id) world.text(users.back(), id, content + std::to_string(id));
  }
  world.disconnect(1);
  world.disconnect(2);
  const auto waiting = world.hub.counts().waiting_texts;
  EXPECT_GT(waiting, 16U) << "more than a queue holds";
  const auto next = world.connect();
  EXPECT_EQ(world.take_client(next).size(), waiting);
  EXPECT_EQ(world.hub.counts().waiting_texts, 0U);
}

TEST(texts, of_lost_clients_go_to_whoever_has_room_and_stay_with_it) {
  gateway_limits limits;
  limits.max_internal_queue_bytes = 1'048'576;
  hub_world world{limits};
  const std::string content(65'536 - 256, 'a');
  const auto lost = world.connect();
  world.clients.at(lost).reads = false;
  std::vector<connection_id> users;
  for (int i = 0; i < 3; ++i) {
    users.push_back(world.join());
    for (std::uint64_t id = 1; id <= 5; ++id) world.text(users.back(), id, content);
  }
  const auto slow = world.connect();
  const auto quick = world.connect();
  for (const auto client : {slow, quick}) {
    world.clients.at(client).reads = false;
    const auto who = world.join();
    for (std::uint64_t id = 1; id <= 16; ++id) world.text(who, id, content);
  }
  world.disconnect(lost);
  EXPECT_EQ(world.hub.counts().waiting_texts, 14U) << "one was handed out";
  world.resume_reading(quick);
  EXPECT_EQ(world.take_client(quick).size(), 16U + 10U) << "one session was the slow one's before there was room";
  for (const auto who : users) world.text(who, 6);
  EXPECT_EQ(world.take_client(quick).size(), 2U);
  world.resume_reading(slow);
  EXPECT_EQ(world.take_client(slow).size(), 16U + 5U);
  EXPECT_EQ(world.hub.counts().waiting_texts, 0U);
}

TEST(texts, no_bound_refuses_acknowledged_ones_of_a_lost_client) {
  gateway_limits limits;
  limits.max_waiting_bytes = 65'536 * 3;
  limits.max_waiting_texts = 3;
  hub_world world{limits};
  const auto who = world.join();
  world.take(who);
  lose_four(world, who);
  EXPECT_TRUE(world.take(who).empty());
  EXPECT_EQ(world.hub.counts().waiting_texts, 4U);
  EXPECT_EQ(world.hub.counts().waiting_bytes, 65'536U * 4);
  const auto late = world.join();
  world.take(late);
  world.text(late, 1, "x");
  EXPECT_EQ(world.take(late), frames{refused(chat_error::backend_unavailable, 1)}) << "nothing further waits";
  EXPECT_EQ(world.take_client(world.connect()).size(), 4U);
  EXPECT_TRUE(world.take(who).empty());
  EXPECT_EQ(world.hub.counts().waiting_bytes, 0U);
  EXPECT_EQ(world.last(world.text(late, 2)), ack(2));
}

/// What a text is answered whose client has room, while 256 KiB of a lost client wait for another one, which is full.
std::optional<gateway_frame> answer_beside_returned(std::size_t max_waiting_bytes) {
  gateway_limits limits;
  limits.max_waiting_bytes = max_waiting_bytes;
  limits.max_internal_queue_bytes = 65'536 * 4 + 1'000;
  hub_world world{limits};
  const auto full = world.connect();
  world.clients.at(full).reads = false;
  const auto other = world.join();
  for (std::uint64_t id = 1; id <= 4; ++id) world.text(other, id, std::string(65'536 - 256, 'b'));
  const auto who = world.join();
  world.take(who);
  lose_four(world, who);
  world.connect();
  EXPECT_EQ(world.hub.counts().waiting_texts, 4U);
  return world.last(world.text(world.join(), 1));
}

TEST(texts, above_max_waiting_bytes_that_came_back_nothing_further_is_acknowledged) {
  EXPECT_EQ(answer_beside_returned(65'536 * 4), ack(1));
  EXPECT_EQ(answer_beside_returned(65'536 * 4 - 1), refused(chat_error::backend_unavailable, 1));
}

}  // namespace
}  // namespace flowersec::ownwire
