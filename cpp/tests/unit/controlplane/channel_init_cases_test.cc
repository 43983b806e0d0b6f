// Grants that an issuer makes of its parameters: the cases that both languages share.
#include <gtest/gtest.h>

#include "flowersec/base/base64url.h"
#include "flowersec/controlplane/channel_init.h"
#include "support/case_table.h"
#include "support/random_sources.h"
#include "support/testdata.h"

namespace flowersec::testing {
namespace {

using namespace controlplane;
namespace json = boost::json;
using grant_message = messages::controlplane::v1::channel_init_grant;

/// `base` with the members of `changes` in the place of its own.
json::object merged(const json::value& base, const json::object& row, json::string_view changes) {
  auto made = base.as_object();
  if (const auto* found = row.if_contains(changes)) {
    for (const auto& member : found->as_object()) made[member.key()] = member.value();
  }
  return made;
}

std::int64_t number_at(const json::object& in, json::string_view name) {
  const auto* found = in.if_contains(name);
  return found == nullptr ? 0 : found->to_number<std::int64_t>();
}

channel_init_options options_of(const json::object& parameters) {
  channel_init_options options;
  options.tunnel_url = text_at(parameters, "tunnel_url");
  options.audience = text_at(parameters, "audience");
  options.issuer = text_at(parameters, "issuer");
  options.token_lifetime = std::chrono::seconds{number_at(parameters, "token_lifetime_s")};
  options.idle_timeout = std::chrono::seconds{number_at(parameters, "idle_timeout_s")};
  options.clock_skew = std::chrono::milliseconds{number_at(parameters, "clock_skew_ms")};
  if (const auto* suites = parameters.if_contains("allowed_suites")) {
    for (const auto& each : suites->as_array()) {
      options.allowed_suites.push_back(static_cast<crypto::suite>(each.to_number<int>()));
    }
  }
  if (const auto* suite = parameters.if_contains("default_suite")) {
    options.default_suite = static_cast<crypto::suite>(suite->to_number<int>());
  }
  return options;
}

/// The table's word for a refusal.
std::string word_of(const error_code& refused) {
  static const std::pair<controlplane_errc, const char*> words[] = {
      {controlplane_errc::missing_tunnel_url, "tunnel_url"},
      {controlplane_errc::missing_audience, "audience"},
      {controlplane_errc::missing_issuer, "issuer"},
      {controlplane_errc::bad_token_lifetime, "token_lifetime"},
      {controlplane_errc::bad_idle_timeout, "idle_timeout"},
      {controlplane_errc::bad_clock_skew, "clock_skew"},
      {controlplane_errc::bad_suite, "suite"},
      {controlplane_errc::bad_channel_id, "channel_id"},
      {controlplane_errc::channel_init_expired, "expired"}};
  for (const auto& [code, word] : words) {
    if (refused == code) return word;
  }
  return std::string{refused.category().name()} == "flowersec.token" ? "token" : refused.message();
}

json::object payload_of(const grant_message& grant) {
  const auto text = grant.token.view();
  const auto begin = text.find('.') + 1;
  const auto bytes = decode_base64url(text.substr(begin, text.rfind('.') - begin)).value();
  return json::parse(as_text(bytes)).as_object();
}

/// Whether `whole` says everything that `part` does.
void expect_says(const json::object& whole, const json::object& part) {
  for (const auto& member : part) {
    const auto* found = whole.if_contains(member.key());
    ASSERT_NE(found, nullptr) << member.key();
    EXPECT_EQ(*found, member.value()) << member.key();
  }
}

class shared_cases : public ::testing::Test {
 protected:
  const json::value table = testdata("channel_init_cases.json");
  const unix_seconds now{table.at("now").to_number<std::int64_t>()};
  seeded_random random;
  const issuer_keyset issuer = issuer_keyset::generate("k1", random).value();
};

using channel_init_cases = shared_cases;

TEST_F(channel_init_cases, every_case_of_the_shared_table) {
  for (const auto& each : table.at("issue").as_array()) {
    const auto& row = each.as_object();
    SCOPED_TRACE(text_at(row, "name"));
    const auto options = options_of(merged(table.at("parameters"), row, "parameters"));
    const auto channel = row.contains("channel_id") ? text_at(row, "channel_id") : "channel";
    const auto made = issue_channel(issuer, options, channel, random, now);
    if (row.contains("refused")) {
      ASSERT_FALSE(made);
      EXPECT_EQ(word_of(made.error()), text_at(row, "refused"));
      continue;
    }
    ASSERT_TRUE(made) << made.error().message();
    for (const auto* grant : {&made->client, &made->server}) {
      expect_says(json::parse(encode(*grant)).as_object(), merged(table.at("grant"), row, "grant"));
      expect_says(payload_of(*grant), merged(table.at("token"), row, "token"));
    }
  }
}

TEST_F(channel_init_cases, every_reissue_of_the_shared_table) {
  for (const auto& each : table.at("reissue").as_array()) {
    const auto& row = each.as_object();
    SCOPED_TRACE(text_at(row, "name"));
    auto old =
        issue_channel(issuer, options_of(table.at("parameters").as_object()), "channel", random, now)->client.clone();
    if (const auto* changed = row.if_contains("grant")) {
      const auto& to = changed->as_object();
      if (to.contains("idle_timeout_seconds")) {
        old.idle_timeout_seconds = static_cast<std::int32_t>(number_at(to, "idle_timeout_seconds"));
      }
      if (to.contains("channel_id")) old.channel_id = text_at(to, "channel_id");
      if (to.contains("role")) old.role = static_cast<messages::controlplane::v1::role>(number_at(to, "role"));
    }
    const auto options = options_of(merged(table.at("parameters"), row, "parameters"));
    const auto made = reissue_grant(issuer, options, old, random, unix_seconds{count(now) + number_at(row, "after_s")});
    if (row.contains("refused")) {
      ASSERT_FALSE(made);
      // A role that is none is found when the token is signed.
      const auto expected = text_at(row, "refused");
      EXPECT_EQ(word_of(made.error()), expected == "role" ? "token" : expected);
      continue;
    }
    ASSERT_TRUE(made) << made.error().message();
    expect_says(payload_of(*made), row.at("token").as_object());
    auto rest = made->clone();
    rest.token = messages::sensitive_text{old.token.view()};
    EXPECT_EQ(encode(rest), encode(old)) << "nothing else changes";
  }
}

}  // namespace
}  // namespace flowersec::testing
