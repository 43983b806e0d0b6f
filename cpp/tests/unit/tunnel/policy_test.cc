// What a policy decides about channels that are open, and how leases move.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/tunnel_world.h"

namespace flowersec::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using tunnel::channel_decision;
using tunnel::tidy;

channel_decision decision(std::string id, bool allowed = true) {
  return {.audience = "aud",
          .issuer = "iss",
          .channel_id = std::move(id),
          .tenant_id = {},
          .allowed = allowed,
          .lease_expires = {}};
}

/// Allows everything, with a lease when one is set.
class leasing_policy final : public tunnel::attach_policy {
 public:
  void decide(tunnel::attach_query, std::stop_token,
              std::function<void(std::optional<tunnel::attach_decision>)> answer) override {
    answer(tunnel::attach_decision{.allowed = true, .lease_expires = lease});
  }
  std::optional<wall_time> lease;
};

TEST(decisions, are_tidied) {
  std::vector<channel_decision> batch{{" aud\t", "\niss ", " a ", "  ", true, {}}};
  ASSERT_TRUE(tidy(batch));
  EXPECT_EQ(batch[0].audience, "aud");
  EXPECT_EQ(batch[0].issuer, "iss");
  EXPECT_EQ(batch[0].channel_id, "a");
  EXPECT_EQ(batch[0].tenant_id, "");
}

TEST(decisions, need_three_names) {
  for (auto member : {&channel_decision::audience, &channel_decision::issuer, &channel_decision::channel_id}) {
    std::vector<channel_decision> batch{decision("a"), decision("b")};
    batch[1].*member = " ";
    EXPECT_FALSE(tidy(batch));
  }
}

TEST(decisions, are_one_per_channel) {
  std::vector<channel_decision> same{decision("a"), decision("b"), decision(" a")};
  EXPECT_FALSE(tidy(same));
  std::vector<channel_decision> scopes{decision("a"), decision("a"), decision("a")};
  scopes[1].issuer = "other";
  scopes[2].audience = "other";
  EXPECT_TRUE(tidy(scopes));
}

TEST(decisions, that_deny_end_the_channel) {
  tunnel_world world;
  auto c = world.attach("room", 1);
  auto s = world.attach("room", 2);
  auto other = world.attach("other", 1);
  world.core->apply(decision("room", false));
  world.run();
  EXPECT_TRUE(c.saw_end());
  EXPECT_TRUE(s.saw_end());
  EXPECT_TRUE(c.frames().empty()) << "no close frame";
  EXPECT_FALSE(other.saw_end());
  EXPECT_EQ(world.closed_count("policy_denied"), 1);
  EXPECT_EQ(world.closed_count("peer_closed"), 2);
}

TEST(decisions, about_channels_that_are_not_there_are_passed_over) {
  tunnel_world world;
  auto c = world.attach("room", 1);
  auto unknown = decision("nobody", false);
  EXPECT_TRUE(world.core->accepts(unknown));
  world.core->apply(unknown);
  auto elsewhere = decision("room", false);
  elsewhere.issuer = "another";
  elsewhere.tenant_id = "whoever";
  EXPECT_TRUE(world.core->accepts(elsewhere));
  world.core->apply(elsewhere);
  world.run();
  EXPECT_FALSE(c.saw_end());
}

TEST(decisions, fit_only_the_tenant_of_the_channel) {
  tunnel_world world;
  auto c = world.attach("room", 1);
  auto one = decision("room", false);
  one.tenant_id = "somebody else";
  EXPECT_FALSE(world.core->accepts(one));
  world.core->apply(one);
  world.run();
  EXPECT_FALSE(c.saw_end()) << "also when the batch was checked before";
  one.tenant_id.clear();
  EXPECT_TRUE(world.core->accepts(one));
}

TEST(leases, end_a_channel_within_a_sweep) {
  auto policy = std::make_shared<leasing_policy>();
  tunnel_world world{{}, policy};
  policy->lease = world.clock.wall + seconds{5};
  auto c = world.attach("room", 1);
  world.pass(milliseconds{4990});
  EXPECT_FALSE(c.saw_end());
  world.pass(milliseconds{510});
  EXPECT_TRUE(c.saw_end());
  EXPECT_EQ(world.closed_count("policy_lease_expired"), 1);
}

TEST(leases, move_later_and_never_earlier) {
  auto policy = std::make_shared<leasing_policy>();
  tunnel_world world{{}, policy};
  policy->lease = world.clock.wall + seconds{5};
  auto c = world.attach("room", 1);
  auto later = decision("room");
  later.lease_expires = world.clock.wall + seconds{10};
  world.core->apply(later);
  auto earlier = decision("room");
  earlier.lease_expires = world.clock.wall + seconds{1};
  world.core->apply(earlier);
  world.core->apply(decision("room"));  // without a lease: never off
  policy->lease = world.clock.wall + seconds{2};
  auto s = world.attach("room", 2);
  world.pass(milliseconds{9990});
  EXPECT_FALSE(c.saw_end());
  world.pass(milliseconds{510});
  EXPECT_TRUE(c.saw_end());
  EXPECT_TRUE(s.saw_end());
}

TEST(leases, are_turned_on_by_the_second_attach_or_a_decision) {
  auto policy = std::make_shared<leasing_policy>();
  tunnel_world world{{}, policy};
  auto c = world.attach("attached", 1);
  auto d = world.attach("decided", 1);
  auto free = world.attach("free", 1);
  policy->lease = world.clock.wall + seconds{3};
  auto s = world.attach("attached", 2);
  auto lease = decision("decided");
  lease.lease_expires = policy->lease;
  world.core->apply(lease);
  world.pass(milliseconds{3500});
  EXPECT_TRUE(c.saw_end());
  EXPECT_TRUE(d.saw_end());
  EXPECT_FALSE(free.saw_end());
}

TEST(leases, of_a_replaced_channel_are_its_own) {
  auto policy = std::make_shared<leasing_policy>();
  tunnel_world world{{}, policy};
  policy->lease = world.clock.wall + seconds{3};
  auto c = world.attach("room", 1);
  policy->lease.reset();
  auto again = world.attach("room", 1);
  world.pass(milliseconds{3500});
  EXPECT_FALSE(again.saw_end());
}

}  // namespace
}  // namespace flowersec::testing
