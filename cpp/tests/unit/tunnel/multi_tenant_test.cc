// Several tenants behind one tunnel: who is found, who is refused, and what is kept apart.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/token_mint.h"
#include "support/tunnel_world.h"

namespace flowersec::tunnel {
namespace {

using flowersec::testing::token_mint;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::int64_t start = 1'800'000'000;
const wall_time now{std::chrono::seconds{start}};

token_mint mint_of(std::string audience, std::string issuer, int seed) {
  return token_mint{start, std::move(audience), std::move(issuer), static_cast<std::byte>(seed)};
}

class two_tenants : public ::testing::Test {
 protected:
  token_mint red = mint_of("tunnel", "red", 1);
  token_mint blue = mint_of("tunnel", "blue", 2);
  std::shared_ptr<const token_verifier> verifier =
      make_multi_tenant_verifier({red.tenant("r"), blue.tenant("b")}).value();

  [[nodiscard]] std::optional<verified_token> verify(const std::string& token) const {
    return verifier->verify(token, now, {});
  }
};

TEST_F(two_tenants, each_token_is_verified_with_its_own_tenants_keys) {
  const auto token = verify(red.sign(red.draft("room", 1)));
  ASSERT_TRUE(token);
  EXPECT_EQ(token->scope, (token_scope{"tunnel", "red", "tunnel|red", "r"}));
  EXPECT_EQ(token->channel_id, "room");
  EXPECT_EQ(token->role, endpoint_role::client);
  EXPECT_EQ(token->token_id, "token-1");
  EXPECT_EQ(token->init_exp, start + 100);
  EXPECT_EQ(token->idle_timeout_seconds, 60);
  EXPECT_EQ(token->iat, start);
  EXPECT_EQ(token->exp, start + 60);
  EXPECT_EQ(verify(blue.sign(blue.draft("room", 2)))->scope, (token_scope{"tunnel", "blue", "tunnel|blue", "b"}));
}

TEST_F(two_tenants, a_key_of_one_tenant_opens_no_door_of_another) {
  auto forged = red.draft("room", 1);
  forged.iss = "blue";
  EXPECT_FALSE(verify(red.sign(forged)));
  EXPECT_TRUE(verify(blue.sign(forged))) << "the same payload from the right issuer";
}

TEST_F(two_tenants, strangers_are_refused) {
  for (const auto& [audience, issuer] : {std::pair{"tunnel", "green"}, std::pair{"other", "red"},
                                         std::pair{"tunnelr", "ed"}, std::pair{"red", "tunnel"}}) {
    auto stranger = red.draft("room", 1);
    stranger.aud = audience;
    stranger.iss = issuer;
    EXPECT_FALSE(verify(red.sign(stranger))) << audience << ' ' << issuer;
  }
  auto nameless = red.draft("room", 1);
  nameless.iss.reset();
  EXPECT_FALSE(verify(red.sign(nameless)));
}

TEST_F(two_tenants, white_space_finds_the_tenant_but_does_not_pass_its_comparison) {
  auto spaced = red.draft("room", 1);
  spaced.iss = " red";
  EXPECT_FALSE(verify(red.sign(spaced)));
}

TEST_F(two_tenants, the_servers_own_bounds_hold_for_every_tenant) {
  auto at_the_limit = blue.draft("room", 1);
  at_the_limit.exp = at_the_limit.init_exp = start + 120;
  EXPECT_TRUE(verify(blue.sign(at_the_limit)));
  auto too_long = at_the_limit;
  too_long.exp = too_long.init_exp = start + 121;
  EXPECT_FALSE(verify(blue.sign(too_long)));
}

TEST_F(two_tenants, what_is_loaded_can_be_listed) {
  const auto loaded = verifier->loaded();
  ASSERT_EQ(loaded.size(), 2u);
  EXPECT_EQ(loaded[0].tenant_id, "r");
  EXPECT_EQ(loaded[0].audience, "tunnel");
  EXPECT_EQ(loaded[0].issuer, "red");
  EXPECT_THAT(loaded[0].key_ids, ElementsAre("k1"));
  EXPECT_EQ(loaded[1].issuer, "blue");
}

TEST(single_tenant, what_is_loaded_can_be_listed) {
  const auto mint = mint_of("tunnel", "red", 1);
  const auto closed = mint.verifier()->loaded();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].audience, "tunnel");
  EXPECT_EQ(closed[0].issuer, "red");
  EXPECT_THAT(closed[0].key_ids, ElementsAre("k1"));
  EXPECT_EQ(mint.open_verifier()->loaded().at(0).issuer, std::nullopt);
}

