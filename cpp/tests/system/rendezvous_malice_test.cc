// A registry and a tunnel that do not keep to the rules: nobody is made to accept a message that its contact did not
// send, or to accept one twice, or in another order.
#include <gtest/gtest.h>

#include "support/rendezvous_people.h"
#include "support/rendezvous_tunnel.h"

namespace flowersec::testing {
namespace {

using namespace std::chrono_literals;
using namespace rendezvous;
using asio::awaitable;
constexpr auto with_error = asio::as_tuple(asio::use_awaitable);

/// Four people who all know each other.
class malice : public ::testing::Test {
 protected:
  malice() {
    for (int each = 0; each < 4; ++each) people.push_back(world.person());
    for (auto& one : people) {
      one->options.calls.max_attempts = 3;
      for (auto& other : people) {
        if (one != other) one->knows(*other);
      }
    }
  }
  awaitable<void> begin() {
    for (auto& each : people) {
      each->make(*world.registry);
      co_await each->client->async_start();
    }
  }
  static awaitable<error_code> send(rendezvous_person& from, const rendezvous_person& to, std::string json) {
    auto [failed] = co_await from.client->async_send(to.key(), std::move(json), with_error);
    co_return failed;
  }
  void expect_silence() const {
    for (const auto& each : people) {
      EXPECT_TRUE(each->received.empty());
      EXPECT_EQ(each->channels_opened(), 0u);
    }
  }
  /// That of the last call that reached somebody and failed.
  static std::optional<error_code> call_failure(const rendezvous_person& who) {
    std::optional<error_code> last;
    for (const auto& each : who.events) {
      if (const auto* event = std::get_if<call_failed>(&each)) last = event->why;
    }
    return last;
  }
  void run(awaitable<void> body) { testing::run(world.context, std::move(body), 60s); }

