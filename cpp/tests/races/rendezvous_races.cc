// Public calls of registry and clients from many threads at once, for the thread sanitizer: one executor with several
// threads, a tunnel with its own.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <thread>

#include "flowersec/base/json_frame.h"
#include "flowersec/controlplane/channel_init.h"
#include "flowersec/endpoint/connect.h"
#include "flowersec/rendezvous/frames.h"
#include "flowersec/rendezvous/registry_server.h"
#include "flowersec/rendezvous/secure_socket_client.h"
#include "flowersec/tunnel/server.h"

namespace flowersec::testing {
namespace {

namespace asio = boost::asio;
using namespace rendezvous;
using namespace std::chrono_literals;

using shared_contacts = std::shared_ptr<identity::contacts>;

class world {
 public:
  world()
      : issuer_(std::make_shared<controlplane::issuer_keyset>(
            controlplane::issuer_keyset::generate("k1", system_random()).value())),
        self_(identity::identity::generate(system_random()).value()) {
    token::keyset keys;
    for (const auto& [kid, key] : issuer_->public_keys()) keys.add(kid, key);
    tunnel::server_options options;
    options.listen = "127.0.0.1:0";
    options.origins.loopback_only = true;
    options.threads = 2;
    options.verifier = tunnel::make_single_tenant_verifier(std::move(keys), "aud", "iss");
    tunnel_ = std::make_unique<tunnel::server>(std::move(options));
    EXPECT_FALSE(tunnel_->start());
    open_registry();
  }
  ~world() {
    registry.reset();
    pool.join();
    tunnel_->stop();
  }
  world(const world&) = delete;
  world& operator=(const world&) = delete;

  void open_registry() {
    const auto secret = self_.export_private().value();
    const auto ring = std::make_shared<const sealed::keyring>(
        sealed::keyring::entry{.key = sealed::key_pair::from_private(secret.view())});
    controlplane::channel_init_options minting;
    minting.tunnel_url = "ws://" + tunnel_->bound_address() + "/ws";
    minting.audience = "aud";
    minting.issuer = "iss";
    minting.token_lifetime = call_token_lifetime;
    minting.idle_timeout = call_idle_timeout;
    registry_options options;
    options.keys = [ring] { return ring; };
    options.mint = make_mint(issuer_, minting);
    options.port = registry_port_options{.listen = {asio::ip::address_v4::loopback(), port_}, .allow_no_origin = true};
    options.limits.registration_burst = options.limits.registrations_per_second = 100'000;
    options.limits.calls_per_minute = 100'000;
    options.on_event = [this](const registry_event&) { ++told; };
    // One that was there before lets go of the port on the pool.
    auto opened = registry_server::open(pool.get_executor(), options);
    for (; !opened; opened = registry_server::open(pool.get_executor(), options)) {
      ASSERT_TRUE(opened.error() == registry_errc::port_taken) << opened.error().message();
      std::this_thread::yield();
    }
    registry = std::make_unique<registry_server>(std::move(*opened));
    if (port_ == 0) port_ = registry->port();  // clients that begin read it
  }

  /// Registered when it comes back.
  secure_socket_client client(shared_contacts contacts, registry_transport transport = registry_transport::sealed) {
    secure_socket_options options;
    options.registries = {{.url = "ws://127.0.0.1:" + std::to_string(port_), .keys = {self_.key()}}};
    options.contacts = std::move(contacts);
    options.transport = transport;
    options.reconnect.initial_delay = options.calls.initial_delay = 10ms;
    options.reconnect.max_delay = options.calls.max_delay = 50ms;
    options.on_message = [this](const received_message&) { ++received; };
    options.on_state = [this](const socket_event&) { ++told; };
    options.on_stream.emplace("echo", [](public_key, flowersec::stream on) { return echo(std::move(on)); });
    options.make_rpc = [](const public_key&) {
      rpc::router router;
      router.on_request(7, [](rpc::request call, rpc::responder answer) { answer.succeed(std::move(call.payload)); });
      return router;
    };
    auto made = secure_socket_client::create(pool.get_executor(), std::move(options)).value();
    made.async_start(asio::use_future).get();
    return made;
  }