TEST(many_tenants, each_is_found) {
  constexpr int count = 1000;
  std::vector<tenant> tenants;
  for (int i = 0; i < count; ++i) tenants.push_back(mint_of("tunnel", "issuer-" + std::to_string(i), 7).tenant());
  const auto verifier = make_multi_tenant_verifier(std::move(tenants)).value();
  for (const int i : {0, 1, count / 2, count - 1, count}) {
    auto mint = mint_of("tunnel", "issuer-" + std::to_string(i), 7);
    EXPECT_EQ(verifier->verify(mint.sign(mint.draft("room", 1)), now, {}).has_value(), i != count) << i;
  }
}

TEST(budget_labels, never_meet) {
  const auto label = [](const std::string& audience, const std::string& issuer) {
    auto mint = mint_of(audience, issuer, 1);
    const auto verifier = make_multi_tenant_verifier({mint.tenant()}).value();
    return verifier->verify(mint.sign(mint.draft("room", 1)), now, {}).value().scope.budget_label;
  };
  EXPECT_EQ(label("a", "b"), "a|b");
  EXPECT_EQ(label("a|b", "c"), "a\\|b|c");
  EXPECT_EQ(label("a", "b|c"), "a|b\\|c");
  EXPECT_EQ(label("a\\", "b"), "a\\\\|b");
}

struct bad_list {
  std::vector<std::array<std::string, 3>> names;  ///< id, audience, issuer
  std::optional<std::size_t> index;
  std::string text;
};

TEST(tenants, bad_lists_are_refused_by_name) {
  const std::string nul{"a\0b", 3};
  const std::vector<bad_list> rows{
      {{}, std::nullopt, "tenants: at least one entry is needed"},
      {{{"", "", "i"}}, 0, "aud is empty"},
      {{{"", "a", "i"}, {"", "a", ""}}, 1, "iss is empty"},
      {{{"", " a", "i"}}, 0, "aud has white space around it"},
      {{{"", "a", "i\u3000"}}, 0, "iss has white space around it"},
      {{{"", nul, "i"}}, 0, "aud has a NUL in it"},
      {{{"", "a", nul}}, 0, "iss has a NUL in it"},
      {{{"1", "a", "i"}, {"2", "a", "i"}}, 1, "duplicate aud and iss"},
      {{{"1", "a", "i"}, {"2", "a", "j"}, {"1", "b", "i"}}, 2, "duplicate id \"1\""},
  };
  for (const auto& row : rows) {
    std::vector<tenant> tenants;
    for (const auto& [id, audience, issuer] : row.names) tenants.push_back({id, audience, issuer, {}});
    const auto made = make_multi_tenant_verifier(std::move(tenants));
    ASSERT_TRUE(made.has_error()) << row.text;
    EXPECT_EQ(made.error().index, row.index) << row.text;
    EXPECT_THAT(made.error().text, HasSubstr(row.text));
  }
}

TEST(tenants, names_that_only_look_alike_are_fine) {
  EXPECT_FALSE(find_defect({{"", "a", "i", {}}, {"", "a", "j", {}}, {"", "b", "i", {}}, {"", "i", "a", {}}}));
  EXPECT_FALSE(find_defect({{"x", "ab", "c", {}}, {"X", "a", "bc", {}}}));
}

/// Both tenants in a whole tunnel in memory.
class tenant_scopes : public ::testing::Test {
 protected:
  using world = flowersec::testing::tunnel_world;

  tenant_scopes() { load({red.tenant("r"), blue.tenant("b")}); }

  void load(std::vector<tenant> tenants) {
    tunnel.shared->set_verifier(make_multi_tenant_verifier(std::move(tenants)).value());
  }
  [[nodiscard]] world::client attach(token_mint& mint, const token_mint::payload& payload) {
    auto c = tunnel.connect();
    c.text(mint.attach_text(payload));
    return c;
  }
  [[nodiscard]] world::client attach(token_mint& mint, const std::string& room, int role) {
    return attach(mint, mint.draft(room, role));
  }
  [[nodiscard]] static std::string refusal(world::client& c) {
    const auto frames = c.frames();
    return frames.empty() ? "none" : std::string{frames.front().close_reason()};
  }

