// Keyset files: what loads, and the words for what does not.
#include "flowersec/token/keyset.h"

#include "unit/token/fixtures.h"

namespace flowersec::token {
namespace {

const std::string key_text = "Kay64UG8yvCyLhqU000LxzYeUm0L_hLIl5S8kyKWbdc";

std::string entry(std::string_view kid, std::string_view key = key_text) {
  return R"({"kid":")" + std::string{kid} + R"(","pubkey_b64u":")" + std::string{key} + R"("})";
}

std::string file(std::string_view entries) { return R"({"keys":[)" + std::string{entries} + "]}"; }

std::string refusal_text(const std::string& text) {
  const auto keys = keyset::parse(text);
  return keys ? "accepted" : keys.error().text;
}

TEST(keyset, loads_a_file_and_finds_keys_by_id) {
  const auto keys = keyset::parse(file(entry("k2") + "," + entry("k1")));
  ASSERT_TRUE(keys.has_value()) << keys.error().text;
  EXPECT_EQ(keys->size(), 2U);
  EXPECT_EQ(keys->kids(), (std::vector<std::string>{"k1", "k2"}));
  ASSERT_NE(keys->find("k1"), nullptr);
  EXPECT_EQ(*keys->find("k1"), vector_key().public_key());
  EXPECT_EQ(keys->find("K1"), nullptr);
  EXPECT_EQ(keys->find(""), nullptr);
  EXPECT_EQ(keys->find("k1 "), nullptr);
}

TEST(keyset, add_refuses_a_taken_id) {
  keyset keys;
  EXPECT_TRUE(keys.add("k", vector_key().public_key()));
  EXPECT_FALSE(keys.add("k", crypto::ed25519_public_key{}));
  EXPECT_EQ(*keys.find("k"), vector_key().public_key());
}

TEST(keyset, unknown_keys_and_white_space_between_tokens_are_ignored) {
  EXPECT_EQ(refusal_text(" {\n\"v\":1,\"keys\" : [ {\"kid\":\"k\",\"use\":\"sig\",\"pubkey_b64u\":\"" + key_text +
                         "\"} ]\n}\n"),
            "accepted");
}

TEST(keyset, a_key_that_is_no_point_loads_but_verifies_nothing) {
  const auto keys = keyset::parse(file(entry("spec-k1", encode_base64url(byte_buffer(32)))));
  ASSERT_TRUE(keys.has_value());
  EXPECT_EQ(refusal(verify_token(vector_token, *keys, vector_options(), at(1800000030))), token_errc::bad_signature);
}

TEST(keyset, refusals_name_entry_and_defect) {
  EXPECT_EQ(refusal_text(file("")), "keys: at least one entry is needed");
  EXPECT_EQ(refusal_text(file(entry("a") + "," + entry("b") + "," + entry("a"))), "keys[2] (kid \"a\"): duplicate kid");
  EXPECT_EQ(refusal_text(file(entry(""))), "keys[0] (kid \"\"): kid is empty");
  EXPECT_EQ(refusal_text(file(entry(" "))), "keys[0] (kid \" \"): kid has white space around it");
  EXPECT_EQ(refusal_text(file(entry("a") + "," + entry("b "))), "keys[1] (kid \"b \"): kid has white space around it");
  EXPECT_EQ(refusal_text(file(entry("\u00a0b"))), "keys[0] (kid \"\u00a0b\"): kid has white space around it");
  EXPECT_EQ(refusal_text(file(entry("a", ""))), "keys[0] (kid \"a\"): pubkey_b64u is empty");
  EXPECT_EQ(refusal_text(file(entry("a", " " + key_text))),
            "keys[0] (kid \"a\"): pubkey_b64u has white space around it");
  EXPECT_EQ(refusal_text(file(entry("a", key_text + "="))), "keys[0] (kid \"a\"): pubkey_b64u is not base64url");
  EXPECT_EQ(refusal_text(file(entry("a", key_text.substr(0, 42) + "d"))),
            "keys[0] (kid \"a\"): pubkey_b64u is not base64url")
      << "unused bits set";
  EXPECT_EQ(refusal_text(file(entry("a", encode_base64url(byte_buffer(31))))),
            "keys[0] (kid \"a\"): pubkey_b64u stands for 31 bytes instead of 32");
  EXPECT_EQ(refusal_text(file(entry("a", encode_base64url(byte_buffer(33))))),
            "keys[0] (kid \"a\"): pubkey_b64u stands for 33 bytes instead of 32");
}

TEST(keyset, refusals_of_the_json_name_the_place) {
  EXPECT_EQ(refusal_text(R"({"keys":[{"kid":"a"}]})"), "keys[0]: bad KeysetEntry.pubkey_b64u");
  EXPECT_EQ(refusal_text(R"({"keys":[{"kid":null,"pubkey_b64u":"x"}]})"), "keys[0]: bad KeysetEntry.kid");
  EXPECT_EQ(refusal_text(R"({"keys":[null]})"), "keys[0]: bad KeysetFile.keys[]");
  EXPECT_EQ(refusal_text("{}"), "bad KeysetFile.keys");
  EXPECT_NE(refusal_text("").find("KeysetFile: "), std::string::npos);
  const auto valid = file(entry("a"));
  for (std::size_t size = 0; size < valid.size(); ++size) {
    EXPECT_NE(refusal_text(valid.substr(0, size)), "accepted") << size;
  }
  EXPECT_NE(refusal_text(valid + valid), "accepted");
}

TEST(keyset, every_refusal_has_the_same_code) {
  EXPECT_EQ(keyset::parse("{}").error().code, token_errc::bad_keyset);
  EXPECT_EQ(keyset::parse(file(entry(""))).error().code, token_errc::bad_keyset);
}

TEST(keyset, a_file_above_one_mebibyte_is_not_parsed) {
  const auto valid = file(entry("a"));
  const auto padded = valid + std::string(messages::max_text_bytes - valid.size(), ' ');
  EXPECT_EQ(refusal_text(padded), "accepted");
  EXPECT_NE(refusal_text(padded + " "), "accepted");
}

}  // namespace
}  // namespace flowersec::token
