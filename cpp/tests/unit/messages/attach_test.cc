// The attach message: what an endpoint says to a tunnel, and the field rules a tunnel applies.
#include "flowersec/messages/tunnel_v1.h"

#include "flowersec/base/base64url.h"
#include "unit/messages/decoding.h"

namespace flowersec::messages::tunnel::v1 {
namespace {

using flowersec::testing::with_member;
using flowersec::testing::with_raw_member;
using flowersec::testing::with_text;

const std::string instance_id(24, 'A');

attach sample() {
  attach message;
  message.v = 1;
  message.channel_id = "chan";
  message.role = v1::role::server;
  message.token = sensitive_text{"FST2.a.b"};
  message.endpoint_instance_id = instance_id;
  return message;
}

const std::string valid =
    R"({"v":1,"channel_id":"chan","role":2,"token":"FST2.a.b","endpoint_instance_id":")" + instance_id + R"("})";

constexpr auto decode = [](std::string_view text) { return decode_attach(text); };
constexpr auto read = [](std::string_view text) { return read_attach(text); };

std::string refused_field(std::string_view text) {
  const auto message = read_attach(text);
  return message ? "accepted" : message.error().field;
}

TEST(attach_message, is_written_compact_in_declared_order) { EXPECT_EQ(encode(sample()), valid); }

TEST(attach_message, caps_are_written_only_when_present) {
  auto message = sample();
  message.caps.emplace();
  EXPECT_NE(encode(message).find(R"(,"caps":{}})"), std::string::npos);
  (*message.caps)["b"] = "2";
  (*message.caps)["a"] = "\"1\"";
  EXPECT_NE(encode(message).find(R"(,"caps":{"a":"\"1\"","b":"2"}})"), std::string::npos);
}

TEST(attach_message, survives_a_round_trip) {
  auto message = sample();
  message.channel_id = "K\u00e4nal \"1\"\n\u2028\U0001F33C\x01";
  message.caps = {{"a", ""}, {"", "b"}};
  const auto decoded = decode_attach(encode(message));
  ASSERT_TRUE(decoded.has_value()) << decoded.error().text();
  EXPECT_EQ(encode(*decoded), encode(message));
  EXPECT_EQ(decoded->channel_id, message.channel_id);
  EXPECT_EQ(decoded->role, v1::role::server);
  EXPECT_EQ(decoded->token.view(), "FST2.a.b");
  EXPECT_EQ(decoded->caps, message.caps);
}

TEST(attach_message, refuses_every_truncation_and_every_trailing_byte) { expect_refuses_broken_texts(decode, valid); }
TEST(attach_message, refuses_missing_null_and_mistyped_members) { expect_refuses_broken_members(decode, valid); }
TEST(attach_message, accepts_any_order_white_space_and_strangers) { expect_accepts_harmless_variants(read, valid); }

TEST(attach_message, keys_match_by_exact_case) {
  auto text = valid;
  text.replace(text.find("channel_id"), 10, "CHANNEL_ID");
  EXPECT_EQ(refused_field(text), "channel_id");
}

TEST(attach_message, null_caps_count_as_absent) {
  const auto message = read_attach(with_member(valid, "caps", nullptr));
  ASSERT_TRUE(message.has_value());
  EXPECT_FALSE(message->caps.has_value());
}

TEST(attach_message, caps_must_be_an_object_of_strings) {
  for (const auto* raw :
       {"[]", "\"a\"", "1", "true", R"({"a":1})", R"({"a":null})", R"({"a":{}})", R"({"a":"b","c":[]})"}) {
    EXPECT_EQ(refused_field(with_raw_member(valid, "caps", raw)).substr(0, 4), "caps") << raw;
  }
}

TEST(attach_message, version_must_be_one) {
  for (const auto* raw : {"0", "2", "4294967295"})
    EXPECT_EQ(refused_field(with_raw_member(valid, "v", raw)), "v") << raw;
  for (const auto* raw : {"-1", "4294967296", "01"}) {
    EXPECT_NE(refused_field(with_raw_member(valid, "v", raw)), "accepted") << raw;
  }
}

TEST(attach_message, role_must_be_declared) {
  for (const auto* raw : {"0", "3", "255", "256", "257", "258", "-1", "-254"}) {
    EXPECT_EQ(refused_field(with_raw_member(valid, "role", raw)), "role") << raw;
  }
}

TEST(attach_message, texts_are_trimmed_before_the_rules_apply) {
  auto text = with_text(valid, "channel_id", "\u00a0 c \u3000");
  text = with_text(text, "token", "\tt\n");
  text = with_text(text, "endpoint_instance_id", " " + instance_id + "\u2028");
  const auto message = read_attach(text);
  ASSERT_TRUE(message.has_value()) << message.error().text();
  EXPECT_EQ(message->channel_id, "c");
  EXPECT_EQ(message->token.view(), "t");
  EXPECT_EQ(message->endpoint_instance_id, instance_id);
}

TEST(attach_message, channel_id_is_1_to_256_bytes) {
  EXPECT_EQ(refused_field(with_text(valid, "channel_id", "")), "channel_id");
  EXPECT_EQ(refused_field(with_text(valid, "channel_id", " \t\u2003")), "channel_id");
  EXPECT_EQ(refused_field(with_text(valid, "channel_id", std::string(256, 'c'))), "accepted");
  EXPECT_EQ(refused_field(with_text(valid, "channel_id", std::string(257, 'c'))), "channel_id");
  EXPECT_EQ(refused_field(with_text(valid, "channel_id", std::string(256, 'c') + " ")), "accepted");
  std::string umlauts;
  for (int i = 0; i < 129; ++i) umlauts += "\u00e4";
  EXPECT_EQ(refused_field(with_text(valid, "channel_id", umlauts)), "channel_id") << "258 bytes, 129 characters";
}

TEST(attach_message, token_is_1_to_2048_bytes) {
  EXPECT_EQ(refused_field(with_text(valid, "token", "")), "token");
  EXPECT_EQ(refused_field(with_text(valid, "token", " ")), "token");
  EXPECT_EQ(refused_field(with_text(valid, "token", std::string(2048, 't'))), "accepted");
  EXPECT_EQ(refused_field(with_text(valid, "token", std::string(2049, 't'))), "token");
}

TEST(attach_message, instance_id_is_canonical_base64url_of_16_to_32_bytes) {
  const auto id_of = [](std::size_t bytes) { return encode_base64url(byte_buffer(bytes)); };
  for (const std::size_t bytes : {16, 17, 18, 24, 31, 32}) {
    EXPECT_EQ(refused_field(with_text(valid, "endpoint_instance_id", id_of(bytes))), "accepted") << bytes;
  }
  for (const std::size_t bytes : {0, 1, 15, 33, 48}) {
    EXPECT_EQ(refused_field(with_text(valid, "endpoint_instance_id", id_of(bytes))), "endpoint_instance_id") << bytes;
  }
  const auto good = id_of(16);
  for (const auto& bad : {good + "==", good + "\n" + "AA", good.substr(0, 21) + "B", good.substr(0, 21) + "+",
                          good.substr(0, 21) + "/", std::string(25, 'A'), good.substr(0, 10) + " " + good.substr(10)}) {
    EXPECT_EQ(refused_field(with_text(valid, "endpoint_instance_id", bad)), "endpoint_instance_id") << bad;
  }
}

TEST(attach_message, nesting_is_bounded) {
  const auto nested = [](std::size_t depth) {
    return with_raw_member(valid, "zz", std::string(depth, '[') + std::string(depth, ']'));
  };
  EXPECT_EQ(refused_field(nested(30)), "accepted");
  EXPECT_EQ(refused_field(nested(100)), "");
}

TEST(attach_message, text_above_one_mebibyte_is_not_parsed) {
  const auto padded = valid + std::string(max_text_bytes - valid.size(), ' ');
  EXPECT_TRUE(decode_attach(padded).has_value());
  EXPECT_FALSE(decode_attach(padded + " ").has_value());
}

TEST(attach_message, an_error_names_the_field_and_never_its_value) {
  const auto failure = decode_attach(with_raw_member(valid, "token", R"(["topsecret"])")).error();
  EXPECT_EQ(failure.text(), "bad Attach.token");
  EXPECT_EQ(error_code{failure.code}.category().name(), std::string{"flowersec.messages"});
}

}  // namespace
}  // namespace flowersec::messages::tunnel::v1
