// The client between a registry, a tunnel and its contacts: messages arrive once, in order, and are acknowledged when
// they were handed over, whatever restarts meanwhile.
#include <gtest/gtest.h>

#include "support/rendezvous_people.h"
#include "support/rendezvous_tunnel.h"

namespace flowersec::testing {
namespace {

using namespace std::chrono_literals;
using namespace rendezvous;
using asio::awaitable;
constexpr auto with_error = asio::as_tuple(asio::use_awaitable);

class rendezvous_client : public ::testing::Test {
 protected:
  rendezvous_client() : a(world.person()), b(world.person()) {
    a->knows(*b);
    b->knows(*a);
  }
  awaitable<void> begin() {
    for (auto* each : {a.get(), b.get()}) {
      each->make(*world.registry);
      co_await each->client->async_start();
    }
  }
  static awaitable<error_code> send(rendezvous_person& from, const rendezvous_person& to, std::string json) {
    auto [failed] = co_await from.client->async_send(to.key(), std::move(json), with_error);
    co_return failed;
  }
  /// Sends so many without waiting, and counts those that were acknowledged.
  void send_many(rendezvous_person& from, const rendezvous_person& to, int first, int last) {
    for (int id = first; id <= last; ++id) {
      from.client->async_send(to.key(), std::to_string(id), [this](error_code failed) {
        failed ? ++failed_ : ++acknowledged;
        world.nudge();
      });
    }
  }
  /// What a thinks of b from here on.
  void choose(identity::contact_policy policy) {
    EXPECT_TRUE(a->contacts->set_policy(b->key(), policy));
    a->client->refresh_contacts();
  }
  static std::vector<std::string> numbers(int first, int last) {
    std::vector<std::string> all;
    for (int id = first; id <= last; ++id) all.push_back(std::to_string(id));
    return all;
  }
  void run(awaitable<void> body) { testing::run(world.context, std::move(body)); }