  [[nodiscard]] endpoint::sealed_connect_info sealed_info() const {
    return {.ws_url = "ws://127.0.0.1:" + std::to_string(port_) + std::string{registry_sealed_path},
            .server_keys = {*sealed::public_key::parse(self_.key().text())}};
  }

  /// Before the pool: what handlers count in outlives them.
  std::atomic<int> received = 0;
  std::atomic<int> told = 0;
  asio::thread_pool pool{4};
  std::unique_ptr<registry_server> registry;

 private:
  static asio::awaitable<void> echo(flowersec::stream on) {
    std::array<char, 4> block{};
    co_await asio::async_read(on, asio::buffer(block), asio::use_awaitable);
    co_await asio::async_write(on, asio::buffer(block), asio::use_awaitable);
  }

  std::shared_ptr<controlplane::issuer_keyset> issuer_;
  identity::identity self_;
  std::unique_ptr<tunnel::server> tunnel_;
  std::uint16_t port_ = 0;
};

/// So many people who all know each other.
std::vector<shared_contacts> people(std::size_t count) {
  std::vector<shared_contacts> all;
  while (all.size() < count) {
    auto self = std::make_shared<identity::identity>(identity::identity::generate(system_random()).value());
    all.push_back(std::make_shared<identity::contacts>(std::move(self)));
  }
  for (const auto& one : all) {
    for (const auto& other : all) {
      if (one == other) continue;
      EXPECT_TRUE(one->add(other->owner().key(), other->owner().key().text()));
    }
  }
  return all;
}

bool echo_once(endpoint::session session) {
  auto stream = session.async_open_stream("echo", asio::use_future).get();
  const std::string text = "race";
  asio::async_write(stream, asio::buffer(text), asio::use_future).get();
  std::string back(text.size(), ' ');
  asio::async_read(stream, asio::buffer(back), asio::use_future).get();
  return back == text;
}

TEST(rendezvous_races, many_threads_share_clients_and_their_registry) {
  world w;
  const auto known = people(3);
  auto a = w.client(known[0]);
  auto b = w.client(known[1], registry_transport::plain);
  auto c = w.client(known[2]);
  std::atomic<int> right = 0;
  constexpr int rounds = 10;
  std::vector<std::thread> threads;
  for (auto* from : {&a, &b, &c}) {
    threads.emplace_back([&, from] {
      for (int i = 0; i < rounds; ++i) {
        for (const auto* to : {&a, &b, &c}) {
          if (to == from) continue;
          from->async_send(to->key(), std::to_string(i), asio::use_future).get();
          auto session = from->async_open(to->key(), asio::use_future).get();
          right += echo_once(session) ? 1 : 0;
          right += session.async_call(7, "[7]", asio::use_future).get().payload == "[7]" ? 1 : 0;
        }
      }
    });
  }
  threads.emplace_back([&] {
    const auto stranger = identity::identity::generate(system_random()).value();
    for (int i = 0; i < rounds; ++i) {
      EXPECT_FALSE(w.registry->reload_keys());
      EXPECT_LE(w.registry->counts().keys, 3U);
      asio::post(a.get_executor(), [contacts = known[0], key = stranger.key(), i] {
        if (i % 2 == 0) {
          EXPECT_TRUE(contacts->add(key, "stranger"));
        } else {
          EXPECT_TRUE(contacts->remove(key));
        }
      });
      for (auto* each : {&a, &b, &c}) {
        each->refresh_contacts();
        each->retry();
        each->decline_call(static_cast<std::uint64_t>(i));
      }
    }
  });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(w.received, 6 * rounds);
  EXPECT_EQ(right, 12 * rounds);
  for (auto* each : {&a, &b, &c}) each->async_close(asio::use_future).get();
}

/// A sealed connection that a test writes frames to.
class frame_client {
 public:
  explicit frame_client(world& w) {
    endpoint::connect_options options;
    options.policy = endpoint::transport_policy::unsafe_loopback_plaintext();
    options.origin = "http://127.0.0.1:" + std::to_string(w.registry->port());
    session_ =
        endpoint::async_connect(w.pool.get_executor(), w.sealed_info(), std::move(options), asio::use_future).get();
    stream_ = session_.async_open_stream(std::string{registry_stream_kind}, asio::use_future).get();
  }

