// The rows of the conformance list that need an authorizer, or a tenant that changes while the tunnel runs; and the
// order of the checks of an attach from the first to the last. See conformance_28_test.cc for the others.
#include "keys_fixture.h"
#include "support/authorizer_server.h"
#include "support/standstill.h"

namespace flowersec::testing {
namespace {

class conformance_28_policy : public ::testing::Test, public tenant_files {
 protected:
  authorizer_server authorizer;
  running_tunnel tunnel{{"--tenants-file", tenants, "--metrics-listen", "127.0.0.1:0", "--attach-authorizer-url",
                         authorizer.url("/attach")}};

  void allow(bool allowed = true) { authorizer.answer("/attach", allowed ? R"({"allowed":true})" : "{}"); }

  /// "1008 policy_denied" for a refusal, else "admitted": there is no answer to a good attach, so a text message behind
  /// it asks for an end without a close frame.
  [[nodiscard]] std::string fate(const token_mint::payload& token) const {
    return fate_of_text(red.attach_text(token));
  }
  [[nodiscard]] std::string fate_of_text(const std::string& text) const {
    auto client = tunnel_client::attached(tunnel.address, text);
    try {
      client.send(client_frame(op_text, "the end"));
    } catch (const std::runtime_error&) {
      // Refused meanwhile; the close frame is there.
    }
    const auto frame = client.frame();
    if (!frame) return "admitted";
    return std::to_string(frame->close_code().value_or(0)) + ' ' + std::string{frame->close_reason()};
  }
  [[nodiscard]] std::string fate_of_new_token() { return fate(red.draft("room-" + std::to_string(++rooms_), 1)); }
  [[nodiscard]] std::string fate_as(const std::string& channel, int role, const token_mint::payload& token) const {
    return fate_of_text(token_mint::attach_text(channel, role, red.sign(token)));
  }
  [[nodiscard]] double refusals(const std::string& reason) const {
    const auto host = tunnel.metrics_url.find("://") + 3;
    const auto text = testing_support::http_get(
        tunnel.metrics_url.substr(host, tunnel.metrics_url.find('/', host) - host), "/metrics");
    const auto sample = "flowersec_tunnel_attach_total{reason=\"" + reason + "\",result=\"fail\"} ";
    const auto at = text.find(sample);
    return at == std::string::npos ? 0 : std::stod(text.substr(at + sample.size()));
  }

