// A crowd on real sockets: 2 000 sessions of 100 addresses at once against one internal client, and a client that
// stops reading. Nothing is lost, nothing is told to another session.
#include <sys/resource.h>

#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <map>

#include "gateway_world.h"

namespace flowersec::ownwire {
namespace {

constexpr int addresses = 100;
constexpr int sessions_each = 20;
constexpr std::uint64_t texts_each = 3;

/// Lets everything else go on until the condition holds.
template <class Condition>
awaitable<void> until(Condition condition) {
  while (!condition()) co_await asio::post(asio::use_awaitable);
}

void want_descriptors(rlim_t wanted) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  ASSERT_GE(limit.rlim_cur, wanted) << "the hard limit is too low";
}

/// Passes bytes on to the gateway from an address of its own.
class address_relay {
 public:
  address_relay(asio::io_context& context, int number, std::uint16_t to)
      : acceptor_{context, any_loopback_port},
        from_{asio::ip::address_v4{0x7F000100U + static_cast<unsigned>(number)}},
        to_{asio::ip::address_v4::loopback(), to} {
    asio::co_spawn(context, serve(), asio::detached);
  }
  [[nodiscard]] std::string url() const {
    return "ws://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/ws";
  }

 private:
  using shared_socket = std::shared_ptr<tcp::socket>;

  awaitable<void> serve() {
    while (true) {
      auto [failed, accepted] = co_await acceptor_.async_accept(as_result);
      if (failed) co_return;
      const auto near = std::make_shared<tcp::socket>(std::move(accepted));
      const auto far = std::make_shared<tcp::socket>(near->get_executor());
      far->open(tcp::v4());
      far->bind({from_, 0});
      co_await far->async_connect(to_, asio::use_awaitable);
      asio::co_spawn(near->get_executor(), pump(near, far), asio::detached);
      asio::co_spawn(near->get_executor(), pump(far, near), asio::detached);
    }
  }
  static awaitable<void> pump(shared_socket from, shared_socket to) {
    std::array<std::byte, 8192> buffer;
    while (true) {
      const auto [failed, bytes] = co_await from->async_read_some(asio::buffer(buffer), as_result);
      if (failed) break;
      const auto [lost, written] = co_await asio::async_write(*to, asio::buffer(buffer, bytes), as_result);
      if (lost) break;
    }
    error_code ignored;
    to->shutdown(tcp::socket::shutdown_send, ignored);
  }

  tcp::acceptor acceptor_;
  asio::ip::address from_;
  tcp::endpoint to_;
};

struct crowd {
  std::vector<test_user> users;
  std::vector<std::string> ids;
  int done = 0;
};

awaitable<void> open_some(crowd& all, std::string url, std::string origin) {
  for (int i = 0; i < sessions_each; ++i) {
    auto user = co_await test_user::open(url, origin);
    const auto welcome = co_await user.join();
    EXPECT_EQ(welcome.session_id.size(), 36U);
    all.ids.push_back(welcome.session_id);
    all.users.push_back(std::move(user));
  }
  ++all.done;
}

/// Answers every text with its session and itself.
awaitable<void> echo(test_client& client) {
  while (true) {
    const auto heard = co_await client.hear();
    if (heard.empty()) co_return;
    const std::string id{heard.at("session_id").as_string()};
    co_await client.reply(id, id + ' ' + std::string{heard.at("content").as_string()});
  }
}

awaitable<void> say_all(test_user& user, int number) {
  for (std::uint64_t id = 1; id <= texts_each; ++id) {
    co_await user.say(text(id, std::to_string(number) + '/' + std::to_string(id)));
  }
}

awaitable<void> hear_all(crowd& all, int number) {
  auto& user = all.users[static_cast<std::size_t>(number)];
  const auto& own = all.ids[static_cast<std::size_t>(number)];
  std::uint64_t acknowledged = 0;
  std::uint64_t replies = 0;
  while (acknowledged < texts_each || replies < texts_each) {
    const auto frame = co_await user.hear();
    if (!frame) {
      ADD_FAILURE() << number << " was cut off";
      break;
    }
    if (const auto* ack = std::get_if<ack_frame>(&*frame)) {
      EXPECT_EQ(ack->id, ++acknowledged);
    } else if (const auto* reply = std::get_if<reply_frame>(&*frame)) {
      EXPECT_EQ(reply->seq, ++replies);
      EXPECT_EQ(reply->content, own + ' ' + std::to_string(number) + '/' + std::to_string(replies));
    } else {
      ADD_FAILURE() << encode(*frame);
      break;
    }
  }
  ++all.done;
}

using relay_list = std::vector<std::unique_ptr<address_relay>>;

awaitable<void> gather(gateway_world& world, crowd& all, relay_list& relays) {
  const auto executor = co_await asio::this_coro::executor;
  for (const auto& relay : relays) {
    const auto url = relay->url();
    const auto origin = "http" + url.substr(2, url.rfind('/') - 2);
    asio::co_spawn(executor, open_some(all, url, origin), asio::detached);
  }
  co_await until([&] { return all.done == static_cast<int>(relays.size()); });
  EXPECT_EQ(world.gate.counts().sockets, relays.size() * sessions_each);
  auto client = co_await test_client::open(world.internal_url());
  asio::co_spawn(executor, echo(client), asio::detached);
  all.done = 0;
  const auto count = static_cast<int>(all.users.size());
  for (int i = 0; i < count; ++i) {
    asio::co_spawn(executor, say_all(all.users[static_cast<std::size_t>(i)], i), asio::detached);
    asio::co_spawn(executor, hear_all(all, i), asio::detached);
  }
  co_await until([&] { return all.done == count; });
  const auto counts = world.gate.counts();
  EXPECT_EQ(counts.texts_handed_over, static_cast<std::uint64_t>(count) * texts_each);
  EXPECT_EQ(counts.replies_taken, static_cast<std::uint64_t>(count) * texts_each);
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
  relay_list relays;
  for (int i = 1; i <= count; ++i) {
    relays.push_back(std::make_unique<address_relay>(world.context, i, world.gate.public_port()));
  }
  crowd all;
  world.run(gather(world, all, relays), 240s);
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
