// The client with the registry of this project: who comes, goes, is absent, comes twice, and talks on while registry
// and tunnel restart.
#include <gtest/gtest.h>

#include "flowersec/rendezvous/registry_server.h"
#include "support/own_loopback.h"
#include "support/rendezvous_people.h"

namespace flowersec::testing {
namespace {

using namespace std::chrono_literals;
using namespace rendezvous;
using asio::awaitable;
constexpr auto with_error = asio::as_tuple(asio::use_awaitable);

class rendezvous_talk : public ::testing::Test {
 protected:
  rendezvous_talk()
      : issuer(std::make_shared<controlplane::issuer_keyset>(
            controlplane::issuer_keyset::generate("k1", system_random()).value())),
        self(identity::identity::generate(system_random()).value()) {
    start_tunnel(testing_support::own_loopback() + ":0");
    tunnel_address = tunnel->bound_address();
    start_registry();
    a = person();
    b = person();
    a->knows(*b);
    b->knows(*a);
  }
  ~rendezvous_talk() override {
    a.reset();
    b.reset();
    registry.reset();
    testing::run_out(context);
    tunnel->stop();
  }

  void start_tunnel(const std::string& listen) {
    tunnel.reset();
    token::keyset keys;
    for (const auto& [kid, key] : issuer->public_keys()) keys.add(kid, key);
    tunnel::server_options options;
    options.listen = listen;
    options.origins.loopback_only = true;
    options.threads = 1;
    options.verifier = tunnel::make_single_tenant_verifier(std::move(keys), "aud", "iss");
    tunnel = std::make_unique<tunnel::server>(std::move(options));
    ASSERT_FALSE(tunnel->start());
  }
  void start_registry() {
    const auto secret = self.export_private().value();
    const auto keys = std::make_shared<const sealed::keyring>(
        sealed::keyring::entry{.key = sealed::key_pair::from_private(secret.view())});
    controlplane::channel_init_options minting;
    minting.tunnel_url = "ws://" + tunnel_address + "/ws";
    minting.audience = "aud";
    minting.issuer = "iss";
    minting.token_lifetime = call_token_lifetime;
    minting.idle_timeout = call_idle_timeout;
    registry_options options;
    options.keys = [keys] { return keys; };
    options.mint = make_mint(issuer, minting);
    options.port = registry_port_options{.listen = {asio::ip::make_address(host), port}, .allow_no_origin = true};
    options.limits = limits;
    options.work = true;
    auto opened = registry_server::open(context.get_executor(), std::move(options));
    ASSERT_TRUE(opened) << opened.error().message();
    registry = std::make_unique<registry_server>(std::move(*opened));
    port = registry->port();
  }
  [[nodiscard]] std::string url() const { return "ws://" + host + ':' + std::to_string(port); }

  /// For who waits to hear that somebody is not there. Elsewhere that means that somebody did not come in time.
  awaitable<void> answer_soon() {
    co_await registry->async_stop();
    limits.unavailable_after = 300ms;
    start_registry();
  }

  std::unique_ptr<rendezvous_person> person() {
    auto made = std::make_unique<rendezvous_person>(context);
    made->options.reconnect.drain_spread = made->options.calls.drain_spread = 50ms;
    made->changed = [this] { happened.cancel(); };
    return made;
  }
  awaitable<void> begin() {
    for (auto* each : {a.get(), b.get()}) {
      each->make(url(), self.key());
      co_await each->client->async_start();
    }
  }
  awaitable<void> until(std::function<bool()> done) {
    while (!done()) {
      happened.expires_at(asio::steady_timer::time_point::max());
      (void)co_await happened.async_wait(asio::as_tuple(asio::use_awaitable));
    }
  }
  static awaitable<error_code> send(rendezvous_person& from, const rendezvous_person& to, std::string json) {
    auto [failed] = co_await from.client->async_send(to.key(), std::move(json), with_error);
    co_return failed;
  }
  void send_later(rendezvous_person& from, const rendezvous_person& to, std::string json) {
    from.client->async_send(to.key(), std::move(json), [this](error_code failed) {
      EXPECT_FALSE(failed) << failed.message();
      ++acknowledged;
      happened.cancel();
    });
  }
  static bool sees(const rendezvous_person& who, const rendezvous_person& whom, bool online) {
    std::optional<bool> last;
    for (const auto& each : who.events) {
      const auto* event = std::get_if<presence_changed>(&each);
      if (event != nullptr && event->key == whom.key()) last = event->online;
    }
    return last == online;
  }
  static std::optional<registry_changed> last_of_registry(const rendezvous_person& who) {
    std::optional<registry_changed> last;
    for (const auto& each : who.events) {
      if (const auto* event = std::get_if<registry_changed>(&each)) last = *event;
    }
    return last;
  }
  void run(awaitable<void> body) { testing::run(context, std::move(body), 60s); }

