// What is left in a program's memory of the keys of a call and of its people: nothing, once they are closed and gone.
#include <gtest/gtest.h>

#include "identity/psk_parts.h"
#include "support/rendezvous_people.h"
#include "support/watched_secrets.h"

namespace flowersec::testing {
namespace {

using namespace rendezvous;
using asio::awaitable;

class rendezvous_wiping : public ::testing::Test {
 protected:
  rendezvous_wiping() {
    a->knows(*b);
    b->knows(*a);
    world.registry->tamper = [this](const public_key&, server_frame& frame) {
      if (const auto* incoming = std::get_if<incoming_frame>(&frame)) eph_of_caller = incoming->eph;
      // The callee has derived the key, and the caller has not.
      if (const auto* grant = std::get_if<grant_frame>(&frame)) learn(grant->grant.channel_id, grant->eph);
    };
  }

  /// From the private keys of both, and from what the registry has seen.
  void learn(const std::string& channel_id, const public_key& eph_of_callee) {
    const auto& caller = a->contacts->owner();
    const auto& callee = b->contacts->owner();
    secrets.add_both("psk", [&] {
      const auto dh = caller.agree(callee.key()).value();
      const auto dh_x = callee.agree(*eph_of_caller).value();
      const auto dh_y = caller.agree(eph_of_callee).value();
      const auto info = identity::psk_info("flowersec-rv-psk-v2", channel_id,
                                           {&caller.key(), &callee.key(), &*eph_of_caller, &eph_of_callee});
      return to_buffer(identity::derive_psk("flowersec-rv-psk-v2", {dh.view(), dh_x.view(), dh_y.view()}, info).view());
    });
    secrets.add_both("dh", [&] { return to_buffer(caller.agree(callee.key()).value().view()); });
    secrets.add_both("caller", [&] { return to_buffer(caller.export_private().value().view()); });
    secrets.add_both("callee", [&] { return to_buffer(callee.export_private().value().view()); });
    secrets.look();
    for (const auto* name : {"psk", "dh", "caller", "callee"}) EXPECT_TRUE(secrets.holds(name)) << name;
  }

  rendezvous_world world;
  std::unique_ptr<rendezvous_person> a = world.person();
  std::unique_ptr<rendezvous_person> b = world.person();
  std::optional<public_key> eph_of_caller;
  watched_secrets secrets;
};

TEST_F(rendezvous_wiping, leaves_neither_the_key_of_a_call_nor_those_of_its_people) {
  const auto talk = [this]() -> awaitable<void> {
    for (auto* each : {a.get(), b.get()}) {
      each->make(*world.registry);
      co_await each->client->async_start();
    }
    co_await a->client->async_send(b->key(), "1");
    co_await b->client->async_send(a->key(), "2");
    co_await a->client->async_close();
    co_await b->client->async_close();
  };
  testing::run(world.context, talk());
  ASSERT_EQ(secrets.size(), 8U);
  EXPECT_EQ(b->received.size() + a->received.size(), 2U);
  secrets.look();
  EXPECT_FALSE(secrets.holds("psk")) << "nobody needs it any more";
  EXPECT_TRUE(secrets.holds("dh") && secrets.holds("caller") && secrets.holds("callee"));
  a.reset();
  b.reset();
  world.context.restart();
  world.context.poll();
  secrets.expect_gone();
}

}  // namespace
}  // namespace flowersec::testing