  void say(const byte_buffer& frames) { asio::async_write(stream_, asio::buffer(frames), asio::use_future).get(); }
  server_frame hear() {
    while (true) {
      if (splitter_.consume(rest_) == json_frame_splitter::status::frame) {
        return decode_server_frame(splitter_.text()).value();
      }
      rest_ = {buffer_.data(), stream_.async_read_some(asio::buffer(buffer_), asio::use_future).get()};
    }
  }

 private:
  endpoint::session session_;
  flowersec::stream stream_;
  json_frame_splitter splitter_{max_registry_frame_bytes};
  std::array<std::byte, 4096> buffer_{};
  byte_view rest_{};
};

TEST(rendezvous_races, answers_come_in_the_order_of_the_questions) {
  world w;
  const auto self = identity::identity::generate(system_random()).value();
  frame_client client{w};
  const auto challenge = std::get<challenge_frame>(client.hear());
  register_frame proof{.key = self.key(), .registry_key = challenge.registry_keys.front()};
  proof.proof = identity::prove_registration(self, proof.registry_key, challenge.challenge, false).value();
  client.say(encode_json_frame(encode(rendezvous::client_frame{proof})));
  EXPECT_TRUE(std::holds_alternative<registered_frame>(client.hear()));
  constexpr std::uint64_t pings = 3'000;
  byte_buffer all;
  for (std::uint64_t t = 0; t < pings; ++t) {
    append(all, encode_json_frame(encode(rendezvous::client_frame{ping_frame{.t = t}})));
  }
  client.say(all);
  for (std::uint64_t t = 0; t < pings; ++t) EXPECT_EQ(std::get<pong_frame>(client.hear()).t, t);
}

TEST(rendezvous_races, closing_crosses_everything_else) {
  world w;
  for (int round = 0; round < 6; ++round) {
    const auto known = people(2);
    std::optional a = w.client(known[0]);
    auto b = w.client(known[1]);
    a->async_send(b.key(), "1", asio::use_future).get();
    // Taken by value: a client is not used while it dies, what it began may be.
    std::vector<std::future<void>> waiting;
    for (int i = 0; i < 20; ++i) {
      waiting.push_back(a->async_send(b.key(), std::to_string(i), asio::use_future));
      waiting.push_back(b.async_send(a->key(), std::to_string(i), asio::use_future));
    }
    std::thread other{[&] {
      if (round % 3 == 0) a->async_close(asio::use_future).get();
      if (round % 3 == 1) a.reset();
      if (round % 3 == 2) w.registry->async_stop(asio::use_future).get();
    }};
    for (int i = 0; i < 20; ++i) waiting.push_back(b.async_send(known[0]->owner().key(), "2", asio::use_future));
    other.join();
    b.async_close(asio::use_future).get();
    a.reset();
    for (auto& each : waiting) EXPECT_EQ(each.wait_for(20s), std::future_status::ready);
    if (round % 3 == 2) {
      w.registry.reset();
      w.open_registry();
    }
  }
}

TEST(rendezvous_races, a_registry_dies_while_clients_register) {
  world w;
  for (int round = 0; round < 6; ++round) {
    const auto known = people(4);
    std::vector<std::thread> threads;
    std::atomic<int> begun = 0;
    for (const auto& each : known) {
      threads.emplace_back([&, contacts = each] {
        ++begun;
        auto made = w.client(contacts);
        made.async_close(asio::use_future).get();
      });
    }
    while (begun < 4) std::this_thread::yield();
    w.registry.reset();
    w.open_registry();
    for (auto& thread : threads) thread.join();
  }
}

}  // namespace
}  // namespace flowersec::testing
