// Channel init: the pair, the numbers in it, reissuing, and that tunnels accept what it makes.
#include "flowersec/controlplane/channel_init.h"

#include <gtest/gtest.h>

#include <limits>

#include "flowersec/crypto/secret.h"
#include "flowersec/token/grant.h"
#include "flowersec/token/verify.h"
#include "support/literals.h"
#include "support/random_sources.h"

namespace flowersec::controlplane {
namespace {

using flowersec::testing::seeded_random;
using std::chrono::milliseconds;
using std::chrono::seconds;
namespace wire = messages::controlplane::v1;

constexpr std::int64_t now_s = 1800000000;
constexpr unix_seconds now{now_s};

channel_init_options sample_options() {
  channel_init_options options;
  options.tunnel_url = "wss://t/ws";
  options.audience = "aud";
  options.issuer = "iss";
  return options;
}

class channel_init : public ::testing::Test {
 protected:
  seeded_random random;
  const issuer_keyset issuer = issuer_keyset::generate("k1", random).value();
  const token::keyset keys = token::keyset::parse(issuer.export_keyset_file()).value();

  channel_grants issue(const channel_init_options& options = sample_options(), std::string_view channel_id = "chan") {
    return issue_channel(issuer, options, channel_id, random, now).value();
  }
  error_code refusal(const channel_init_options& options, std::string_view channel_id = "chan") {
    const auto grants = issue_channel(issuer, options, channel_id, random, now);
    return grants ? error_code{} : grants.error();
  }
  /// What a tunnel with default bounds makes of the grant's token.
  result<token::verified_token> verify(const wire::channel_init_grant& grant, std::int64_t at = now_s) {
    const wall_time time{seconds{at}};
    auto verified = token::verify_token(grant.token.view(), keys, {.audience = "aud", .issuer = "iss"}, time);
    if (!verified) return verified;
    if (const auto failure = token::check_server_bounds(*verified, {}, time)) return failure;
    return verified;
  }
};

TEST_F(channel_init, makes_two_grants_that_differ_in_role_and_token_only) {
  auto [client, server] = issue();
  EXPECT_EQ(client.role, wire::role::client);
  EXPECT_EQ(server.role, wire::role::server);
  EXPECT_NE(client.token.view(), server.token.view());
  server.role = client.role;
  server.token = client.token.clone();
  EXPECT_EQ(encode(client), encode(server));
  EXPECT_EQ(client.tunnel_url, "wss://t/ws");
  EXPECT_EQ(client.channel_id, "chan");
  EXPECT_EQ(client.channel_init_expire_at_unix_s, now_s + 120);
  EXPECT_EQ(client.idle_timeout_seconds, 60);
  EXPECT_EQ(client.allowed_suites, std::vector{wire::suite::x25519_hkdf_sha256_aes_256_gcm});
  EXPECT_EQ(client.default_suite, wire::suite::x25519_hkdf_sha256_aes_256_gcm);
  EXPECT_TRUE(crypto::psk::from_base64url(client.e2ee_psk_b64u.view()).has_value());
}

TEST_F(channel_init, tokens_carry_the_numbers_of_the_grant) {
  const auto grants = issue();
  const auto client = verify(grants.client).value();
  const auto server = verify(grants.server).value();
  EXPECT_EQ(client.role, token::role::client);
  EXPECT_EQ(server.role, token::role::server);
  EXPECT_NE(client.token_id, server.token_id);
  EXPECT_EQ(flowersec::testing::b64u(client.token_id).size(), 24U);
  EXPECT_EQ(client.channel_id, "chan");
  EXPECT_EQ(count(client.init_exp), now_s + 120);
  EXPECT_EQ(client.idle_timeout, seconds{60});
  EXPECT_EQ(count(client.iat), now_s);
  EXPECT_EQ(count(client.exp), now_s + 60);
  EXPECT_EQ(client.kid, "k1");
}

TEST_F(channel_init, every_grant_passes_the_checks_of_its_endpoint) {
  const auto grants = issue();
  EXPECT_TRUE(token::check_grant(grants.client, wire::role::client).has_value());
  EXPECT_TRUE(token::check_grant(grants.server, wire::role::server).has_value());
}

TEST_F(channel_init, never_makes_the_same_pair_twice) {
  const auto first = issue();
  const auto second = issue();
  EXPECT_NE(first.client.e2ee_psk_b64u.view(), second.client.e2ee_psk_b64u.view());
  EXPECT_NE(verify(first.client)->token_id, verify(second.client)->token_id);
}

TEST_F(channel_init, channel_id_is_trimmed_and_1_to_256_bytes) {
  EXPECT_EQ(issue(sample_options(), " \tchan\u00a0").client.channel_id, "chan");
  EXPECT_EQ(verify(issue(sample_options(), " x ").server)->channel_id, "x");
  EXPECT_FALSE(refusal(sample_options(), std::string(256, 'c')));
  EXPECT_EQ(refusal(sample_options(), std::string(257, 'c')), controlplane_errc::bad_channel_id);
  EXPECT_EQ(refusal(sample_options(), ""), controlplane_errc::bad_channel_id);
  EXPECT_EQ(refusal(sample_options(), " \u3000"), controlplane_errc::bad_channel_id);
  EXPECT_EQ(refusal(sample_options(), "\xff"), controlplane_errc::bad_channel_id);
}

TEST_F(channel_init, a_token_never_outlives_the_init_window) {
  auto options = sample_options();
  for (const std::int64_t lifetime : {119, 120}) {
    options.token_lifetime = seconds{lifetime};
    EXPECT_EQ(count(verify(issue(options).client)->exp), now_s + lifetime);
  }
  for (const auto lifetime : {seconds{121}, seconds{86400}, seconds::max()}) {
    options.token_lifetime = lifetime;
    EXPECT_EQ(count(verify(issue(options).client)->exp), now_s + 120) << lifetime.count();
  }
}

TEST_F(channel_init, zero_stands_for_the_default_times) {
  auto options = sample_options();
  options.token_lifetime = seconds{0};
  options.idle_timeout = seconds{0};
  const auto grants = issue(options);
  EXPECT_EQ(grants.client.idle_timeout_seconds, 60);
  EXPECT_EQ(count(verify(grants.client)->exp), now_s + 60);
}

TEST_F(channel_init, refuses_bad_options_in_order_before_the_channel_id) {
  channel_init_options options;
  options.token_lifetime = seconds{-1};
  options.idle_timeout = seconds{-1};
  options.clock_skew = milliseconds{-1};
  options.allowed_suites = {static_cast<crypto::suite>(3)};
  EXPECT_EQ(refusal(options, ""), controlplane_errc::missing_tunnel_url);
  options.tunnel_url = "u";
  EXPECT_EQ(refusal(options, ""), controlplane_errc::missing_audience);
  options.audience = "a";
  EXPECT_EQ(refusal(options, ""), controlplane_errc::missing_issuer);
  options.issuer = "i";
  EXPECT_EQ(refusal(options, ""), controlplane_errc::bad_token_lifetime);
  options.token_lifetime = seconds{1};
  EXPECT_EQ(refusal(options, ""), controlplane_errc::bad_idle_timeout);
  options.idle_timeout = seconds{1};
  EXPECT_EQ(refusal(options, ""), controlplane_errc::bad_clock_skew);
  options.clock_skew = milliseconds{0};
  EXPECT_EQ(refusal(options, ""), controlplane_errc::bad_suite);
  options.allowed_suites.clear();
  EXPECT_EQ(refusal(options, ""), controlplane_errc::bad_channel_id);
}

TEST_F(channel_init, idle_timeout_fits_32_bits) {
  auto options = sample_options();
  options.idle_timeout = seconds{2147483647};
  EXPECT_EQ(issue(options).client.idle_timeout_seconds, 2147483647);
  options.idle_timeout = seconds{2147483648};
  EXPECT_EQ(refusal(options), controlplane_errc::bad_idle_timeout);
}

TEST_F(channel_init, texts_must_be_valid_utf8) {
  for (const auto member :
       {&channel_init_options::tunnel_url, &channel_init_options::audience, &channel_init_options::issuer}) {
    auto options = sample_options();
    options.*member = "\xc3";
    EXPECT_TRUE(refusal(options));
  }
}

TEST_F(channel_init, suites_keep_their_order_without_repetitions) {
  using crypto::suite;
  auto options = sample_options();
  options.allowed_suites = {suite::p256, suite::x25519, suite::p256};
  const auto grants = issue(options);
  EXPECT_EQ(grants.client.allowed_suites,
            (std::vector{wire::suite::p256_hkdf_sha256_aes_256_gcm, wire::suite::x25519_hkdf_sha256_aes_256_gcm}));
  EXPECT_EQ(grants.client.default_suite, wire::suite::p256_hkdf_sha256_aes_256_gcm) << "the first allowed one";
  options.default_suite = suite::x25519;
  EXPECT_EQ(issue(options).client.default_suite, wire::suite::x25519_hkdf_sha256_aes_256_gcm);
  options.allowed_suites = {suite::p256};
  EXPECT_EQ(refusal(options), controlplane_errc::bad_suite) << "the default is not allowed";
  options.allowed_suites.clear();
  options.default_suite = suite::p256;
  EXPECT_EQ(refusal(options), controlplane_errc::bad_suite) << "only X25519 is allowed when nothing was said";
  for (const int unknown : {3, 65535}) {
    options.allowed_suites = {suite::x25519, static_cast<suite>(unknown)};
    options.default_suite.reset();
    EXPECT_EQ(refusal(options), controlplane_errc::bad_suite) << unknown;
  }
}

TEST_F(channel_init, a_suite_of_zero_counts_as_none) {
  using crypto::suite;
  auto options = sample_options();
  options.allowed_suites = {suite{}, suite::p256, suite{}, suite::x25519};
  options.default_suite = suite{};
  const auto grants = issue(options);
  EXPECT_EQ(grants.client.allowed_suites,
            (std::vector{wire::suite::p256_hkdf_sha256_aes_256_gcm, wire::suite::x25519_hkdf_sha256_aes_256_gcm}));
  EXPECT_EQ(grants.client.default_suite, wire::suite::p256_hkdf_sha256_aes_256_gcm) << "the first allowed one";
  options.allowed_suites = {suite{}};
  EXPECT_EQ(refusal(options), controlplane_errc::bad_suite) << "nothing is left";
}

TEST_F(channel_init, texts_are_used_as_they_are) {
  auto options = sample_options();
  for (const auto* url : {" wss://t ", " "}) {
    options.tunnel_url = url;
    EXPECT_EQ(issue(options).client.tunnel_url, url);
  }
  options.audience = " aud ";
  EXPECT_EQ(verify(issue(options).client).error(), token::token_errc::wrong_audience);
  options.audience = " ";
  EXPECT_TRUE(refusal(options)) << "no token is for nobody";
}

TEST_F(channel_init, every_random_draw_is_checked) {
  for (int good_calls = 0; good_calls < 3; ++good_calls) {  // pre-shared key, then a token id for each role
    seeded_random dying{1, good_calls};
    EXPECT_EQ(issue_channel(issuer, sample_options(), "c", dying, now).error(), controlplane_errc::no_randomness)
        << good_calls;
  }
  seeded_random enough{1, 3};
  EXPECT_TRUE(issue_channel(issuer, sample_options(), "c", enough, now).has_value());
  seeded_random dead{1, 0};
  EXPECT_EQ(random_channel_id(dead).error(), controlplane_errc::no_randomness);
  EXPECT_EQ(random_channel_id(random).value().size(), 32U);
}

TEST_F(channel_init, a_clock_before_1970_makes_no_tokens) {
  EXPECT_EQ(issue_channel(issuer, sample_options(), "c", random, unix_seconds{0}).error(), token::token_errc::bad_time);
}

class reissue : public channel_init {
 protected:
  const wire::channel_init_grant grant = std::move(issue().client);
  const std::int64_t init_exp = grant.channel_init_expire_at_unix_s;

