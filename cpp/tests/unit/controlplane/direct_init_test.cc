// Direct init: connect infos and the words for suites.
#include "flowersec/controlplane/direct_init.h"

#include <gtest/gtest.h>

#include "flowersec/token/grant.h"
#include "support/random_sources.h"

namespace flowersec::controlplane {
namespace {

using flowersec::testing::seeded_random;
using std::chrono::seconds;

constexpr unix_seconds now{1800000000};
const std::string psk_text = "EBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8";

direct_init_options sample_options() {
  direct_init_options options;
  options.ws_url = "wss://h/x";
  return options;
}

error_code refusal(const direct_init_options& options, unix_seconds at = now) {
  seeded_random random;
  const auto info = issue_direct(options, random, at);
  return info ? error_code{} : info.error();
}

TEST(direct_init, fills_in_what_was_not_given) {
  seeded_random random;
  const auto first = issue_direct(sample_options(), random, now).value();
  const auto second = issue_direct(sample_options(), random, now).value();
  EXPECT_EQ(first.ws_url, "wss://h/x");
  EXPECT_EQ(first.channel_id.size(), 32U);
  EXPECT_EQ(first.channel_init_expire_at_unix_s, 1800000060);
  EXPECT_EQ(first.default_suite, messages::direct::v1::suite::x25519_hkdf_sha256_aes_256_gcm);
  EXPECT_NE(first.channel_id, second.channel_id);
  EXPECT_NE(first.e2ee_psk_b64u.view(), second.e2ee_psk_b64u.view());
  EXPECT_TRUE(token::check_direct_info(first).has_value());
}

TEST(direct_init, writes_what_was_given) {
  auto options = sample_options();
  options.channel_id = " as given ";
  options.psk = crypto::psk::from_base64url(psk_text);
  options.suite = crypto::suite::p256;
  options.init_window = seconds{1};
  seeded_random unused{1, 0};
  const auto info = issue_direct(options, unused, now).value();
  EXPECT_EQ(encode(info), R"({"ws_url":"wss://h/x","channel_id":" as given ","e2ee_psk_b64u":")" + psk_text +
                              R"(","channel_init_expire_at_unix_s":1800000001,"default_suite":2})");
}

TEST(direct_init, does_not_check_the_length_of_a_channel_id) {
  auto options = sample_options();
  options.channel_id = std::string(300, 'c');
  EXPECT_FALSE(refusal(options));
  options.channel_id = "\xff";
  EXPECT_EQ(refusal(options), controlplane_errc::bad_channel_id);
}

TEST(direct_init, refuses_bad_options) {
  const auto refused_with = [](auto change) {
    auto options = sample_options();
    change(options);
    return refusal(options);
  };
  EXPECT_EQ(refused_with([](auto& options) { options.ws_url.clear(); }), controlplane_errc::missing_ws_url);
  EXPECT_EQ(refused_with([](auto& options) { options.ws_url = "\xff"; }), controlplane_errc::missing_ws_url);
  EXPECT_EQ(refused_with([](auto& options) { options.suite = crypto::suite{}; }), controlplane_errc::bad_suite);
  EXPECT_EQ(refused_with([](auto& options) { options.init_window = seconds{0}; }), controlplane_errc::bad_init_window);
  EXPECT_EQ(refused_with([](auto& options) { options.init_window = seconds{-1}; }), controlplane_errc::bad_init_window);
}

TEST(direct_init, init_window_ends_within_what_json_can_say) {
  constexpr std::int64_t largest = 9007199254740991;
  auto options = sample_options();
  options.init_window = seconds{largest - count(now)};
  EXPECT_FALSE(refusal(options));
  options.init_window += seconds{1};
  EXPECT_EQ(refusal(options), controlplane_errc::bad_init_window);
  options.init_window = seconds::max();
  EXPECT_EQ(refusal(options), controlplane_errc::bad_init_window);
}

TEST(direct_init, every_random_draw_is_checked) {
  for (int good_calls = 0; good_calls < 2; ++good_calls) {
    seeded_random dying{1, good_calls};
    EXPECT_EQ(issue_direct(sample_options(), dying, now).error(), controlplane_errc::no_randomness) << good_calls;
  }
}

TEST(suite_names, are_read_as_people_write_them) {
  for (const auto* name : {"", "  ", "1", "x25519", "X25519", " x25519\t", "X25519_HKDF_SHA256_AES_256_GCM",
                           "Suite_X25519_HKDF_SHA256_AES_256_GCM"}) {
    EXPECT_EQ(parse_suite_name(name), crypto::suite::x25519) << name;
  }
  for (const auto* name :
       {"2", "p256", "P256", "P-256", "p_256", "p256_hkdf_sha256_aes_256_gcm", "SUITE_P256_HKDF_SHA256_AES_256_GCM"}) {
    EXPECT_EQ(parse_suite_name(name), crypto::suite::p256) << name;
  }
}

TEST(suite_names, refuse_anything_else) {
  for (const auto* name :
       {"0", "3", "01", "x-25519", "x448", "p-384", "P 256", "secp256r1", "suite_x25519", "x25519,p256"}) {
    EXPECT_FALSE(parse_suite_name(name).has_value()) << name;
  }
}

}  // namespace
}  // namespace flowersec::controlplane
