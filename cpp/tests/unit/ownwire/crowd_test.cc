// A crowd on real sockets: 2 000 sessions of 100 addresses at once against one internal client, and a client that
// stops reading. Nothing is lost, nothing is told to another session.
#include <boost/asio/thread_pool.hpp>
#include <map>

#include "gateway_world.h"
#include "support/ownwire_crowd.h"

namespace flowersec::ownwire {
namespace {

constexpr int addresses = 100;
constexpr int sessions_each = 20;

awaitable<void> gather_and_talk(gateway_world& world, crowd& all, const relay_list& relays) {
  const auto urls = urls_of(relays);
  co_await gather(all, urls);
  const std::uint64_t count = relays.size() * sessions_each;
  EXPECT_EQ(world.gate.counts().sockets, count);
  auto client = co_await test_client::open(world.internal_url());
  co_await talk(all, client);
  const auto counts = world.gate.counts();
  EXPECT_EQ(counts.texts_handed_over, count * all.texts_each);
  EXPECT_EQ(counts.replies_taken, count * all.texts_each);
  EXPECT_EQ(counts.texts_dropped + counts.replies_dropped + counts.replies_ignored, 0U);
  client.socket.abort();
  co_await until([&] { return world.gate.counts().internal_clients == 0; });
}

gateway_options crowd_options() {
  auto options = usual_options();
  options.public_port->trusted_proxies.clear();
  options.limits.max_sessions_per_address = sessions_each;
  return options;
}

void run_crowd(gateway_world& world, int count) {
  const auto relays = relays_to(world.context, world.gate.public_port(), count);
  crowd all{.sessions_each = sessions_each};
  world.run(gather_and_talk(world, all, relays), 240s);
}

TEST(crowd, two_thousand_sessions_of_a_hundred_addresses) {
  want_descriptors(9'000);
  gateway_world world{crowd_options()};
  run_crowd(world, addresses);
}

awaitable<void> stop(gateway& gate) { co_await gate.async_stop(as_result); }

TEST(crowd, a_gateway_on_several_threads) {
  constexpr int fewer = 10;
  asio::thread_pool threads{4};
  gateway_world world{threads.get_executor(), crowd_options()};
  run_crowd(world, fewer);
  world.run(stop(world.gate));
  EXPECT_EQ(world.gate.counts().internal_clients, 0U);
  threads.stop();
  threads.join();
}

constexpr int writers = 30;
constexpr std::uint64_t long_texts = 10;

awaitable<void> hear_acks(test_user& user, std::uint64_t& total) {
  for (std::uint64_t id = 1; id <= long_texts; ++id) {
    const auto frame = co_await user.hear();
    EXPECT_TRUE(frame && *frame == gateway_frame{ack_frame{.id = id}});
    ++total;
  }
}

awaitable<void> pause_reading(gateway_world& world) {
  const auto executor = co_await asio::this_coro::executor;
  auto client = co_await test_client::open(world.internal_url());
  std::vector<test_user> users;
  std::vector<std::string> ids;
  for (int i = 0; i < writers; ++i) {
    users.push_back(co_await test_user::open(world.public_url()));
    ids.push_back((co_await users.back().join()).session_id);
  }
  const std::string filler(54'000, 'a');
  std::uint64_t acknowledged = 0;
  for (auto& user : users) asio::co_spawn(executor, hear_acks(user, acknowledged), asio::detached);
  for (std::uint64_t id = 1; id <= long_texts; ++id) {
    for (auto& user : users) co_await user.say(text(id, std::to_string(id) + filler));
  }
  const std::uint64_t all = writers * long_texts;
  co_await until([&] { return world.gate.counts().texts_taken == all; });
  EXPECT_GT(world.gate.counts().waiting_texts, 0U) << "more than the queue and the kernel hold";
  EXPECT_LT(acknowledged, all);
  std::map<std::string, std::uint64_t> seen;
  for (std::uint64_t i = 0; i < all; ++i) {
    const auto heard = co_await client.hear();
    const std::string id{heard.at("session_id").as_string()};
    EXPECT_EQ(std::string{heard.at("content").as_string()}, std::to_string(++seen[id]) + filler) << "in order, once";
  }
  co_await until([&] { return acknowledged == all; });
  for (const auto& id : ids) EXPECT_EQ(seen[id], long_texts);
  EXPECT_EQ(world.gate.counts().texts_dropped, 0U);
}

TEST(crowd, a_client_that_stops_reading_for_a_while_loses_nothing) {
  auto options = usual_options();
  options.limits.max_internal_queue_bytes = 1'048'576;
  options.limits.max_waiting_bytes = 33'554'432;
  gateway_world world{std::move(options)};
  world.run(pause_reading(world), 120s);
}

}  // namespace
}  // namespace flowersec::ownwire