  result<wire::channel_init_grant> again(std::int64_t at, const channel_init_options& options = sample_options()) {
    return reissue_grant(issuer, options, grant, random, unix_seconds{at});
  }
};

TEST_F(reissue, changes_the_token_and_nothing_else) {
  auto renewed = again(now_s + 50).value().clone();
  const auto old_token = verify(grant, now_s + 50).value();
  const auto new_token = verify(renewed, now_s + 50).value();
  EXPECT_NE(new_token.token_id, old_token.token_id);
  EXPECT_EQ(count(new_token.iat), now_s + 50);
  EXPECT_EQ(count(new_token.exp), now_s + 110);
  EXPECT_EQ(new_token.init_exp, old_token.init_exp);
  EXPECT_EQ(new_token.idle_timeout, old_token.idle_timeout);
  renewed.token = grant.token.clone();
  EXPECT_EQ(encode(renewed), encode(grant));
}

TEST_F(reissue, expiry_is_capped_at_the_init_window) {
  EXPECT_EQ(count(verify(again(now_s + 61).value(), now_s + 61)->exp), init_exp);
}

TEST_F(reissue, works_until_init_exp_plus_skew_inclusive) {
  EXPECT_TRUE(again(init_exp).has_value());
  EXPECT_EQ(again(init_exp + 1).error(), controlplane_errc::channel_init_expired);
  auto options = sample_options();
  options.clock_skew = milliseconds{29001};
  const auto last = again(init_exp + 30, options);
  ASSERT_TRUE(last.has_value()) << "the skew is rounded up";
  EXPECT_EQ(again(init_exp + 31, options).error(), controlplane_errc::channel_init_expired);
  const auto token = verify(*last, init_exp + 30).value();
  EXPECT_EQ(count(token.iat), init_exp) << "the issue time is clamped to the init window";
  EXPECT_EQ(count(token.exp), init_exp);
}

TEST_F(reissue, does_not_need_a_tunnel_url) {
  auto options = sample_options();
  options.tunnel_url.clear();
  EXPECT_EQ(again(now_s, options).value().tunnel_url, grant.tunnel_url);
}

TEST_F(reissue, refuses_bad_options) {
  const auto refused_with = [this](auto change) {
    auto options = sample_options();
    change(options);
    return again(now_s, options).error();
  };
  EXPECT_EQ(refused_with([](auto& options) { options.audience.clear(); }), controlplane_errc::missing_audience);
  EXPECT_EQ(refused_with([](auto& options) { options.issuer.clear(); }), controlplane_errc::missing_issuer);
  EXPECT_EQ(refused_with([](auto& options) { options.clock_skew = milliseconds{-1}; }),
            controlplane_errc::bad_clock_skew);
  EXPECT_EQ(refused_with([](auto& options) { options.token_lifetime = seconds{-1}; }),
            controlplane_errc::bad_token_lifetime);
}

TEST_F(reissue, refuses_bad_grants) {
  const auto refused_with = [this](auto change) {
    auto bad = grant.clone();
    change(bad);
    return reissue_grant(issuer, sample_options(), bad, random, now).error();
  };
  EXPECT_EQ(refused_with([](auto& bad) { bad.idle_timeout_seconds = 0; }), controlplane_errc::bad_idle_timeout);
  EXPECT_EQ(refused_with([](auto& bad) { bad.role = wire::role{}; }), token::token_errc::bad_role);
  EXPECT_EQ(refused_with([](auto& bad) { bad.channel_id = " "; }), token::token_errc::bad_channel_id);
  EXPECT_EQ(refused_with([](auto& bad) { bad.channel_init_expire_at_unix_s = 0; }),
            controlplane_errc::channel_init_expired);
  EXPECT_EQ(
      refused_with([](auto& bad) { bad.channel_init_expire_at_unix_s = std::numeric_limits<std::int64_t>::max(); }),
      token::token_errc::bad_time);
}

TEST_F(reissue, a_dead_random_source_is_reported) {
  seeded_random dead{1, 0};
  EXPECT_EQ(reissue_grant(issuer, sample_options(), grant, dead, now).error(), controlplane_errc::no_randomness);
}

}  // namespace
}  // namespace flowersec::controlplane
