// Connect artifacts: the table that TypeScript shares, and what a table of texts cannot say.
#include "flowersec/token/artifact.h"

#include <gtest/gtest.h>

#include <memory>
#include <type_traits>

#include "flowersec/token/grant.h"
#include "support/case_table.h"

namespace flowersec::token {
namespace {

namespace wire = messages::controlplane::v1;
using messages::messages_errc;
using messages::sensitive_text;
using messages::direct::v1::direct_connect_info;

static_assert(!std::is_copy_constructible_v<connect_artifact> &&
              std::is_nothrow_move_constructible_v<connect_artifact>);

TEST(artifact, every_case_of_the_shared_table) {
  int accepted = 0;
  int refused = 0;
  const auto cases = flowersec::testing::read_cases("artifact_cases.json");
  for (const auto& entry : cases.as_array()) {
    const auto& row = entry.as_object();
    SCOPED_TRACE(std::string_view{row.at("name").as_string()});
    const auto input = flowersec::testing::filled(std::string_view{row.at("input").as_string()}, row);
    const auto artifact = decode_connect_artifact(input);
    if (const auto* error = row.if_contains("error")) {
      ++refused;
      ASSERT_FALSE(artifact.has_value());
      EXPECT_TRUE(artifact.error().text().starts_with(std::string_view{error->as_string()})) << artifact.error().text();
      continue;
    }
    ++accepted;
    ASSERT_TRUE(artifact.has_value()) << artifact.error().text();
    const auto written = encode_connect_artifact(*artifact);
    ASSERT_TRUE(written.has_value()) << written.error().text();
    EXPECT_EQ(boost::json::parse(std::string{written->view()}), flowersec::testing::filled(row.at("ok"), row));
    const auto again = decode_connect_artifact(written->view());
    ASSERT_TRUE(again.has_value()) << again.error().text();
    EXPECT_EQ(encode_connect_artifact(*again)->view(), written->view());
  }
  EXPECT_GE(accepted, 50);
  EXPECT_GE(refused, 150);
}

wire::channel_init_grant sample_grant() {
  return {.tunnel_url = "wss://t/ws",
          .channel_id = "chan",
          .channel_init_expire_at_unix_s = 1800000120,
          .idle_timeout_seconds = 60,
          .role = wire::role::client,
          .token = sensitive_text{"FST2.a.b"},
          .e2ee_psk_b64u = sensitive_text{"EBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8"},
          .allowed_suites = {wire::suite::x25519_hkdf_sha256_aes_256_gcm},
          .default_suite = wire::suite::x25519_hkdf_sha256_aes_256_gcm};
}

connect_artifact full_artifact() {
  connect_artifact artifact;
  artifact.body = sample_grant();
  artifact.scoped = {{.scope = "app", .scope_version = 1, .critical = true, .payload = R"({"a": 1.0})"}};
  artifact.correlation = {.v = 1, .trace_id = "trace-0001", .session_id = {}, .tags = {{{.key = "k", .value = "v"}}}};
  return artifact;
}

TEST(artifact, is_written_in_a_fixed_order_with_payloads_as_they_were) {
  EXPECT_EQ(encode_connect_artifact(full_artifact())->view(),
            R"({"v":1,"transport":"tunnel","tunnel_grant":)" + encode(sample_grant()) +
                R"(,"scoped":[{"scope":"app","scope_version":1,"critical":true,"payload":{"a": 1.0}}])"
                R"(,"correlation":{"v":1,"trace_id":"trace-0001","tags":[{"key":"k","value":"v"}]}})");
}

TEST(artifact, every_truncation_and_any_trailing_byte_is_refused) {
  const auto whole = encode_connect_artifact(full_artifact());
  for (std::size_t size = 0; size < whole->view().size(); ++size) {
    // An allocation of its own, so that reading past the end shows.
    const auto piece = std::make_unique<char[]>(size);
    whole->view().copy(piece.get(), size);
    EXPECT_FALSE(decode_connect_artifact({piece.get(), size}).has_value()) << size;
  }
  for (const char extra : {'x', '}', ',', '0', '\0'}) {
    EXPECT_FALSE(decode_connect_artifact(std::string{whole->view()} + extra).has_value()) << extra;
  }
}

TEST(artifact, a_clone_is_the_same_and_outlives_its_origin) {
  auto artifact = std::make_unique<connect_artifact>(full_artifact());
  const auto text = std::string{encode_connect_artifact(*artifact)->view()};
  const auto copy = artifact->clone();
  artifact.reset();
  EXPECT_EQ(encode_connect_artifact(copy)->view(), text);
}

TEST(artifact, the_body_is_what_connecting_checks_next) {
  const auto text = encode_connect_artifact(full_artifact());
  const auto artifact = decode_connect_artifact(text->view()).value().clone();
  const auto& grant = std::get<wire::channel_init_grant>(artifact.body);
  EXPECT_TRUE(check_grant(grant, wire::role::client).has_value());
}

TEST(artifact, errors_tell_the_kind_and_the_place) {
  auto artifact = full_artifact();
  auto text = std::string{encode_connect_artifact(artifact)->view()};
  text.replace(text.find("\"role\":1"), 8, "\"role\":2");
  EXPECT_EQ(decode_connect_artifact(text).error().code, messages_errc::wrong_role);
  text = std::string{encode_connect_artifact(artifact)->view()};
  text.replace(text.find("\"app\""), 5, "\"App\"");
  EXPECT_EQ(decode_connect_artifact(text).error().place, "scoped[0]");
  EXPECT_EQ(decode_connect_artifact("").error().code, messages_errc::not_an_object);
}

TEST(artifact, errors_do_not_repeat_values) {
  auto text = std::string{encode_connect_artifact(full_artifact())->view()};
  text.replace(text.find("\"FST2.a.b\""), 10, "[\"FST2.a.b\"]");
  const auto error = decode_connect_artifact(text).error();
  EXPECT_EQ(error.explanation().find("FST2"), std::string::npos) << error.explanation();
  EXPECT_EQ(error.text(), "bad TunnelClientConnectArtifact.tunnel_grant.token");
}

/// What writing refuses after `change`.
template <class Change>
std::string refusal(Change change) {
  auto artifact = full_artifact();
  change(artifact);
  const auto text = encode_connect_artifact(artifact);
  return text ? "written" : text.error().text();
}

TEST(artifact, what_no_reader_would_take_is_not_written) {
  EXPECT_EQ(refusal([](auto&) {}), "written");
  EXPECT_EQ(refusal([](auto& a) { std::get<0>(a.body).role = wire::role::server; }),
            "bad TunnelClientConnectArtifact.tunnel_grant.role");
  EXPECT_EQ(refusal([](auto& a) { std::get<0>(a.body).allowed_suites.clear(); }),
            "bad TunnelClientConnectArtifact.tunnel_grant.allowed_suites");
  EXPECT_EQ(refusal([](auto& a) { std::get<0>(a.body).tunnel_url = "\xff"; }),
            "bad TunnelClientConnectArtifact.tunnel_grant.tunnel_url");
  EXPECT_EQ(refusal([](auto& a) { a.body = direct_connect_info{}; }),
            "bad DirectClientConnectArtifact.direct_info.default_suite");
  EXPECT_EQ(refusal([](auto& a) { a.scoped[0].scope = "App"; }), "bad ScopeMetadataEntry.scope");
  EXPECT_EQ(refusal([](auto& a) { a.scoped[0].scope_version = 0; }), "bad ScopeMetadataEntry.scope_version");
  EXPECT_EQ(refusal([](auto& a) { a.scoped[0].payload = "{"; }), "bad ScopeMetadataEntry.payload");
  EXPECT_EQ(refusal([](auto& a) { a.scoped[0].payload = "\u00a0{}"; }), "bad ScopeMetadataEntry.payload");
  EXPECT_EQ(refusal([](auto& a) { a.scoped.push_back(a.scoped[0]); }), "bad ConnectArtifact.scoped");
  EXPECT_EQ(refusal([](auto& a) { a.correlation->v = 2; }), "bad CorrelationContext.v");
  EXPECT_EQ(refusal([](auto& a) { a.correlation->tags->assign(9, {}); }), "bad CorrelationContext.tags");
  EXPECT_EQ(refusal([](auto& a) { a.correlation->tags->front().value = "\xff"; }), "bad CorrelationKV.value");
}

TEST(artifact, writing_drops_ids_that_reading_would_drop) {
  auto artifact = full_artifact();
  artifact.correlation->trace_id = "short";
  artifact.correlation->session_id = " session-01 ";
  artifact.correlation->tags.reset();
  const auto text = encode_connect_artifact(artifact);
  EXPECT_TRUE(text->view().ends_with(R"("correlation":{"v":1,"session_id":"session-01","tags":[]}})")) << text->view();
}

TEST(artifact, a_text_longer_than_readers_take_is_not_written) {
  auto artifact = full_artifact();
  std::get<0>(artifact.body).tunnel_url.assign(messages::max_text_bytes, 'u');
  EXPECT_EQ(encode_connect_artifact(artifact).error().code, messages_errc::not_an_object);
}

}  // namespace
}  // namespace flowersec::token
