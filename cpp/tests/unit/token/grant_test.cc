// Grants on their way to a connect: each rule, in order.
#include "flowersec/token/grant.h"

#include <gtest/gtest.h>

#include <type_traits>

#include "support/literals.h"

namespace flowersec::token {
namespace {

using messages::sensitive_text;
using messages::controlplane::v1::channel_init_grant;
using messages::controlplane::v1::role;
using messages::direct::v1::direct_connect_info;
using wire_suite = messages::controlplane::v1::suite;

static_assert(!std::is_copy_constructible_v<tunnel_credential> && !std::is_copy_constructible_v<direct_credential>);

const std::string psk_text = "EBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8";

channel_init_grant sample() {
  return {.tunnel_url = "wss://t/ws",
          .channel_id = "c",
          .channel_init_expire_at_unix_s = 1800000120,
          .idle_timeout_seconds = 60,
          .role = role::client,
          .token = sensitive_text{"FST2.p.s"},
          .e2ee_psk_b64u = sensitive_text{psk_text},
          .allowed_suites = {wire_suite::x25519_hkdf_sha256_aes_256_gcm, wire_suite::p256_hkdf_sha256_aes_256_gcm},
          .default_suite = wire_suite::p256_hkdf_sha256_aes_256_gcm};
}

direct_connect_info sample_info() {
  return {.ws_url = "wss://h/x",
          .channel_id = "c",
          .e2ee_psk_b64u = sensitive_text{psk_text},
          .channel_init_expire_at_unix_s = 1800000120,
          .default_suite = messages::direct::v1::suite::x25519_hkdf_sha256_aes_256_gcm};
}

template <class Change>
std::string refusal_of(Change change) {
  auto grant = sample();
  change(grant);
  const auto checked = check_grant(grant, role::client);
  return checked ? "accepted" : name_of(static_cast<grant_errc>(checked.error().value()));
}

template <class Change>
std::string refusal_of_info(Change change) {
  auto info = sample_info();
  change(info);
  const auto checked = check_direct_info(info);
  return checked ? "accepted" : name_of(static_cast<grant_errc>(checked.error().value()));
}

TEST(check_grant, gives_typed_trimmed_values) {
  auto grant = sample();
  grant.tunnel_url = " wss://t/ws ";
  grant.channel_id = "\tc\u00a0";
  grant.token = sensitive_text{" FST2.p.s\n"};
  grant.e2ee_psk_b64u = sensitive_text{" " + psk_text};
  const auto checked = check_grant(grant, role::client);
  ASSERT_TRUE(checked.has_value()) << checked.error().message();
  EXPECT_EQ(checked->tunnel_url, "wss://t/ws");
  EXPECT_EQ(checked->channel_id, "c");
  EXPECT_EQ(count(checked->init_exp), 1800000120);
  EXPECT_EQ(checked->idle_timeout, std::chrono::seconds{60});
  EXPECT_EQ(checked->role, role::client);
  EXPECT_EQ(checked->token.view(), "FST2.p.s");
  EXPECT_EQ(checked->psk.to_base64url(), psk_text);
  EXPECT_EQ(checked->suite, crypto::suite::p256);
}

TEST(check_grant, refuses_each_broken_rule_by_its_public_name) {
  EXPECT_EQ(refusal_of([](auto& grant) { grant.role = role::server; }), "role_mismatch");
  EXPECT_EQ(refusal_of([](auto& grant) { grant.tunnel_url = " "; }), "missing_tunnel_url");
  EXPECT_EQ(refusal_of([](auto& grant) { grant.channel_id = "\u3000"; }), "missing_channel_id");
  EXPECT_EQ(refusal_of([](auto& grant) { grant.channel_id = std::string(256, 'c'); }), "accepted");
  EXPECT_EQ(refusal_of([](auto& grant) { grant.channel_id = std::string(257, 'c'); }), "invalid_input");
  EXPECT_EQ(refusal_of([](auto& grant) { grant.token = sensitive_text{"\t"}; }), "missing_token");
  EXPECT_EQ(refusal_of([](auto& grant) { grant.channel_init_expire_at_unix_s = 0; }), "missing_init_exp");
  EXPECT_EQ(refusal_of([](auto& grant) { grant.channel_init_expire_at_unix_s = -1; }), "missing_init_exp");
  EXPECT_EQ(refusal_of([](auto& grant) { grant.channel_init_expire_at_unix_s = 1; }), "accepted");
  EXPECT_EQ(refusal_of([](auto& grant) { grant.allowed_suites.clear(); }), "invalid_suite");
  EXPECT_EQ(refusal_of([](auto& grant) { grant.allowed_suites.pop_back(); }), "invalid_suite");
  EXPECT_EQ(refusal_of([](auto& grant) { grant.allowed_suites.push_back(static_cast<wire_suite>(3)); }),
            "invalid_suite");
  EXPECT_EQ(refusal_of([](auto& grant) { grant.default_suite = wire_suite{}; }), "invalid_suite");
}

TEST(check_grant, a_pre_shared_key_is_exactly_32_bytes) {
  for (std::size_t bytes = 0; bytes <= 64; ++bytes) {
    const auto text = encode_base64url(byte_buffer(bytes));
    EXPECT_EQ(refusal_of([&](auto& grant) { grant.e2ee_psk_b64u = sensitive_text{text}; }),
              bytes == 32 ? "accepted" : "invalid_psk")
        << bytes;
  }
  EXPECT_EQ(refusal_of([](auto& grant) { grant.e2ee_psk_b64u = sensitive_text{psk_text + "="}; }), "invalid_psk");
  EXPECT_EQ(refusal_of([](auto& grant) { grant.e2ee_psk_b64u = sensitive_text{psk_text.substr(0, 42) + "9"}; }),
            "invalid_psk");
}

TEST(check_grant, the_earlier_rule_decides) {
  channel_init_grant grant;
  const auto refusal = [&] {
    const auto checked = check_grant(grant, role::client);
    return std::string{checked ? "accepted" : name_of(static_cast<grant_errc>(checked.error().value()))};
  };
  EXPECT_EQ(refusal(), "role_mismatch");
  grant.role = role::client;
  EXPECT_EQ(refusal(), "missing_tunnel_url");
  grant.tunnel_url = "u";
  EXPECT_EQ(refusal(), "missing_channel_id");
  grant.channel_id = "c";
  EXPECT_EQ(refusal(), "missing_token");
  grant.token = sensitive_text{"t"};
  EXPECT_EQ(refusal(), "missing_init_exp");
  grant.channel_init_expire_at_unix_s = 1;
  EXPECT_EQ(refusal(), "invalid_suite");
  grant.allowed_suites = {wire_suite::x25519_hkdf_sha256_aes_256_gcm};
  grant.default_suite = wire_suite::x25519_hkdf_sha256_aes_256_gcm;
  EXPECT_EQ(refusal(), "invalid_psk");
  grant.e2ee_psk_b64u = sensitive_text{psk_text};
  EXPECT_EQ(refusal(), "accepted");
}

TEST(check_direct_info, gives_typed_trimmed_values) {
  auto info = sample_info();
  info.ws_url = "\nwss://h/x";
  const auto checked = check_direct_info(info);
  ASSERT_TRUE(checked.has_value());
  EXPECT_EQ(checked->ws_url, "wss://h/x");
  EXPECT_EQ(checked->channel_id, "c");
  EXPECT_EQ(checked->psk.to_base64url(), psk_text);
  EXPECT_EQ(checked->suite, crypto::suite::x25519);
}

TEST(check_direct_info, refuses_each_broken_rule_by_its_public_name) {
  EXPECT_EQ(refusal_of_info([](auto& info) { info.ws_url = ""; }), "missing_ws_url");
  EXPECT_EQ(refusal_of_info([](auto& info) { info.channel_id = " "; }), "missing_channel_id");
  EXPECT_EQ(refusal_of_info([](auto& info) { info.channel_id = std::string(257, 'c'); }), "invalid_input");
  EXPECT_EQ(refusal_of_info([](auto& info) { info.channel_init_expire_at_unix_s = 0; }), "missing_init_exp");
  EXPECT_EQ(refusal_of_info([](auto& info) { info.default_suite = {}; }), "invalid_suite");
  EXPECT_EQ(refusal_of_info([](auto& info) { info.e2ee_psk_b64u.wipe(); }), "invalid_psk");
}

}  // namespace
}  // namespace flowersec::token
