// What other threads see of a registry while its links are told what to do.
#include "rendezvous/registry_core.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "registry_world.h"

namespace flowersec::rendezvous {
namespace {

/// Remembers what was counted when it was told something.
class counting_client final : public client_side {
 public:
  explicit counting_client(const registry_core& registry) : registry_(registry) {}
  bool send(std::string /*text*/) override {
    at_send = registry_.last_counts();
    return true;
  }
  [[nodiscard]] bool has_room() const override { return true; }
  void end(std::uint16_t /*close_code*/, std::string /*reason*/) override {}

  std::optional<registry_counts> at_send;

 private:
  const registry_core& registry_;
};

TEST(registry_core, what_a_client_can_hear_of_is_counted_already) {
  boost::asio::io_context context;
  registry_setup setup{.keys = testing::keys_of_registry({'r'}), .mint = [] { return testing::ticket_number(1); }};
  const auto registry = std::make_shared<registry_core>(ws::serial_executor{context.get_executor()}, registry_limits{},
                                                        std::move(setup), system_clocks(), nullptr);
  const auto who = registry->machine().admit({.counted = "192.0.2.1", .shown = "192.0.2.1"}, registry->now()).value();
  const auto client = std::make_shared<counting_client>(*registry);
  registry->add(who, client);
  registry->machine().on_open(who, registry->now());
  registry->perform();
  ASSERT_TRUE(client->at_send) << "a challenge";
  EXPECT_EQ(client->at_send->sockets, 1U);
  EXPECT_EQ(client->at_send->unregistered, 1U);
  registry->close();
}

}  // namespace
}  // namespace flowersec::rendezvous