  tunnel_limits limits = [] {
    tunnel_limits small;
    small.max_tenant_queued_bytes = 1000;
    return small;
  }();
  token_mint red = mint_of("tunnel", "red", 1);
  token_mint blue = mint_of("tunnel", "blue", 2);
  world tunnel{limits};
};

TEST_F(tenant_scopes, the_same_channel_id_is_a_channel_in_each) {
  auto red_client = attach(red, "room", 1);
  auto blue_server = attach(blue, "room", 2);
  EXPECT_EQ(tunnel.core->channel_count(), 2u);
  auto red_server = attach(red, "room", 2);
  auto blue_client = attach(blue, "room", 1);
  red_client.binary("for red");
  blue_client.binary("for blue");
  EXPECT_THAT(red_server.messages(), ElementsAre("for red"));
  EXPECT_THAT(blue_server.messages(), ElementsAre("for blue"));
}

TEST_F(tenant_scopes, the_same_token_id_may_be_used_in_each_and_only_once) {
  auto of_red = red.draft("room", 1);
  auto of_blue = blue.draft("room", 1);
  of_red.token_id = of_blue.token_id = "one id";
  auto first = attach(red, of_red);
  auto second = attach(blue, of_blue);
  EXPECT_EQ(refusal(first), "none");
  EXPECT_EQ(refusal(second), "none");
  auto again = attach(red, of_red);
  EXPECT_EQ(refusal(again), "token_replay");
}

TEST_F(tenant_scopes, a_full_budget_of_one_does_not_touch_the_other) {
  auto full = attach(red, "full", 1);
  full.binary(std::string(1000, 'x'));
  auto other = attach(blue, "other", 1);
  other.binary(std::string(1000, 'x'));
  EXPECT_FALSE(full.saw_end());
  EXPECT_FALSE(other.saw_end());
  auto one_more = attach(red, "more", 1);
  one_more.binary("x");
  EXPECT_TRUE(one_more.saw_end());
  EXPECT_FALSE(other.saw_end());
  EXPECT_EQ(tunnel.metric("flowersec_tunnel_tenant_queued_bytes{tenant=\"tunnel|red\"}"), 1000);
  EXPECT_EQ(tunnel.metric("flowersec_tunnel_tenant_queued_bytes{tenant=\"tunnel|blue\"}"), 1000);
  EXPECT_EQ(
      tunnel.metric("flowersec_tunnel_resource_exhausted_total{limit=\"tenant_queued_bytes\",tenant=\"tunnel|red\"}"),
      1);
}

TEST_F(tenant_scopes, a_channel_outlives_a_reload_but_not_under_another_tenant_id) {
  auto client = attach(red, "room", 1);
  load({red.tenant("renamed"), blue.tenant("b")});
  auto server = attach(red, "room", 2);
  EXPECT_EQ(refusal(server), "tenant_mismatch");
  EXPECT_FALSE(client.saw_end());
  load({red.tenant("r")});
  auto again = attach(red, "room", 2);
  client.binary("hello");
  EXPECT_THAT(again.messages(), ElementsAre("hello"));
}

TEST_F(tenant_scopes, a_reload_that_drops_a_tenant_leaves_its_channels_and_refuses_its_newcomers) {
  auto client = attach(red, "room", 1);
  auto server = attach(red, "room", 2);
  load({blue.tenant("b")});
  client.binary("still here");
  EXPECT_THAT(server.messages(), ElementsAre("still here"));
  auto late = attach(red, "another", 1);
  EXPECT_EQ(refusal(late), "invalid_token");
}

TEST_F(tenant_scopes, used_tokens_stay_used_after_a_reload) {
  const auto used = red.draft("room", 1);
  auto first = attach(red, used);
  load({red.tenant("r")});
  auto second = attach(red, used);
  EXPECT_EQ(refusal(second), "token_replay");
}

}  // namespace
}  // namespace flowersec::tunnel
