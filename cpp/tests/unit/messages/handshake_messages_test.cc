// The JSON payloads of the handshake, and the demo messages.
#include "flowersec/demo/v1/types.gen.h"
#include "flowersec/messages/e2ee_v1.h"
#include "unit/messages/decoding.h"

namespace flowersec::messages {
namespace {

using flowersec::testing::with_raw_member;

const std::string init_text =
    R"({"channel_id":"chan","role":1,"version":1,"suite":2,"client_eph_pub_b64u":"AA","nonce_c_b64u":"BB","client_features":4294967295})";
const std::string resp_text =
    R"({"handshake_id":"h","server_eph_pub_b64u":"AA","nonce_s_b64u":"BB","server_features":0})";
const std::string ack_text = R"({"handshake_id":"h","timestamp_unix_s":1700000000,"auth_tag_b64u":"CC"})";

constexpr auto decode_init = [](std::string_view text) { return e2ee::v1::decode_e2ee_init(text); };
constexpr auto decode_resp = [](std::string_view text) { return e2ee::v1::decode_e2ee_resp(text); };
constexpr auto decode_ack = [](std::string_view text) { return e2ee::v1::decode_e2ee_ack(text); };

template <class Decode>
void expect_strict(Decode decode, const std::string& text) {
  const auto message = decode(text);
  ASSERT_TRUE(message.has_value()) << message.error().text();
  EXPECT_EQ(encode(*message), text);
  expect_refuses_broken_texts(decode, text);
  expect_refuses_broken_members(decode, text);
  expect_accepts_harmless_variants(decode, text);
}

TEST(handshake_messages, init_is_strict_and_survives_a_round_trip) { expect_strict(decode_init, init_text); }
TEST(handshake_messages, resp_is_strict_and_survives_a_round_trip) { expect_strict(decode_resp, resp_text); }
TEST(handshake_messages, ack_is_strict_and_survives_a_round_trip) { expect_strict(decode_ack, ack_text); }

TEST(handshake_messages, suite_zero_is_not_a_default) {
  for (const auto* raw : {"0", "3", "65535", "65536", "65538"}) {
    EXPECT_EQ(decode_init(with_raw_member(init_text, "suite", raw)).error().field, "suite") << raw;
  }
}

TEST(handshake_messages, numbers_keep_their_width) {
  EXPECT_TRUE(decode_init(with_raw_member(init_text, "version", "255")).has_value())
      << "other versions are refused above";
  EXPECT_FALSE(decode_init(with_raw_member(init_text, "version", "256")).has_value());
  EXPECT_FALSE(decode_init(with_raw_member(init_text, "version", "257")).has_value());
  EXPECT_FALSE(decode_init(with_raw_member(init_text, "role", "257")).has_value());
  EXPECT_FALSE(decode_init(with_raw_member(init_text, "client_features", "4294967296")).has_value());
  EXPECT_FALSE(decode_init(with_raw_member(init_text, "client_features", "-1")).has_value());
  EXPECT_TRUE(decode_ack(with_raw_member(ack_text, "timestamp_unix_s", "9007199254740991")).has_value());
  EXPECT_FALSE(decode_ack(with_raw_member(ack_text, "timestamp_unix_s", "9007199254740992")).has_value());
  EXPECT_FALSE(decode_ack(with_raw_member(ack_text, "timestamp_unix_s", "-1")).has_value());
}

TEST(handshake_messages, leading_zeros_and_plus_signs_are_not_json) {
  for (const auto* raw : {"01", "+1", "0x1", "1.", ".1", "1e", "NaN", "Infinity"}) {
    EXPECT_FALSE(decode_ack(with_raw_member(ack_text, "timestamp_unix_s", raw)).has_value()) << raw;
  }
}

TEST(handshake_messages, channel_id_keeps_its_exact_bytes) {
  const auto message = decode_init(with_raw_member(init_text, "channel_id", R"("  \u00e4\ud83c\udf3c\u0000 ")"));
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->channel_id, std::string_view("  \u00e4\U0001F33C\0 ", 10));
  const auto again = decode_init(encode(*message));
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->channel_id, message->channel_id);
}

TEST(demo_messages, survive_a_round_trip) {
  EXPECT_EQ(encode(demo::v1::ping_request{}), "{}");
  EXPECT_EQ(encode(demo::v1::ping_response{false}), R"({"ok":false})");
  EXPECT_EQ(encode(demo::v1::hello_notify{"world"}), R"({"hello":"world"})");
  EXPECT_TRUE(demo::v1::decode_ping_request(R"({"any":1})").has_value());
  EXPECT_TRUE(demo::v1::decode_ping_response(R"({"ok":true})")->ok);
  EXPECT_EQ(demo::v1::decode_hello_notify(R"({"hello":"world"})")->hello, "world");
}

TEST(demo_messages, refuse_what_is_not_theirs) {
  EXPECT_FALSE(demo::v1::decode_ping_request("[]").has_value());
  EXPECT_FALSE(demo::v1::decode_ping_request("").has_value());
  expect_refuses_broken_members([](auto text) { return demo::v1::decode_ping_response(text); }, R"({"ok":true})");
  expect_refuses_broken_members([](auto text) { return demo::v1::decode_hello_notify(text); }, R"({"hello":"w"})");
}

}  // namespace
}  // namespace flowersec::messages
