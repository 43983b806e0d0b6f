// The protocol's token vector as a starting point for damage.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "flowersec/base/base64url.h"
#include "flowersec/crypto/sign.h"
#include "flowersec/token/sign.h"
#include "flowersec/token/verify.h"
#include "support/literals.h"

namespace flowersec::token {

inline constexpr std::string_view vector_payload =
    R"({"kid":"spec-k1","aud":"tunnel:spec","iss":"issuer:spec","channel_id":"chan-spec","role":2,"token_id":"tid-spec",)"
    R"("init_exp":1800000120,"idle_timeout_seconds":45,"iat":1800000000,"exp":1800000060})";
inline constexpr std::string_view vector_token =
    "FST2.eyJraWQiOiJzcGVjLWsxIiwiYXVkIjoidHVubmVsOnNwZWMiLCJpc3MiOiJpc3N1ZXI6c3BlYyIsImNoYW5uZWxfaWQiOiJjaGFuLXNwZWMi"
    "LCJyb2xlIjoyLCJ0b2tlbl9pZCI6InRpZC1zcGVjIiwiaW5pdF9leHAiOjE4MDAwMDAxMjAsImlkbGVfdGltZW91dF9zZWNvbmRzIjo0NSwiaWF0"
    "IjoxODAwMDAwMDAwLCJleHAiOjE4MDAwMDAwNjB9.8aukrT7kVHDdDINP-f0IloM4nLsdl0AHF8fLjZ1Ys_fJ_bxwhP1dWdljmS31LyVQWpjJIMGQ"
    "KkWXCCxtUOXQCg";

inline crypto::ed25519_signing_key key_from_hex(std::string_view seed) {
  const auto bytes = flowersec::testing::hex(seed);
  return crypto::ed25519_signing_key::from_seed(byte_view{bytes}.first<crypto::ed25519_seed_bytes>());
}

inline crypto::ed25519_signing_key vector_key() {
  return key_from_hex("202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f");
}

inline keyset vector_keys() {
  keyset keys;
  keys.add("spec-k1", vector_key().public_key());
  return keys;
}

inline verifier_options vector_options() {
  return {.audience = "tunnel:spec", .issuer = "issuer:spec", .clock_skew = std::chrono::seconds{30}};
}

inline wall_time at(std::int64_t seconds, std::chrono::nanoseconds fraction = std::chrono::nanoseconds{0}) {
  return wall_time{std::chrono::duration_cast<wall_time::duration>(std::chrono::seconds{seconds} + fraction)};
}

/// Signs any bytes as a payload, for payloads that sign_token would refuse to make.
inline std::string signed_raw(std::string_view payload) {
  auto text = "FST2." + encode_base64url(as_bytes(payload));
  const auto signature = vector_key().sign(as_bytes(text));
  return text + "." + encode_base64url(signature);
}

inline error_code refusal(const result<verified_token>& verified) { return verified ? error_code{} : verified.error(); }

}  // namespace flowersec::token
