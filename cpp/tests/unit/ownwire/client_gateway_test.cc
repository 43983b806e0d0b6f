// The chat client against the gateway itself, over real sockets and a wire that can be cut.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <thread>

#include "flowersec/ownwire/client.h"
#include "gateway_world.h"

namespace flowersec::ownwire {
namespace {

using namespace asio::experimental::awaitable_operators;

/// What a client tells, and a way to wait for it.
class listener {
 public:
  explicit listener(asio::io_context& context) : wake_(context, asio::steady_timer::time_point::max()) {}

  std::function<void(const client_event&)> hook() {
    return [this](const client_event& event) {
      events_.push_back(event);
      wake_.cancel();
    };
  }
  /// The next event of this type from here on.
  template <class Event>
  awaitable<Event> next() {
    while (true) {
      for (; read_ < events_.size(); ++read_) {
        if (const auto* found = std::get_if<Event>(&events_[read_])) {
          ++read_;
          co_return *found;
        }
      }
      co_await wake_.async_wait(as_result);
    }
  }
  template <class Event>
  [[nodiscard]] std::size_t count() const {
    return static_cast<std::size_t>(std::count_if(
        events_.begin(), events_.end(), [](const auto& event) { return std::holds_alternative<Event>(event); }));
  }

 private:
  asio::steady_timer wake_;
  std::vector<client_event> events_;
  std::size_t read_ = 0;
};

/// Carries bytes to a port, and can be cut.
class wire {
 public:
  wire(asio::io_context& context, std::uint16_t port) : acceptor_(context, any_loopback_port), port_(port) {
    asio::co_spawn(context, accept(), asio::detached);
  }
  [[nodiscard]] std::string url() const {
    return "ws://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/ws";
  }
  void cut() {
    for (const auto& end : std::exchange(ends_, {})) {
      error_code ignored;
      end->close(ignored);
    }
  }

 private:
  using socket = std::shared_ptr<tcp::socket>;

  awaitable<void> accept() {
    while (true) {
      auto [failed, taken] = co_await acceptor_.async_accept(as_result);
      if (failed) co_return;
      const auto near = std::make_shared<tcp::socket>(std::move(taken));
      const auto far = std::make_shared<tcp::socket>(acceptor_.get_executor());
      const tcp::endpoint to{asio::ip::address_v4::loopback(), port_};
      (void)co_await far->async_connect(to, as_result);
      ends_.insert(ends_.end(), {near, far});
      asio::co_spawn(acceptor_.get_executor(), pump(near, far), asio::detached);
      asio::co_spawn(acceptor_.get_executor(), pump(far, near), asio::detached);
    }
  }
  static awaitable<void> pump(socket from, socket to) {
    std::array<std::byte, 16'384> buffer;
    while (true) {
      const auto [ended, bytes] = co_await from->async_read_some(asio::buffer(buffer), as_result);
      if (ended) break;
      const auto [failed, written] = co_await asio::async_write(*to, asio::buffer(buffer, bytes), as_result);
      if (failed) break;
    }
    error_code ignored;
    to->close(ignored);
  }