  asio::io_context context;
  asio::steady_timer happened{context};
  std::shared_ptr<controlplane::issuer_keyset> issuer;
  identity::identity self;
  registry_limits limits;
  std::unique_ptr<tunnel::server> tunnel;
  std::string tunnel_address;
  std::unique_ptr<registry_server> registry;
  const std::string host = testing_support::own_loopback();
  std::uint16_t port = 0;
  std::unique_ptr<rendezvous_person> a;
  std::unique_ptr<rendezvous_person> b;
  int acknowledged = 0;
};

TEST_F(rendezvous_talk, goes_both_ways_over_either_transport) {
  const auto body = [this]() -> awaitable<void> {
    b->options.transport = registry_transport::plain;
    co_await begin();
    EXPECT_EQ(co_await send(*a, *b, R"({"text":"hello"})"), error_code{});
    EXPECT_EQ(co_await send(*b, *a, "2"), error_code{});
    EXPECT_EQ(b->received, std::vector<std::string>{R"({"text":"hello"})"});
    EXPECT_EQ(a->received, std::vector<std::string>{"2"});
    EXPECT_EQ(registry->counts().calls, 1u);
    co_await a->client->async_close();
    co_await until([this] { return sees(*b, *a, false); });
  };
  run(body());
}

TEST_F(rendezvous_talk, works_for_the_registry_when_many_register_at_once) {
  const auto body = [this]() -> awaitable<void> {
    std::vector<std::unique_ptr<rendezvous_person>> crowd;
    for (int each = 0; each < 7; ++each) {
      crowd.push_back(person());
      crowd.back()->make(url(), self.key());
      co_await crowd.back()->client->async_start();
    }
    EXPECT_EQ(registry->counts().keys, 7u);
    EXPECT_GE(registry->counts().works_asked, 1u);
  };
  run(body());
}

TEST_F(rendezvous_talk, says_at_once_that_a_contact_went_away_and_later_that_one_was_never_there) {
  const auto body = [this]() -> awaitable<void> {
    const auto stranger = person();
    a->knows(*stranger);
    co_await answer_soon();
    co_await begin();
    co_await until([this] { return sees(*a, *b, true); });
    auto before = std::chrono::steady_clock::now();
    EXPECT_EQ(co_await send(*a, *stranger, "1"), make_error_code(rendezvous_errc::recipient_unavailable));
    EXPECT_GE(std::chrono::steady_clock::now() - before, 300ms);
    b->leave();
    co_await until([this] { return sees(*a, *b, false); });
    const auto calls = registry->counts().calls;
    EXPECT_EQ(co_await send(*a, *b, "1"), make_error_code(rendezvous_errc::offline));
    EXPECT_EQ(registry->counts().calls, calls);
  };
  run(body());
}

TEST_F(rendezvous_talk, says_of_one_who_blocks_us_what_it_says_of_one_who_is_absent) {
  const auto body = [this]() -> awaitable<void> {
    EXPECT_TRUE(b->contacts->set_policy(a->key(), identity::contact_policy::block));
    co_await answer_soon();
    co_await begin();
    EXPECT_EQ(co_await send(*a, *b, "1"), make_error_code(rendezvous_errc::recipient_unavailable));
    EXPECT_EQ(co_await send(*b, *a, "1"), make_error_code(rendezvous_errc::unknown_contact));
    EXPECT_TRUE(b->received.empty());
  };
  run(body());
}

TEST_F(rendezvous_talk, asks_about_an_unknown_caller_and_talks_once_it_is_a_contact) {
  const auto body = [this]() -> awaitable<void> {
    const auto guest = person();
    guest->knows(*b);
    b->options.unknown = unknown_callers::ask;
    b->options.on_incoming = [this, who = b.get()](const incoming_call& call) {
      EXPECT_EQ(call.registry_url, url());
      EXPECT_TRUE(who->contacts->add(call.from, "guest"));
      who->client->accept_call(call.id);
    };
    co_await begin();
    guest->make(url(), self.key());
    co_await guest->client->async_start();
    EXPECT_EQ(co_await send(*guest, *b, "1"), error_code{});
    EXPECT_EQ(b->received, std::vector<std::string>{"1"});
  };
  run(body());
}

TEST_F(rendezvous_talk, refuses_a_second_process_unless_it_takes_over) {
  const auto body = [this]() -> awaitable<void> {
    co_await begin();
    auto again = a->options;
    again.on_state = nullptr;
    auto second = secure_socket_client::create(context.get_executor(), again).value();
    auto [refused] = co_await second.async_start(with_error);
    EXPECT_EQ(refused, make_error_code(rendezvous_errc::already_registered));
    again.replace = true;
    auto third = secure_socket_client::create(context.get_executor(), again).value();
    auto [failed] = co_await third.async_start(with_error);
    EXPECT_EQ(failed, error_code{});
    co_await until([this] {
      const auto last = last_of_registry(*a);
      return last && last->status == registry_status::failed;
    });
    EXPECT_EQ(last_of_registry(*a)->why, make_error_code(rendezvous_errc::replaced));
    EXPECT_EQ(registry->counts().keys, 2u);
  };
  run(body());
}

TEST_F(rendezvous_talk, goes_on_while_the_registry_restarts_and_finds_itself_again_afterwards) {
  const auto body = [this]() -> awaitable<void> {
    co_await begin();
    EXPECT_EQ(co_await send(*a, *b, "0"), error_code{});
    co_await registry->async_stop();
    EXPECT_EQ(co_await send(*a, *b, "1"), error_code{});
    EXPECT_EQ(co_await send(*b, *a, "2"), error_code{});
    EXPECT_EQ(a->channels_opened(), 1u);
    start_registry();
    co_await until([this] { return last_of_registry(*a)->status == registry_status::registered; });
    co_await until([this] { return last_of_registry(*b)->status == registry_status::registered; });
    start_tunnel(tunnel_address);
    EXPECT_EQ(co_await send(*b, *a, "3"), error_code{});
    EXPECT_EQ(a->received, (std::vector<std::string>{"2", "3"}));
  };
  run(body());
}

TEST_F(rendezvous_talk, reaches_who_comes_while_the_call_waits) {
  const auto body = [this]() -> awaitable<void> {
    a->make(url(), self.key());
    co_await a->client->async_start();
    send_later(*a, *b, "1");
    asio::steady_timer look{context};
    while (registry->counts().calls == 0) {
      look.expires_after(5ms);
      co_await look.async_wait(asio::use_awaitable);
    }
    b->make(url(), self.key());
    co_await b->client->async_start();
    co_await until([this] { return acknowledged == 1; });
    EXPECT_EQ(b->received, std::vector<std::string>{"1"});
    EXPECT_EQ(registry->counts().calls, 2u);
  };
  run(body());
}

TEST_F(rendezvous_talk, calls_again_who_was_blocked_while_it_was_called) {
  const auto body = [this]() -> awaitable<void> {
    a->options.watch_contacts = false;
    a->make(url(), self.key());
    co_await a->client->async_start();
    error_code refused;
    a->client->async_send(b->key(), "1", [&](error_code failed) {
      refused = failed;
      happened.cancel();
    });
    co_await until([this] { return a->count<channel_changed>() == 1; });  // calling
    for (const auto policy : {identity::contact_policy::block, identity::contact_policy::allow}) {
      EXPECT_TRUE(a->contacts->set_policy(b->key(), policy));
      a->client->refresh_contacts();
      co_await until([&] { return refused == make_error_code(rendezvous_errc::unknown_contact); });
    }
    b->make(url(), self.key());
    co_await b->client->async_start();
    EXPECT_EQ(co_await send(*a, *b, "2"), error_code{});
    EXPECT_EQ(b->received, std::vector<std::string>{"2"});
  };
  run(body());
}

TEST_F(rendezvous_talk, loses_repeats_and_reorders_nothing_while_everything_restarts) {
  const auto body = [this]() -> awaitable<void> {
    co_await begin();
    std::vector<std::string> expected;
    constexpr int rounds = 6;
    constexpr int each = 30;
    for (int round = 0; round < rounds; ++round) {
      for (int id = 0; id < each; ++id) {
        expected.push_back(std::to_string(round * each + id));
        send_later(*a, *b, expected.back());
        send_later(*b, *a, expected.back());
      }
      if (round % 2 == 1) {
        co_await registry->async_stop();
        start_registry();
      }
      start_tunnel(tunnel_address);
      // Everything of the round before; of this one, what is on its way now is cut off again.
      const int so_far = 2 * round * each;
      co_await until([&] { return acknowledged >= so_far; });
    }
    co_await until([&] { return acknowledged == 2 * rounds * each; });
    EXPECT_EQ(a->received, expected);
    EXPECT_EQ(b->received, expected);
  };
  run(body());
}

}  // namespace
}  // namespace flowersec::testing
