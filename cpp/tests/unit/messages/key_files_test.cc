// Token payload, keyset file and private key file: JSON forms.
#include "flowersec/messages/token_v1.h"
#include "unit/messages/decoding.h"

namespace flowersec::messages::token::v1 {
namespace {

using flowersec::testing::with_raw_member;
using flowersec::testing::without_member;

const std::string payload_text =
    R"({"kid":"spec-k1","aud":"tunnel:spec","iss":"issuer:spec","channel_id":"chan-spec","role":2,"token_id":"tid-spec",)"
    R"("init_exp":1800000120,"idle_timeout_seconds":45,"iat":1800000000,"exp":1800000060})";
const std::string key_file = "{\n  \"kid\": \"k1\",\n  \"privkey_b64u\": \"AAAA\"\n}";

constexpr auto decode_payload = [](std::string_view text) { return decode_token_payload(text); };
constexpr auto decode_key_file = [](std::string_view text) { return decode_private_key_file(text); };
constexpr auto decode_keyset = [](std::string_view text) { return decode_keyset_file(text); };

TEST(token_payload, is_strict_and_survives_a_round_trip) {
  const auto payload = decode_token_payload(payload_text);
  ASSERT_TRUE(payload.has_value());
  EXPECT_EQ(encode(*payload), payload_text);
  expect_refuses_broken_texts(decode_payload, payload_text);
  expect_refuses_broken_members(decode_payload, payload_text, {"iss"});
}

TEST(token_payload, issuer_is_left_out_when_empty) {
  auto payload = *decode_token_payload(payload_text);
  const auto without_issuer = without_member(payload_text, "iss");
  payload.iss = "";
  EXPECT_EQ(encode(payload), without_issuer);
  payload.iss.reset();
  EXPECT_EQ(encode(payload), without_issuer);
  EXPECT_EQ(*decode_token_payload(without_issuer), payload);
  EXPECT_EQ(*decode_token_payload(with_raw_member(payload_text, "iss", "null")), payload);
}

TEST(token_payload, role_is_any_byte_and_no_more) {
  for (const auto* raw : {"0", "3", "255"}) {
    EXPECT_TRUE(decode_token_payload(with_raw_member(payload_text, "role", raw)).has_value()) << raw;
  }
  for (const auto* raw : {"256", "257", "-1"}) {
    EXPECT_FALSE(decode_token_payload(with_raw_member(payload_text, "role", raw)).has_value()) << raw;
  }
}

TEST(keyset_file, is_written_indented_without_a_final_newline) {
  EXPECT_EQ(encode(keyset_file{{{"k1", "AAAA"}, {"k2", "BBBB"}}}),
            "{\n  \"keys\": [\n    {\n      \"kid\": \"k1\",\n      \"pubkey_b64u\": \"AAAA\"\n    },\n"
            "    {\n      \"kid\": \"k2\",\n      \"pubkey_b64u\": \"BBBB\"\n    }\n  ]\n}");
  EXPECT_EQ(encode(keyset_file{}), "{\n  \"keys\": []\n}");
}

TEST(keyset_file, survives_a_round_trip) {
  const keyset_file file{{{"k\"1\n", "AAAA"}, {"", ""}}};
  const auto decoded = decode_keyset_file(encode(file));
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->keys, file.keys);
}

TEST(keyset_file, refuses_every_truncation_and_every_trailing_byte) {
  expect_refuses_broken_texts(decode_keyset, encode(keyset_file{{{"k1", "AAAA"}}}));
}

TEST(keyset_file, names_the_message_and_the_field) {
  const auto refused = [](std::string_view text) {
    const auto file = decode_keyset_file(text);
    if (file) return std::string{"accepted"};
    return (file.error().place.empty() ? "" : file.error().place + ": ") + file.error().text();
  };
  EXPECT_EQ(refused("{}"), "bad KeysetFile.keys");
  EXPECT_EQ(refused(R"({"keys":null})"), "bad KeysetFile.keys");
  EXPECT_EQ(refused(R"({"keys":{}})"), "bad KeysetFile.keys");
  EXPECT_EQ(refused(R"({"keys":[1]})"), "keys[0]: bad KeysetFile.keys[]");
  EXPECT_EQ(refused(R"({"keys":[{"kid":"a","pubkey_b64u":"x"},{"pubkey_b64u":"x"}]})"), "keys[1]: bad KeysetEntry.kid");
  EXPECT_EQ(refused(R"({"keys":[{"kid":"a","pubkey_b64u":7}]})"), "keys[0]: bad KeysetEntry.pubkey_b64u");
  EXPECT_EQ(refused(R"({"x":1,"keys":[{"kid":"a","pubkey_b64u":"x","y":2}]})"), "accepted") << "strangers are ignored";
}

TEST(private_key_file, is_written_indented_without_a_final_newline) {
  EXPECT_EQ(encode(private_key_file{"k1", sensitive_text{"AAAA"}}), key_file);
}

TEST(private_key_file, is_strict_and_survives_a_round_trip) {
  const auto file = decode_private_key_file(key_file);
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->kid, "k1");
  EXPECT_EQ(file->privkey_b64u.view(), "AAAA");
  EXPECT_EQ(encode(*file), key_file);
  expect_refuses_broken_texts(decode_key_file, key_file);
  expect_refuses_broken_members(decode_key_file, key_file);
}

TEST(private_key_file, an_unknown_key_is_an_error) {
  const auto file = decode_private_key_file(R"({"kid":"k1","privkey_b64u":"AAAA","extra":1})");
  ASSERT_FALSE(file.has_value());
  EXPECT_EQ(file.error().text(), "bad PrivateKeyFile.extra");
  EXPECT_FALSE(decode_private_key_file(R"({"kid":"k1","privkey_b64u":"AAAA","":1})").has_value());
  EXPECT_FALSE(decode_private_key_file(R"({"kid":"k1","privkey_b64u":"AAAA","KID":"k2"})").has_value());
}

TEST(private_key_file, the_last_of_two_equal_keys_counts) {
  const auto file = decode_private_key_file(R"({"kid":"k1","privkey_b64u":"AAAA","kid":"k2"})");
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->kid, "k2");
}

}  // namespace
}  // namespace flowersec::messages::token::v1