  rendezvous_world world;
  std::vector<std::unique_ptr<rendezvous_person>> people;
  rendezvous_person& a() { return *people[0]; }
  rendezvous_person& b() { return *people[1]; }
  rendezvous_person& c() { return *people[2]; }
  rendezvous_person& d() { return *people[3]; }
};

TEST_F(malice, registry_that_swaps_the_caller_brings_no_message_through) {
  const auto body = [this]() -> awaitable<void> {
    world.registry->tamper = [this](const public_key&, server_frame& frame) {
      if (auto* incoming = std::get_if<incoming_frame>(&frame)) incoming->from = c().key();
    };
    co_await begin();
    EXPECT_TRUE(co_await send(a(), b(), "1"));
    EXPECT_EQ(world.registry->calls, 3u);
    co_await world.until([this] { return call_failure(b()).has_value(); });
    EXPECT_TRUE(*call_failure(b()) == endpoint::endpoint_errc::auth_tag_mismatch ||
                *call_failure(b()) == endpoint::endpoint_errc::canceled)
        << call_failure(b())->message();
    expect_silence();
  };
  run(body());
}

TEST_F(malice, registry_that_swaps_grants_between_pairs_brings_no_message_through) {
  const auto body = [this]() -> awaitable<void> {
    // Calls come in twos, and each callee gets the grant of the other call: the tunnel pairs A with D, and C with B.
    int number = 0;
    world.registry->channel_id = [&number] { return "swapped-" + std::to_string(number++); };
    world.registry->tamper = [this](const public_key&, server_frame& frame) {
      auto* incoming = std::get_if<incoming_frame>(&frame);
      if (incoming == nullptr) return;
      const auto own = std::stoi(incoming->grant.channel_id.substr(8));
      const auto other = "swapped-" + std::to_string(own ^ 1);
      incoming->grant = to_ticket(make_grant(world.mint, world.tunnel_address(), other, endpoint::role::server));
    };
    for (auto& each : people) each->options.calls.max_attempts = 1;
    co_await begin();
    error_code first;
    error_code second;
    int done = 0;
    a().client->async_send(b().key(), "1", [&](error_code failed) {
      first = failed;
      ++done;
      world.nudge();
    });
    c().client->async_send(d().key(), "2", [&](error_code failed) {
      second = failed;
      ++done;
      world.nudge();
    });
    co_await world.until([&done] { return done == 2; });
    EXPECT_TRUE(first);
    EXPECT_TRUE(second);
    EXPECT_EQ(world.registry->calls, 2u);
    expect_silence();
  };
  run(body());
}

TEST_F(malice, registry_that_swaps_the_keys_of_a_call_only_breaks_it) {
  const auto body = [this]() -> awaitable<void> {
    const auto own = identity::ephemeral_key::generate(system_random()).value();
    bool of_caller = true;
    world.registry->tamper = [&](const public_key&, server_frame& frame) {
      if (auto* incoming = std::get_if<incoming_frame>(&frame); incoming != nullptr && of_caller) {
        incoming->eph = own.key();
      }
      if (auto* grant = std::get_if<grant_frame>(&frame); grant != nullptr && !of_caller) grant->eph = own.key();
    };
    co_await begin();
    EXPECT_TRUE(co_await send(a(), b(), "1"));
    of_caller = false;
    EXPECT_TRUE(co_await send(a(), b(), "2"));
    expect_silence();
  };
  run(body());
}

TEST_F(malice, registry_that_breaks_every_call_keeps_nobody_from_meeting_at_another_one) {
  const auto body = [this]() -> awaitable<void> {
    rendezvous_registry honest{world.context, world.mint, world.tunnel_address()};
    const auto own = identity::ephemeral_key::generate(system_random()).value();
    world.registry->tamper = [&own](const public_key&, server_frame& frame) {
      if (auto* grant = std::get_if<grant_frame>(&frame)) grant->eph = own.key();
    };
    for (auto* each : {&a(), &b()}) {
      each->options.registries = {{.url = world.registry->url(), .keys = {world.registry->key()}},
                                  {.url = honest.url(), .keys = {honest.key()}}};
      each->make();
      co_await each->client->async_start();
    }
    co_await world.until([&] {
      return std::ranges::all_of(std::array{a().key(), b().key()},
                                 [&](const auto& key) { return honest.has(key) && world.registry->has(key); });
    });
    EXPECT_EQ(co_await send(a(), b(), "1"), error_code{});
    EXPECT_EQ(b().received, std::vector<std::string>{"1"});
    EXPECT_EQ(world.registry->calls, 1u) << "it is called first, and only once";
    EXPECT_EQ(honest.calls, 1u);
    a().leave();
    b().leave();
    honest.stop();
  };
  run(body());
}

/// Plays the callee with everything that a registry has: its own keys, both grants, the caller's X, a Y of its own.
class registry_as_peer : public malice {
 protected:
  /// `key_of` makes the PSK that the registry tries.
  awaitable<void> pose(std::function<crypto::psk(const channel_ticket&, const incoming_frame&)> key_of) {
    endpoint::session up;
    int tried = 0;
    int answered = 0;
    const auto own = identity::ephemeral_key::generate(system_random()).value();
    world.registry->on_ring = [&](const public_key& caller, std::uint64_t rid, const incoming_frame& incoming,
                                  const channel_ticket& client) {
      ++tried;
      const auto psk = key_of(incoming.grant, incoming);
      endpoint::channel_init_grant grant = wire_grant(incoming.grant, psk);
      auto options = dial_plaintext();
      options.origin = "http://127.0.0.1";
      endpoint::async_attach_server(world.context.get_executor(), std::move(grant), std::move(options),
                                    [&](error_code failed, endpoint::session session) {
                                      EXPECT_TRUE(failed == endpoint::endpoint_errc::auth_tag_mismatch)
                                          << failed.message();
                                      ++answered;
                                      if (!failed) up = std::move(session);
                                      world.nudge();
                                    });
      world.registry->say(caller, grant_frame{.rid = rid, .call_id = "x", .eph = own.key(), .grant = client.clone()});
    };
    eph = &own;
    co_await begin();
    EXPECT_TRUE(co_await send(a(), b(), "1"));
    EXPECT_EQ(tried, 3);
    co_await world.until([&answered] { return answered == 3; });
    EXPECT_FALSE(up);
    expect_silence();
  }
  static endpoint::channel_init_grant wire_grant(const channel_ticket& ticket, const crypto::psk& psk) {
    endpoint::channel_init_grant grant;
    grant.tunnel_url = ticket.tunnel_url;
    grant.channel_id = ticket.channel_id;
    grant.channel_init_expire_at_unix_s = flowersec::count(ticket.init_expires);
    grant.idle_timeout_seconds = static_cast<std::int32_t>(ticket.idle_timeout.count());
    grant.role = ticket.role;
    grant.token = messages::sensitive_text{ticket.token.view()};
    grant.e2ee_psk_b64u = messages::sensitive_text{encode_base64url(psk.view())};
    grant.allowed_suites = ticket.allowed_suites;
    grant.default_suite = ticket.default_suite;
    return grant;
  }
  const identity::ephemeral_key* eph = nullptr;
};

TEST_F(registry_as_peer, with_the_key_that_stands_in_the_grant_is_refused) {
  const auto body = [this]() -> awaitable<void> {
    co_await pose([](const channel_ticket&, const incoming_frame&) {
      return crypto::psk::from_base64url(std::string(43, 'A')).value();
    });
  };
  run(body());
}

TEST_F(registry_as_peer, with_the_best_key_that_it_can_derive_is_refused) {
  const auto body = [this]() -> awaitable<void> {
    const auto registry = identity::identity::generate(system_random()).value();
    co_await pose([&](const channel_ticket& ticket, const incoming_frame& incoming) {
      auto dh = registry.agree(incoming.from).value();
      const identity::contact caller{.key = incoming.from, .name = "a", .dh = std::move(dh)};
      auto derived = identity::call_derivation{.own = registry,
                                               .peer = caller,
                                               .own_ephemeral = *eph,
                                               .peer_ephemeral = incoming.eph,
                                               .channel_id = ticket.channel_id}
                         .derive(identity::call_role::callee)
                         .value();
      return derived.value().clone();
    });
  };
  run(body());
}

TEST_F(malice, registry_that_delivers_a_key_of_its_own_is_not_listened_to) {
  const auto body = [this]() -> awaitable<void> {
    int changed = 0;
    world.registry->tamper_text = [&changed](std::string& text) {
      const std::string zeros(43, 'A');
      const auto at = text.find(zeros);
      if (at == std::string::npos) return;
      text.replace(at, zeros.size(), std::string(42, 'B') + "A");
      ++changed;
    };
    co_await begin();
    EXPECT_EQ(co_await send(a(), b(), "1"), error_code{});
    EXPECT_EQ(changed, 2);
    EXPECT_EQ(b().received, std::vector<std::string>{"1"});
  };
  run(body());
}

TEST_F(malice, registry_that_repeats_channel_ids_brings_the_right_people_together_and_nobody_else) {
  const auto body = [this]() -> awaitable<void> {
    world.registry->channel_id = [] { return std::string{"always-the-same"}; };
    co_await begin();
    EXPECT_EQ(co_await send(a(), b(), "1"), error_code{});
    world.restart_tunnel();
    EXPECT_EQ(co_await send(a(), b(), "2"), error_code{});
    EXPECT_EQ(b().received, (std::vector<std::string>{"1", "2"}));
    // Another pair takes the channel over at the tunnel. Whatever becomes of it, messages are whose they are.
    (void)co_await send(c(), d(), "3");
    (void)co_await send(a(), b(), "4");
    for (const auto& from : b().from) EXPECT_EQ(from, a().key());
    for (const auto& from : d().from) EXPECT_EQ(from, c().key());
    for (const auto& text : d().received) EXPECT_EQ(text, "3");
    EXPECT_EQ(std::ranges::count(b().received, "4"), b().received.size() == 3 ? 1 : 0);
    EXPECT_TRUE(a().received.empty());
    EXPECT_TRUE(c().received.empty());
  };
  run(body());
}

TEST_F(malice, registry_that_sends_calls_of_contacts_who_did_not_call_brings_nothing_through) {
  const auto body = [this]() -> awaitable<void> {
    co_await begin();
    const auto x = identity::ephemeral_key::generate(system_random()).value();
    for (int each = 0; each < 200; ++each) {
      incoming_frame frame{.call_id = "c" + std::to_string(each),
                           .from = a().key(),
                           .eph = x.key(),
                           .grant = to_ticket(make_grant(world.mint, world.tunnel_address(), "c" + std::to_string(each),
                                                         endpoint::role::server))};
      world.registry->say(b().key(), std::move(frame));
    }
    // In the midst of it the real one gets through.
    EXPECT_EQ(co_await send(a(), b(), "1"), error_code{});
    EXPECT_EQ(b().received, std::vector<std::string>{"1"});
    EXPECT_EQ(b().channels_opened(), 1u);
  };
  run(body());
}

/// The same people behind a tunnel that does what a test says.
class malicious_tunnel : public malice {
 protected:
  malicious_tunnel() {
    world.registry->use_tunnel(tunnel.address());
    for (auto& each : people) each->options.calls.max_attempts = 50;
  }
  /// Ten messages each way, of which not one may be lost, changed, repeated or moved.
  awaitable<void> expect_all_arrive() {
    co_await begin();
    int done = 0;
    std::vector<std::string> expected;
    for (int id = 0; id < 10; ++id) {
      expected.push_back("\"" + std::string(2000, 'm') + std::to_string(id) + "\"");
      for (auto [from, to] : {std::pair{&a(), &b()}, std::pair{&b(), &a()}}) {
        from->client->async_send(to->key(), expected.back(), [&](error_code failed) {
          EXPECT_FALSE(failed) << failed.message();
          ++done;
          world.nudge();
        });
      }
    }
    co_await world.until([&done] { return done == 20; });
    EXPECT_EQ(a().received, expected);
    EXPECT_EQ(b().received, expected);
    EXPECT_TRUE(c().received.empty());
    EXPECT_TRUE(d().received.empty());
  }
  /// Does `what` to one message, the n-th that passes; to none after `most` of them.
  void once_in(std::size_t n, int most, std::function<void(rendezvous_tunnel::passing&)> what) {
    tunnel.tamper = [this, n, most, what](rendezvous_tunnel::passing& message) {
      if (++passed_ % n != 0 || touched >= most) return;
      ++touched;
      what(message);
    };
  }
  rendezvous_tunnel tunnel{world.context};
  int touched = 0;

