// Signing: what an issuer refuses to sign, and the exact bytes of what it does.
#include "flowersec/token/sign.h"

#include "unit/token/fixtures.h"

namespace flowersec::token {
namespace {

using messages::token::v1::token_payload;

token_payload sample() { return messages::token::v1::decode_token_payload(vector_payload).value(); }

template <class Change>
error_code refusal_of(Change change) {
  auto payload = sample();
  change(payload);
  const auto token = sign_token(std::move(payload), vector_key());
  return token ? error_code{} : token.error();
}

std::string payload_text_of(const messages::sensitive_text& token) {
  const auto text = token.view();
  const auto end = text.rfind('.');
  return std::string{as_text(flowersec::testing::b64u(text.substr(5, end - 5)))};
}

TEST(sign_token, gives_the_vector_byte_for_byte) {
  EXPECT_EQ(sign_token(sample(), vector_key()).value().view(), vector_token);
}

TEST(sign_token, writes_kid_and_channel_id_trimmed_and_the_rest_as_given) {
  auto payload = sample();
  payload.kid = " spec-k1 ";
  payload.channel_id = "\tchan-spec\u00a0";
  EXPECT_EQ(sign_token(payload, vector_key()).value().view(), vector_token);
  payload.aud = " tunnel:spec ";
  payload.token_id = " t ";
  const auto text = payload_text_of(sign_token(payload, vector_key()).value());
  EXPECT_NE(text.find(R"("aud":" tunnel:spec ")"), std::string::npos);
  EXPECT_NE(text.find(R"("token_id":" t ")"), std::string::npos);
}

TEST(sign_token, leaves_an_empty_issuer_out) {
  auto payload = sample();
  payload.iss = "";
  EXPECT_EQ(payload_text_of(sign_token(payload, vector_key()).value()).find("iss"), std::string::npos);
}

TEST(sign_token, refuses_bad_texts) {
  EXPECT_EQ(refusal_of([](auto& payload) { payload.kid = " "; }), token_errc::bad_kid);
  EXPECT_EQ(refusal_of([](auto& payload) { payload.kid = "\xff"; }), token_errc::bad_kid);
  EXPECT_EQ(refusal_of([](auto& payload) { payload.aud = ""; }), token_errc::bad_audience);
  EXPECT_EQ(refusal_of([](auto& payload) { payload.aud = "\u2003"; }), token_errc::bad_audience);
  EXPECT_EQ(refusal_of([](auto& payload) { payload.iss = "\xc0\xaf"; }), token_errc::bad_issuer);
  EXPECT_EQ(refusal_of([](auto& payload) { payload.channel_id = "\n"; }), token_errc::bad_channel_id);
  EXPECT_EQ(refusal_of([](auto& payload) { payload.channel_id = std::string(257, 'c'); }), token_errc::bad_channel_id);
  EXPECT_FALSE(refusal_of([](auto& payload) { payload.channel_id = " " + std::string(256, 'c'); }));
  EXPECT_EQ(refusal_of([](auto& payload) { payload.token_id = " "; }), token_errc::bad_token_id);
}

TEST(sign_token, refuses_bad_numbers) {
  for (const int role : {0, 3, 255}) {
    EXPECT_EQ(refusal_of([role](auto& payload) { payload.role = static_cast<std::uint8_t>(role); }),
              token_errc::bad_role);
  }
  for (const std::int64_t time : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{9007199254740992}}) {
    EXPECT_EQ(refusal_of([time](auto& payload) { payload.iat = time; }), token_errc::bad_time) << time;
    EXPECT_EQ(refusal_of([time](auto& payload) { payload.exp = time; }), token_errc::bad_time) << time;
    EXPECT_EQ(refusal_of([time](auto& payload) { payload.init_exp = time; }), token_errc::bad_time) << time;
  }
  EXPECT_FALSE(refusal_of([](auto& payload) { payload.init_exp = 9007199254740991; }));
  EXPECT_FALSE(refusal_of([](auto& payload) { payload.exp = payload.init_exp; }));
  EXPECT_EQ(refusal_of([](auto& payload) { payload.exp = payload.init_exp + 1; }), token_errc::exp_after_init);
  EXPECT_FALSE(refusal_of([](auto& payload) { payload.iat = payload.exp; }));
  EXPECT_EQ(refusal_of([](auto& payload) { payload.iat = payload.exp + 1; }), token_errc::iat_after_exp);
  EXPECT_EQ(refusal_of([](auto& payload) { payload.idle_timeout_seconds = 0; }), token_errc::bad_idle_timeout);
  EXPECT_EQ(refusal_of([](auto& payload) { payload.idle_timeout_seconds = -1; }), token_errc::bad_idle_timeout);
}

TEST(sign_token, what_it_signs_verifies_whatever_the_text) {
  auto payload = sample();
  payload.channel_id = "K\u00e4nal \"\\/\n\u2028<&>\U0001F33C";
  payload.token_id = std::string("\0\x01", 2);
  const auto token = sign_token(payload, vector_key()).value();
  const auto verified = verify_token(token.view(), vector_keys(), vector_options(), at(1800000030));
  ASSERT_TRUE(verified.has_value()) << verified.error().message();
  EXPECT_EQ(verified->channel_id, payload.channel_id);
}

}  // namespace
}  // namespace flowersec::token
