// The protocol's token vectors: one embedded, and those of testdata/token, which TypeScript signs as well.
#include <boost/json/serialize.hpp>

#include "support/testdata.h"
#include "unit/token/fixtures.h"

namespace flowersec::token {
namespace {

namespace json = boost::json;

struct signing_case {
  std::string name, seed, payload, token;
};

const signing_case basic{
    "token_sign_basic", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    R"({"kid":"k1","aud":"flowersec-tunnel:dev","iss":"issuer-dev","channel_id":"chan_test_123","role":1,)"
    R"("token_id":"tok_test_1","init_exp":1700000000,"idle_timeout_seconds":60,"iat":1699999900,"exp":1699999960})",
    "FST2.eyJraWQiOiJrMSIsImF1ZCI6ImZsb3dlcnNlYy10dW5uZWw6ZGV2IiwiaXNzIjoiaXNzdWVyLWRldiIsImNoYW5uZWxfaWQiOiJjaGFuX3Rl"
    "c3RfMTIzIiwicm9sZSI6MSwidG9rZW5faWQiOiJ0b2tfdGVzdF8xIiwiaW5pdF9leHAiOjE3MDAwMDAwMDAsImlkbGVfdGltZW91dF9zZWNvbmRz"
    "Ijo2MCwiaWF0IjoxNjk5OTk5OTAwLCJleHAiOjE2OTk5OTk5NjB9.OCJtBmTln5TXsyKrTe6QnustwPlEHw_uA2bgoajAi437n4B4W_F1lUVW7tFT"
    "azsXrc4pjVvoZeabIPxdx_HNDQ"};

void check(const signing_case& each) {
  SCOPED_TRACE(each.name);
  const auto payload = messages::token::v1::decode_token_payload(each.payload);
  ASSERT_TRUE(payload.has_value()) << payload.error().text();
  const auto key = key_from_hex(each.seed);
  EXPECT_EQ(sign_token(*payload, key).value().view(), each.token);

  keyset keys;
  keys.add(payload->kid, key.public_key());
  const verifier_options options{.audience = payload->aud, .issuer = payload->iss};
  const auto verify_at = [&](std::int64_t now, const verifier_options& expected) {
    return refusal(verify_token(each.token, keys, expected, at(now)));
  };
  EXPECT_FALSE(verify_at(payload->iat, options));
  EXPECT_FALSE(verify_at(payload->exp, options));
  EXPECT_EQ(verify_at(payload->iat - 31, options), token_errc::issued_in_future);
  EXPECT_EQ(verify_at(payload->exp + 31, options), token_errc::expired);
  EXPECT_EQ(verify_at(payload->iat, {.audience = "other", .issuer = payload->iss}), token_errc::wrong_audience);
  EXPECT_EQ(verify_at(payload->iat, {.audience = payload->aud, .issuer = "other"}), token_errc::wrong_issuer);
  keyset others;
  others.add(payload->kid, key_from_hex(std::string(64, '3')).public_key());
  EXPECT_EQ(refusal(verify_token(each.token, others, options, at(payload->iat))), token_errc::bad_signature);
}

TEST(token_vectors, embedded_case_holds) { check(basic); }

TEST(token_vectors, shared_tokens_are_signed_the_same) {
  const auto file = testing::testdata("token/vectors.json");
  ASSERT_FALSE(file.at("sign").as_array().empty());
  for (const auto& each : file.at("sign").as_array()) {
    const auto& inputs = each.at("inputs");
    check({testing::text_at(each, "case_id"), testing::text_at(inputs, "ed25519_seed_hex"),
           json::serialize(inputs.at("payload")), testing::text_at(each.at("expected"), "token")});
  }
}

TEST(token_vectors, shared_texts_that_are_no_tokens_are_refused) {
  const auto file = testing::testdata("token/vectors.json");
  ASSERT_FALSE(file.at("refused_texts").as_array().empty());
  keyset keys;
  keys.add("k1", key_from_hex(basic.seed).public_key());
  for (const auto& row : file.at("refused_texts").as_array()) {
    EXPECT_TRUE(refusal(verify_token(testing::text_at(row, "text"), keys,
                                     {.audience = "flowersec-tunnel:dev", .issuer = "issuer-dev"}, at(1699999900))))
        << row;
  }
}

}  // namespace
}  // namespace flowersec::token
