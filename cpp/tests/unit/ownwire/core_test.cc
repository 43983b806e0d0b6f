// What other threads see of a gateway while its links are told what to do.
#include "ownwire/core.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "flowersec/ownwire/frames.h"
#include "support/random_sources.h"

namespace flowersec::ownwire {
namespace {

/// Remembers what was counted when it was told that something is there to be sent.
class counting_user final : public user_side {
 public:
  explicit counting_user(const core& gate) : gate_(gate) {}
  void wake() override { at_wake = gate_.last_counts(); }
  void end(enum end_user::how /*how*/) override {}
  void abort() override {}

  gateway_counts at_wake;

 private:
  const core& gate_;
};

TEST(core, what_a_user_can_hear_of_is_counted_already) {
  boost::asio::io_context context;
  testing::seeded_random random;
  const auto gate = std::make_shared<core>(serial_executor{context.get_executor()}, gateway_limits{}, system_clocks(),
                                           random, nullptr);
  auto& hub = gate->machine();
  const auto who = hub.admit({.counted = "192.0.2.1", .shown = "192.0.2.1"}, gate->now()).value();
  const auto user = std::make_shared<counting_user>(*gate);
  gate->add(who, user);
  hub.on_open(who, gate->now());
  hub.on_frame(who, encode(user_frame{hello_frame{}}), gate->now());
  gate->perform();
  EXPECT_EQ(user->at_wake.sockets, 1U);
  EXPECT_EQ(user->at_wake.sessions, 1U);
  EXPECT_EQ(user->at_wake.sessions_started, 1U);
  gate->close();
}

}  // namespace
}  // namespace flowersec::ownwire