  tcp::acceptor acceptor_;
  std::uint16_t port_;
  std::vector<socket> ends_;
};

client_options options_for(std::string url, listener& heard) {
  client_options options;
  options.url = std::move(url);
  options.server_keys.push_back(identity().public_half());
  options.on_event = heard.hook();
  options.reconnect.initial_delay = 0ms;
  options.reconnect.drain_spread = 0ms;
  return options;
}

client make(asio::io_context& context, client_options options) {
  return client::create(context.get_executor(), std::move(options)).value();
}

awaitable<void> send(client& user, std::string text) {
  (void)co_await user.async_send(std::move(text), asio::use_awaitable);
}

awaitable<void> talk(gateway_world& world) {
  auto backend = co_await test_client::open(world.internal_url());
  listener heard{world.context};
  auto options = options_for(world.public_url(), heard);
  options.metadata = "username:user1";
  auto user = make(world.context, std::move(options));
  user.async_connect(asio::detached);
  const auto answer = [&]() -> awaitable<void> {
    for (const std::string expected : {"first", "second"}) {
      const auto text = co_await backend.hear();
      EXPECT_EQ(text.at("content").as_string(), expected);
      EXPECT_EQ(text.at("metadata").as_string(), "username:user1");
      co_await backend.reply(std::string{text.at("session_id").as_string()}, "re: " + expected);
    }
  };
  co_await (send(user, "first") && send(user, "second") && answer());
  EXPECT_EQ((co_await heard.next<reply_received>()).content, "re: first");
  EXPECT_EQ((co_await heard.next<reply_received>()).content, "re: second");
  co_await user.async_close(asio::use_awaitable);
  EXPECT_EQ(heard.count<problem_met>(), 0u);
}

TEST(client_and_gateway, talk_and_part) {
  gateway_world world;
  world.run(talk(world));
}

awaitable<void> come_back(gateway_world& world) {
  auto backend = co_await test_client::open(world.internal_url());
  wire cable{world.context, world.gate.public_port()};
  listener heard{world.context};
  auto user = make(world.context, options_for(cable.url(), heard));
  user.async_connect(asio::detached);
  const auto first = co_await heard.next<session_opened>();
  user.async_send("before", [](error_code failed, std::uint64_t) { EXPECT_FALSE(failed); });
  EXPECT_EQ((co_await backend.hear()).at("content").as_string(), "before");
  co_await heard.next<text_delivered>();
  cable.cut();
  co_await backend.reply(first.session_id, "while away");
  const auto take = [&]() -> awaitable<void> {
    EXPECT_EQ((co_await backend.hear()).at("content").as_string(), "after");
  };
  co_await (send(user, "after") && take());
  const auto again = co_await heard.next<session_opened>();
  EXPECT_TRUE(again.resumed);
  EXPECT_EQ(again.session_id, first.session_id);
  while ((co_await heard.next<reply_received>()).content != "while away") {
  }
  EXPECT_EQ(heard.count<reply_received>(), 1u);
  EXPECT_EQ(heard.count<text_failed>(), 0u);
  co_await user.async_close(asio::use_awaitable);
}

TEST(client_and_gateway, a_cut_connection_loses_nothing_and_repeats_nothing) {
  gateway_world world;
  world.run(come_back(world));
}

awaitable<void> outlive(gateway_world& world) {
  const auto port = world.gate.public_port();
  listener heard{world.context};
  auto options = options_for(world.public_url(), heard);
  options.reconnect.initial_delay = 20ms;
  options.reconnect.max_attempts = 1000;
  options.reconnect.factor = 1;
  auto user = make(world.context, std::move(options));
  user.async_connect(asio::detached);
  co_await heard.next<session_opened>();
  error_code delivered = client_errc::closed;
  // Nobody takes it before the gateway ends.
  user.async_send("survives", [&](error_code failed, std::uint64_t) { delivered = failed; });
  co_await heard.next<text_sent>();
  co_await world.gate.async_stop(asio::use_awaitable);
  auto anew = usual_options();
  anew.public_port->listen.port(port);
  world.gate = gateway::open(world.context.get_executor(), std::move(anew)).value();
  auto backend = co_await test_client::open(world.internal_url());
  EXPECT_EQ((co_await backend.hear()).at("content").as_string(), "survives");
  const auto opened = co_await heard.next<session_opened>();
  EXPECT_FALSE(opened.resumed);
  co_await heard.next<text_delivered>();
  EXPECT_FALSE(delivered);
  EXPECT_EQ(heard.count<text_failed>(), 0u);
  co_await user.async_close(asio::use_awaitable);
}

TEST(client_and_gateway, a_restarted_gateway_gets_what_was_not_acknowledged) {
  gateway_world world;
  world.run(outlive(world));
}

awaitable<void> wait_for_a_place(gateway_world& world) {
  ws::connect_options silent{.origin = "http://127.0.0.1:" + std::to_string(world.gate.public_port())};
  auto holder = co_await test_client::open(world.public_url(), std::move(silent));
  listener heard{world.context};
  auto options = options_for(world.public_url(), heard);
  options.reconnect.initial_delay = 20ms;
  options.reconnect.max_attempts = 1000;
  options.reconnect.factor = 1;
  auto user = make(world.context, std::move(options));
  user.async_connect(asio::detached);
  const auto met = co_await heard.next<problem_met>();
  EXPECT_EQ(met.why, endpoint::stage::handshake);
  EXPECT_EQ(met.why, endpoint::endpoint_errc::resource_exhausted);
  co_await holder.socket.async_close(ws::close_code::normal, {}, as_result);
  co_await heard.next<session_opened>();
  EXPECT_EQ(heard.count<text_failed>(), 0u);
  co_await user.async_close(asio::use_awaitable);
}

TEST(client_and_gateway, without_a_place_for_the_handshake_it_comes_back_later) {
  auto options = usual_options();
  options.public_port->max_handshakes = 1;
  gateway_world world{std::move(options)};
  world.run(wait_for_a_place(world));
}

awaitable<void> nobody_there(gateway_world& world) {
  listener heard{world.context};
  auto user = make(world.context, options_for(world.public_url(), heard));
  user.async_connect(asio::detached);
  const auto [failed, id] = co_await user.async_send("hello?", as_result);
  EXPECT_EQ(failed, client_errc::backend_unavailable);
  EXPECT_EQ(id, 1u);
  EXPECT_EQ(user.state(), client_state::open);
}

TEST(client_and_gateway, a_text_that_nobody_takes_has_failed) {
  auto options = usual_options();
  options.limits.waiting_time = 50ms;
  gateway_world world{std::move(options)};
  world.run(nobody_there(world));
}

awaitable<void> in_a_hurry(gateway_world& world) {
  auto backend = co_await test_client::open(world.internal_url());
  listener heard{world.context};
  auto user = make(world.context, options_for(world.public_url(), heard));
  constexpr int texts = 12;  // two more than leave at once
  for (int i = 1; i <= texts; ++i) {
    user.async_send(std::to_string(i), [](error_code failed, std::uint64_t) { EXPECT_FALSE(failed); });
  }
  user.async_connect(asio::detached);
  for (int i = 1; i <= texts; ++i) {
    EXPECT_EQ((co_await backend.hear()).at("content").as_string(), std::to_string(i));
    co_await heard.next<text_delivered>();
  }
  EXPECT_EQ(heard.count<text_failed>(), 0u);
}

TEST(client_and_gateway, a_queue_that_has_grown_arrives_at_the_pace_the_gateway_takes) {
  gateway_world world;
  world.run(in_a_hurry(world));
}

awaitable<void> hear_all(std::string url, int texts) {
  auto backend = co_await test_client::open(std::move(url));
  for (int i = 0; i < texts; ++i) EXPECT_FALSE((co_await backend.hear()).empty());
}

TEST(client_and_gateway, every_member_may_be_called_from_any_thread) {
  asio::thread_pool pool{3};
  auto options = usual_options();
  auto gate = gateway::open(pool.get_executor(), std::move(options)).value();
  const auto port_url = [](std::uint16_t port) { return "ws://127.0.0.1:" + std::to_string(port) + "/ws"; };
  constexpr int callers = 3;
  constexpr int each = 3;
  auto backend = asio::co_spawn(pool, hear_all(port_url(gate.internal_port()), callers * each), asio::use_future);
  std::atomic<int> delivered = 0;
  client_options chat;
  chat.url = port_url(gate.public_port());
  chat.server_keys.push_back(identity().public_half());
  chat.on_event = [&](const client_event& event) { delivered += std::holds_alternative<text_delivered>(event); };
  {
    auto user = client::create(pool.get_executor(), std::move(chat)).value();
    std::vector<std::thread> threads;
    for (int i = 0; i < callers; ++i) {
      threads.emplace_back([&user] {
        user.async_connect(asio::use_future).get();
        for (int text = 0; text < each; ++text) {
          EXPECT_GT(user.async_send("x", asio::use_future).get(), 0u);
          user.typing(text % 2 == 0);
          EXPECT_EQ(user.state(), client_state::open);
        }
      });
    }
    for (auto& thread : threads) thread.join();
    user.async_close(asio::use_future).get();
  }
  backend.get();
  gate.async_stop(asio::use_future).get();
  pool.join();
  EXPECT_EQ(delivered, callers * each);
}

TEST(client_and_gateway, whoever_connects_again_at_the_end_has_the_answer_of_that) {
  gateway_world world;
  listener heard{world.context};
  auto options = options_for(world.public_url(), heard);
  client* handle = nullptr;
  std::optional<std::future<void>> again;
  options.on_event = [&, tell = heard.hook()](const client_event& event) {
    tell(event);
    const auto* changed = std::get_if<state_changed>(&event);
    if (changed == nullptr || changed->state != client_state::closed || again) return;
    again = handle->async_connect(asio::use_future);
  };
  auto user = client::create(world.context.get_executor(), std::move(options)).value();
  handle = &user;
  world.run([&]() -> awaitable<void> {
    EXPECT_FALSE(get<0>(co_await user.async_connect(as_result)));
    EXPECT_FALSE(get<0>(co_await user.async_close(as_result)));
    (void)co_await heard.next<session_opened>();
    (void)co_await heard.next<session_opened>();
  }());
  ASSERT_TRUE(again);
  EXPECT_NO_THROW(again->get());
}

}  // namespace
}  // namespace flowersec::ownwire