 private:
  std::size_t passed_ = 0;
};

TEST_F(malicious_tunnel, that_keeps_to_the_rules_for_once_is_passed_as_any_other) {
  run(expect_all_arrive());
  EXPECT_EQ(tunnel.pairs, 1u);
}

TEST_F(malicious_tunnel, that_changes_bits_is_found_out) {
  once_in(3, 20, [](rendezvous_tunnel::passing& message) {
    auto& bytes = message.forward.front();
    bytes[bytes.size() / 2] ^= std::byte{1};
  });
  run(expect_all_arrive());
  EXPECT_EQ(touched, 20);
}

TEST_F(malicious_tunnel, that_repeats_messages_is_found_out) {
  once_in(3, 20, [](rendezvous_tunnel::passing& message) { message.forward.push_back(message.forward.front()); });
  run(expect_all_arrive());
  EXPECT_EQ(touched, 20);
}

TEST_F(malicious_tunnel, that_drops_messages_is_found_out) {
  // A message of the handshake that is not there is waited for; the first records come behind it.
  once_in(7, 5, [](rendezvous_tunnel::passing& message) {
    if (message.index >= 2) message.forward.clear();
  });
  tunnel.pair_under = {};
  const auto body = [this]() -> awaitable<void> { co_await expect_all_arrive(); };
  run(body());
  EXPECT_GE(touched, 1);
}

TEST_F(malicious_tunnel, that_sends_messages_back_is_found_out) {
  once_in(4, 10, [](rendezvous_tunnel::passing& message) { message.back.push_back(message.forward.front()); });
  run(expect_all_arrive());
  EXPECT_EQ(touched, 10);
}

TEST_F(malicious_tunnel, that_makes_up_messages_is_found_out) {
  once_in(3, 10, [](rendezvous_tunnel::passing& message) {
    message.forward.insert(message.forward.begin(), to_buffer(as_bytes(std::string_view{"FSEC\1 made up, of no key"})));
  });
  run(expect_all_arrive());
  EXPECT_EQ(touched, 10);
}

TEST_F(malicious_tunnel, that_brings_the_wrong_people_together_brings_nothing_through) {
  // Every client with a server of any channel.
  tunnel.pair_under = [](const std::string&, bool) { return std::string{"all"}; };
  for (auto& each : people) each->options.calls.max_attempts = 2;
  const auto body = [this]() -> awaitable<void> {
    co_await begin();
    int done = 0;
    for (auto [from, to] : {std::pair{&a(), &b()}, std::pair{&c(), &d()}}) {
      from->client->async_send(to->key(), from == &a() ? "1" : "3", [&](error_code /*either*/) {
        ++done;
        world.nudge();
      });
    }
    co_await world.until([&done] { return done == 2; });
    for (const auto& from : b().from) EXPECT_EQ(from, a().key());
    for (const auto& from : d().from) EXPECT_EQ(from, c().key());
    EXPECT_EQ(std::ranges::count(b().received, "3"), 0);
    EXPECT_EQ(std::ranges::count(d().received, "1"), 0);
  };
  run(body());
}

}  // namespace
}  // namespace flowersec::testing