 private:
  int rooms_ = 0;
};

TEST_F(conformance_28_policy, 02_a_policy_that_fails_in_any_way) {
  const std::vector<http::response> failures{
      http::json_response(500, R"({"allowed":true})"),
      http::json_response(403, R"({"allowed":true})"),
      http::json_response(200, "no JSON"),
      http::json_response(200, R"({"allowed":true}1)"),
      http::json_response(200, R"({"allowed":1})"),
      http::json_response(200, R"({"success":false,"error":{"code":"c","message":"m"},"allowed":true})"),
      http::json_response(200, std::string(1048577, ' ')),
  };
  for (const auto& failure : failures) {
    authorizer.answer("/attach", failure);
    EXPECT_EQ(fate_of_new_token(), "1008 policy_error") << failure.status << ' ' << failure.body.substr(0, 100);
  }
  EXPECT_EQ(refusals("policy_error"), static_cast<double>(failures.size()));
}

TEST_F(conformance_28_policy, 02_a_policy_that_does_not_allow) {
  const std::vector<std::string> answers{
      "", "null", "{}", R"({"allowed":false})", R"({"success":true,"data":{"allowed":false}})", R"({"success":true})"};
  for (const auto& answer : answers) {
    authorizer.answer("/attach", answer);
    EXPECT_EQ(fate_of_new_token(), "1008 policy_denied") << answer;
  }
  EXPECT_EQ(refusals("policy_denied"), static_cast<double>(answers.size()));
}

TEST_F(conformance_28_policy, 02_the_first_of_several_reasons_counts) {
  allow();
  auto forged = red.draft("room", 1);
  forged.kid = "nobody";
  EXPECT_EQ(fate_as("other", 2, forged), "1008 invalid_token") << "verification before the channel";
  auto lasting = red.draft("room", 1);
  lasting.init_exp = lasting.exp = lasting.iat + 121;
  EXPECT_EQ(fate_as("other", 2, lasting), "1008 invalid_token") << "the tunnel's own bounds before the channel";
  auto used = red.draft("room", 1);
  EXPECT_EQ(fate(used), "admitted");
  const auto asked = authorizer.requests();
  EXPECT_EQ(fate_as("other", 2, used), "1008 channel_mismatch") << "the channel before the role";
  EXPECT_EQ(fate_as("room", 2, used), "1008 role_mismatch") << "the role before the policy";
  EXPECT_EQ(authorizer.requests(), asked) << "which is not asked about such";
  allow(false);
  EXPECT_EQ(fate(used), "1008 policy_denied") << "the policy before the used tokens";
  allow();
  EXPECT_EQ(fate(used), "1008 token_replay");
}

TEST_F(conformance_28_policy, 02_a_tenant_that_has_another_id_than_its_channel) {
  allow();
  auto pair = tunnel.pair(red, "room");
  ASSERT_TRUE(pair.works());
  write_tenants("renamed");
  ASSERT_TRUE(tunnel.hang_up(keys_reloaded));
  auto token = red.draft("room", 2);
  token.init_exp += 1;
  token.idle_timeout_seconds += 1;
  EXPECT_EQ(fate(token), "1008 init_exp_mismatch") << "the first that differs";
  token = red.draft("room", 2);
  token.idle_timeout_seconds += 1;
  EXPECT_EQ(fate(token), "1008 idle_timeout_mismatch") << "the second";
  EXPECT_EQ(fate(red.draft("room", 2)), "1008 tenant_mismatch");
  EXPECT_EQ(fate(red.draft("room", 1)), "1008 tenant_mismatch") << "before it would replace anybody";
  EXPECT_EQ(refusals("tenant_mismatch"), 2);
  EXPECT_TRUE(pair.works()) << "nobody else is touched";
}

TEST_F(conformance_28_policy, 07_a_denied_or_failed_policy_does_not_use_up_a_token_and_scopes_are_apart) {
  const auto token = red.draft("room", 1);
  allow(false);
  EXPECT_EQ(fate(token), "1008 policy_denied");
  authorizer.answer("/attach", "no JSON");
  EXPECT_EQ(fate(token), "1008 policy_error");
  allow();
  EXPECT_EQ(fate(token), "admitted");
  EXPECT_EQ(fate(token), "1008 token_replay");
  auto same_id = blue.draft("room", 1);
  same_id.token_id = token.token_id;
  EXPECT_EQ(fate_of_text(blue.attach_text(same_id)), "admitted");
}

TEST_F(conformance_28_policy, 09_a_lease_that_runs_out_ends_the_channel) {
  int channels = 0;
  expect_when_undisturbed(std::chrono::milliseconds{500}, [&]() -> std::string {
    const auto name = "leased-" + std::to_string(++channels);
    const auto soon = count(to_unix_seconds(system_clocks().wall_now())) * 1000 + 4000;
    authorizer.answer("/attach", R"({"allowed":true,"lease_expires_at_unix_ms":)" + std::to_string(soon) + '}');
    auto leased = tunnel.pair(red, name);
    if (!leased.works()) return "a channel does not work during its lease";
    authorizer.answer("/attach", R"({"allowed":true,"lease_expires_at_unix_ms":-1})");
    auto unleased = tunnel.pair(red, "un" + name);
    EXPECT_TRUE(leased.client.ended());
    EXPECT_TRUE(leased.server.ended());
    EXPECT_TRUE(unleased.works());
    return {};
  });
}

}  // namespace
}  // namespace flowersec::testing