  rendezvous_world world;
  std::unique_ptr<rendezvous_person> a;
  std::unique_ptr<rendezvous_person> b;
  int acknowledged = 0;
  int failed_ = 0;
};

TEST_F(rendezvous_client, exchanges_messages_both_ways_on_one_channel) {
  const auto body = [this]() -> awaitable<void> {
    co_await begin();
    EXPECT_EQ(co_await send(*a, *b, R"({"text":"hello"})"), error_code{});
    EXPECT_EQ(b->received, std::vector<std::string>{R"({"text":"hello"})"});
    EXPECT_EQ(b->from.front(), a->key());
    EXPECT_EQ(co_await send(*b, *a, "1.0"), error_code{});
    EXPECT_EQ(a->received, std::vector<std::string>{"1.0"});
    EXPECT_EQ(world.registry->calls, 1u);
    co_await a->client->async_close();
    co_await b->client->async_close();
  };
  run(body());
}

TEST_F(rendezvous_client, registers_over_plain_frames_as_well) {
  const auto body = [this]() -> awaitable<void> {
    a->options.transport = registry_transport::plain;
    co_await begin();
    EXPECT_EQ(co_await send(*a, *b, "1"), error_code{});
    EXPECT_EQ(b->received.size(), 1u);
  };
  run(body());
}

TEST_F(rendezvous_client, works_for_a_registry_that_asks_for_it) {
  const auto body = [this]() -> awaitable<void> {
    world.registry->work = 12;
    co_await begin();
    EXPECT_EQ(world.registry->registrations, 2u);
  };
  run(body());
}

TEST_F(rendezvous_client, says_nothing_to_a_registry_with_another_key) {
  const auto body = [this]() -> awaitable<void> {
    const auto other = identity::identity::generate(system_random()).value();
    a->options.transport = registry_transport::plain;
    a->options.registries = {{.url = world.registry->url(), .keys = {other.key()}}};
    auto client = secure_socket_client::create(world.context.get_executor(), a->options).value();
    auto [failed] = co_await client.async_start(with_error);
    EXPECT_EQ(failed, make_error_code(rendezvous_errc::unpinned_registry));
    EXPECT_EQ(world.registry->registrations, 0u);
  };
  run(body());
}

TEST_F(rendezvous_client, gives_up_a_sealed_registry_that_does_not_have_the_pinned_key) {
  const auto body = [this]() -> awaitable<void> {
    const auto other = identity::identity::generate(system_random()).value();
    a->options.registries = {{.url = world.registry->url(), .keys = {other.key()}}};
    a->options.reconnect.max_attempts = 2;
    auto client = secure_socket_client::create(world.context.get_executor(), a->options).value();
    auto [failed] = co_await client.async_start(with_error);
    EXPECT_TRUE(failed == endpoint::endpoint_errc::unknown_key) << failed.message();
  };
  run(body());
}

TEST_F(rendezvous_client, tells_that_a_contact_is_not_there) {
  const auto body = [this]() -> awaitable<void> {
    a->make(*world.registry);
    co_await a->client->async_start();
    EXPECT_EQ(co_await send(*a, *b, "1"), make_error_code(rendezvous_errc::recipient_unavailable));
    const auto stranger = identity::identity::generate(system_random()).value();
    auto [failed] = co_await a->client->async_send(stranger.key(), "1", with_error);
    EXPECT_EQ(failed, make_error_code(rendezvous_errc::unknown_contact));
  };
  run(body());
}

TEST_F(rendezvous_client, goes_on_across_a_tunnel_that_restarts_delivered_once_and_in_order) {
  const auto body = [this]() -> awaitable<void> {
    co_await begin();
    EXPECT_EQ(co_await send(*a, *b, "0"), error_code{});
    for (int round = 0; round < 3; ++round) {
      const int first = 1 + round * 20;
      send_many(*a, *b, first, first + 9);
      world.restart_tunnel();
      send_many(*a, *b, first + 10, first + 19);
      const auto expected = static_cast<std::size_t>(first) + 20;
      co_await world.until([&] { return b->received.size() >= expected && acknowledged == first + 19; });
    }
    EXPECT_EQ(b->received, numbers(0, 60));
    EXPECT_EQ(acknowledged, 60);
    EXPECT_EQ(failed_, 0);
  };
  run(body());
}

TEST_F(rendezvous_client, sends_what_the_callee_has_too_when_the_tunnel_comes_back) {
  const auto body = [this]() -> awaitable<void> {
    co_await begin();
    EXPECT_EQ(co_await send(*a, *b, "0"), error_code{});
    world.restart_tunnel();
    send_many(*b, *a, 1, 50);
    co_await world.until([&] { return acknowledged == 50; });
    EXPECT_EQ(a->received, numbers(1, 50));
  };
  run(body());
}

TEST_F(rendezvous_client, goes_on_without_the_registry_and_registers_again_when_it_is_back) {
  const auto body = [this]() -> awaitable<void> {
    co_await begin();
    EXPECT_EQ(co_await send(*a, *b, "0"), error_code{});
    world.registry->stop();
    send_many(*a, *b, 1, 20);
    send_many(*b, *a, 1, 20);
    co_await world.until([&] { return acknowledged == 40; });
    EXPECT_EQ(b->received, numbers(0, 20));
    EXPECT_EQ(a->received, numbers(1, 20));
    EXPECT_EQ(a->channels_opened(), 1u);
    world.registry->start();
    co_await world.until([&] { return world.registry->has(a->key()) && world.registry->has(b->key()); });
    EXPECT_EQ(world.registry->registrations, 4u);
    world.restart_tunnel();
    send_many(*a, *b, 21, 30);
    co_await world.until([&] { return acknowledged == 50; });
    EXPECT_EQ(b->received, numbers(0, 30));
  };
  run(body());
}

TEST_F(rendezvous_client, does_not_acknowledge_what_the_application_did_not_take) {
  const auto body = [this]() -> awaitable<void> {
    co_await begin();
    b->refuse_next = 2;
    EXPECT_EQ(co_await send(*a, *b, "1"), error_code{});
    EXPECT_EQ(b->refuse_next, 0);
    EXPECT_EQ(b->received, numbers(1, 1));
    EXPECT_GE(b->channels_opened(), 3u);
  };
  run(body());
}

TEST_F(rendezvous_client, calls_again_who_was_blocked_while_the_channel_was_made) {
  rendezvous_tunnel tunnel{world.context};
  const auto body = [&]() -> awaitable<void> {
    world.registry->use_tunnel(tunnel.address());
    co_await begin();
    bool passes = false;
    tunnel.tamper = [&](rendezvous_tunnel::passing& message) {
      message.forward.clear();
      passes = true;
      world.nudge();
    };
    send_many(*a, *b, 1, 1);
    co_await world.until([&] { return passes; });
    choose(identity::contact_policy::block);
    co_await world.until([this] { return failed_ == 1; });
    tunnel.tamper = nullptr;
    choose(identity::contact_policy::allow);
    EXPECT_EQ(co_await send(*a, *b, "2"), error_code{});
    EXPECT_EQ(b->received, numbers(2, 2));
  };
  run(body());
}

TEST_F(rendezvous_client, calls_again_whom_a_channel_reached_that_was_blocked_meanwhile) {
  rendezvous_tunnel tunnel{world.context};
  const auto body = [&]() -> awaitable<void> {
    world.registry->use_tunnel(tunnel.address());
    co_await begin();
    tunnel.tamper = [this](rendezvous_tunnel::passing&) {
      EXPECT_TRUE(a->contacts->set_policy(b->key(), identity::contact_policy::block));
    };
    send_many(*a, *b, 1, 1);
    co_await world.until([this] { return b->channels_opened() > 0; });
    tunnel.tamper = nullptr;
    choose(identity::contact_policy::block);
    co_await world.until([this] { return failed_ == 1; });
    choose(identity::contact_policy::allow);
    EXPECT_EQ(co_await send(*a, *b, "2"), error_code{});
    EXPECT_EQ(b->received, numbers(2, 2));
  };
  run(body());
}

TEST_F(rendezvous_client, makes_one_channel_when_both_call_at_once) {
  const auto body = [this]() -> awaitable<void> {
    co_await begin();
    send_many(*a, *b, 1, 3);
    send_many(*b, *a, 1, 3);
    co_await world.until([&] { return acknowledged == 6; });
    EXPECT_EQ(a->received, numbers(1, 3));
    EXPECT_EQ(b->received, numbers(1, 3));
    EXPECT_EQ(a->channels_opened(), 1u);
    EXPECT_EQ(b->channels_opened(), 1u);
  };
  run(body());
}

TEST_F(rendezvous_client, does_not_come_back_when_another_process_takes_the_key_over) {
  const auto body = [this]() -> awaitable<void> {
    co_await begin();
    world.registry->say(a->key(), error_frame{.code = rendezvous_errc::replaced, .fatal = true});
    co_await world.until([&] {
      const auto* last = std::get_if<registry_changed>(&a->events.back());
      return last != nullptr && last->status == registry_status::failed;
    });
    EXPECT_EQ(co_await send(*a, *b, "1"), make_error_code(rendezvous_errc::no_registry));
    a->client->retry();
    co_await a->client->async_start();
    EXPECT_EQ(world.registry->registrations, 3u);
  };
  run(body());
}

TEST_F(rendezvous_client, gives_the_application_streams_and_calls_of_its_own) {
  const auto body = [this]() -> awaitable<void> {
    std::string heard;
    b->options.on_stream.emplace("file", [&](public_key from, flowersec::stream stream) -> awaitable<void> {
      EXPECT_EQ(from, a->key());
      std::array<char, 5> text{};
      co_await asio::async_read(stream, asio::buffer(text), asio::use_awaitable);
      heard.assign(text.data(), text.size());
      world.nudge();
    });
    co_await begin();
    auto session = co_await a->client->async_open(b->key());
    auto stream = co_await session.async_open_stream("file");
    const std::string text = "bytes";
    co_await asio::async_write(stream, asio::buffer(text), asio::use_awaitable);
    co_await world.until([&] { return heard == "bytes"; });
    EXPECT_EQ(co_await send(*b, *a, "1"), error_code{});
    EXPECT_EQ(world.registry->calls, 1u);
  };
  run(body());
}

TEST_F(rendezvous_client, finds_a_contact_at_another_registry) {
  const auto body = [this]() -> awaitable<void> {
    rendezvous_registry second{world.context, world.mint, world.tunnel_address()};
    a->options.registries = {{.url = world.registry->url(), .keys = {world.registry->key()}},
                             {.url = second.url(), .keys = {second.key()}}};
    a->make();
    b->make(second);
    co_await a->client->async_start();
    co_await b->client->async_start();
    co_await world.until([&] { return second.has(a->key()) && world.registry->has(a->key()); });
    EXPECT_EQ(co_await send(*a, *b, "1"), error_code{});
    EXPECT_EQ(world.registry->calls, 1u);
    EXPECT_EQ(second.calls, 1u);
    world.restart_tunnel();
    EXPECT_EQ(co_await send(*a, *b, "2"), error_code{});
    EXPECT_EQ(world.registry->calls, 1u) << "it is called first where it was seen last";
    a->leave();
    b->leave();
    second.stop();
  };
  run(body());
}

TEST_F(rendezvous_client, closes_a_channel_that_is_not_used_and_opens_another_when_it_is_needed) {
  const auto body = [this]() -> awaitable<void> {
    a->options.channel_idle = 2s;  // so soon it must hear what the second channel is for
    co_await begin();
    EXPECT_EQ(co_await send(*a, *b, "1"), error_code{});
    const auto closed = [](const rendezvous_person& who) {
      const auto* last = std::get_if<channel_changed>(&who.events.back());
      return last != nullptr && last->status == channel_status::closed;
    };
    co_await world.until([&] { return closed(*a) && closed(*b); });
    EXPECT_EQ(world.registry->calls, 1u);
    EXPECT_EQ(co_await send(*b, *a, "2"), error_code{});
    EXPECT_EQ(world.registry->calls, 2u);
  };
  run(body());
}

TEST_F(rendezvous_client, registers_again_when_only_its_own_connection_was_cut) {
  const auto body = [this]() -> awaitable<void> {
    co_await begin();
    for (int round = 0; round < 3; ++round) {
      world.registry->cut(a->key());
      const auto registered = world.registry->registrations + 1;
      EXPECT_EQ(co_await send(*a, *b, std::to_string(round)), error_code{});
      co_await world.until([&] { return world.registry->registrations >= registered; });
    }
    EXPECT_EQ(b->received, numbers(0, 2));
  };
  run(body());
}

TEST_F(rendezvous_client, lets_a_guest_in_with_an_invitation) {
  const auto body = [this]() -> awaitable<void> {
    auto guest = world.person();
    guest->knows(*a);
    a->make(*world.registry);
    guest->make(*world.registry);
    co_await a->client->async_start();
    co_await guest->client->async_start();
    EXPECT_EQ(world.registry->registrations, 2u);
    auto given = identity::invitation::make(world.registry->url(), world.registry->key(), a->key(), system_random());
    auto copy = identity::invitation::parse(given->fragment());
    a->client->expect_guest(std::move(*given), "Gast");
    guest->client->use_invitation(std::move(*copy));
    EXPECT_EQ(co_await send(*guest, *a, "1"), error_code{});
    EXPECT_EQ(a->count<guest_arrived>(), 1u);
    EXPECT_EQ(a->contacts->find("Gast")->key, guest->key());
    EXPECT_EQ(co_await send(*a, *guest, "2"), error_code{});
  };
  run(body());
}

TEST_F(rendezvous_client, tells_of_an_invitation_that_a_contact_used) {
  const auto body = [this]() -> awaitable<void> {
    auto guest = world.person();
    guest->knows(*a);
    a->knows(*guest);
    a->make(*world.registry);
    guest->make(*world.registry);
    co_await a->client->async_start();
    co_await guest->client->async_start();
    auto given = identity::invitation::make(world.registry->url(), world.registry->key(), a->key(), system_random());
    auto copy = identity::invitation::parse(given->fragment());
    const auto note = given->note();
    a->client->expect_guest(std::move(*given), "Gast");
    guest->client->use_invitation(std::move(*copy));
    EXPECT_EQ(co_await send(*guest, *a, "1"), error_code{});
    EXPECT_EQ(a->count<guest_arrived>(), 0u);
    EXPECT_EQ(a->count<invitation_used>(), 1u);
    for (const auto& each : a->events) {
      const auto* used = std::get_if<invitation_used>(&each);
      if (used == nullptr) continue;
      EXPECT_EQ(used->key, guest->key());
      EXPECT_EQ(used->note, note);
    }
  };
  run(body());
}

TEST_F(rendezvous_client, lets_one_guest_in_when_two_come_with_the_same_link) {
  const auto body = [this]() -> awaitable<void> {
    a->make(*world.registry);
    co_await a->client->async_start();
    auto given = identity::invitation::make(world.registry->url(), world.registry->key(), a->key(), system_random());
    std::vector<std::unique_ptr<rendezvous_person>> guests;
    for (int each = 0; each < 2; ++each) {
      guests.push_back(world.person());
      auto& guest = *guests.back();
      guest.knows(*a);
      guest.make(*world.registry);
      co_await guest.client->async_start();
      auto copy = identity::invitation::parse(given->fragment());
      guest.client->use_invitation(std::move(*copy));
    }
    a->client->expect_guest(std::move(*given), "Gast");
    for (auto& guest : guests) send_many(*guest, *a, 1, 1);
    co_await world.until([this] { return acknowledged > 0 && world.registry->calls > 1; });
    guests.front()->leave();
    guests.back()->leave();
    EXPECT_EQ(a->count<guest_arrived>(), 1u);
    EXPECT_EQ(a->contacts->size(), 2u) << "b, and one guest";
    EXPECT_EQ(a->received, std::vector<std::string>{"1"});
  };
  run(body());
}

TEST_F(rendezvous_client, expects_sixty_four_guests_and_not_one_more) {
  const auto body = [this]() -> awaitable<void> {
    a->make(*world.registry);
    const auto expect = [this] {
      auto given = identity::invitation::make(world.registry->url(), world.registry->key(), a->key(), system_random());
      return a->client->async_expect_guest(std::move(*given), "guest", std::nullopt, with_error);
    };
    for (std::size_t count = 0; count < identity::max_open_invitations; ++count) {
      const auto [failed] = co_await expect();
      EXPECT_EQ(failed, error_code{});
    }
    const auto [refused] = co_await expect();
    EXPECT_EQ(refused, make_error_code(identity::identity_errc::too_many));
  };
  run(body());
}

TEST_F(rendezvous_client, fails_what_waits_when_it_is_closed_and_takes_no_more) {
  const auto body = [this]() -> awaitable<void> {
    co_await begin();
    EXPECT_EQ(co_await send(*a, *b, "1"), error_code{});
    b->refuse_next = 1'000'000;
    error_code outcome;
    a->client->async_send(b->key(), "2", [&](error_code failed) { outcome = failed; });
    co_await a->client->async_close();
    EXPECT_EQ(outcome, make_error_code(rendezvous_errc::closed));
    EXPECT_EQ(co_await send(*a, *b, "3"), make_error_code(rendezvous_errc::closed));
    co_await a->client->async_close();
  };
  run(body());
}

}  // namespace
}  // namespace flowersec::testing
