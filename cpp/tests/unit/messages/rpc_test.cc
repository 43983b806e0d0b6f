// Stream hello and RPC envelope.
#include "flowersec/messages/rpc_v1.h"

#include "unit/messages/decoding.h"

namespace flowersec::messages::rpc::v1 {
namespace {

using flowersec::testing::with_raw_member;

const std::string request = R"({"type_id":1,"request_id":7,"response_to":0,"payload":{}})";
const std::string failed_response =
    R"({"type_id":2,"request_id":0,"response_to":2,"payload":null,"error":{"code":404,"message":"handler not found"}})";

constexpr auto decode_envelope = [](std::string_view text) { return decode_rpc_envelope(text); };
constexpr auto decode_hello = [](std::string_view text) { return decode_stream_hello(text); };

std::string refused_field(std::string_view text) {
  const auto envelope = decode_rpc_envelope(text);
  return envelope ? "accepted" : envelope.error().field;
}

TEST(stream_hello, is_strict_and_survives_a_round_trip) {
  const std::string text = R"({"kind":"rpc","v":1})";
  EXPECT_EQ(encode(stream_hello{"rpc", 1}), text);
  EXPECT_EQ(decode_stream_hello(text)->kind, "rpc");
  expect_refuses_broken_texts(decode_hello, text);
  expect_refuses_broken_members(decode_hello, text);
  expect_accepts_harmless_variants(decode_hello, text);
}

TEST(rpc_envelope, is_written_as_the_reference_writes_it) {
  EXPECT_EQ(encode(rpc_envelope{.type_id = 1, .request_id = 7, .payload = "{}"}), request);
  EXPECT_EQ(encode(rpc_envelope{.type_id = 1, .response_to = 7, .payload = R"({"ok":true})"}),
            R"({"type_id":1,"request_id":0,"response_to":7,"payload":{"ok":true}})");
  EXPECT_EQ(encode(rpc_envelope{.type_id = 2, .payload = R"({"hello":"x"})"}),
            R"({"type_id":2,"request_id":0,"response_to":0,"payload":{"hello":"x"}})");
  EXPECT_EQ(encode(rpc_envelope{.type_id = 2, .response_to = 2, .error = rpc_error{404, "handler not found"}}),
            failed_response);
}

TEST(rpc_envelope, refuses_every_truncation_and_every_trailing_byte) {
  expect_refuses_broken_texts(decode_envelope, failed_response);
}

TEST(rpc_envelope, refuses_broken_ids) {
  for (const auto* field : {"type_id", "request_id", "response_to"}) {
    for (const auto* raw : {"-1", "-0", "1.0", "1e0", "1E1", "0.5", "true", "null", "\"1\"", "[]", "{}",
                            "9007199254740992", "18446744073709551616", "99999999999999999999999999"}) {
      EXPECT_EQ(refused_field(with_raw_member(failed_response, field, raw)), field) << field << " = " << raw;
    }
    EXPECT_EQ(refused_field(flowersec::testing::without_member(failed_response, field)), field);
  }
  EXPECT_EQ(refused_field(with_raw_member(request, "type_id", "4294967295")), "accepted");
  EXPECT_EQ(refused_field(with_raw_member(request, "type_id", "4294967296")), "type_id");
}

TEST(interop_traps, trap_15_rpc_ids_are_plain_integers_up_to_2_to_the_53_minus_1) {
  const auto text = with_raw_member(request, "request_id", "9007199254740991");
  const auto largest = decode_rpc_envelope(text);
  ASSERT_TRUE(largest.has_value());
  EXPECT_EQ(largest->request_id, max_rpc_id);
  EXPECT_NE(encode(*largest).find(R"("request_id":9007199254740991,)"), std::string::npos);
  EXPECT_EQ(refused_field(with_raw_member(request, "request_id", "9007199254740992")), "request_id");
}

TEST(interop_traps, trap_15_payload_is_always_sent_and_error_and_message_never_as_null) {
  EXPECT_EQ(encode(rpc_envelope{}), R"({"type_id":0,"request_id":0,"response_to":0,"payload":null})");
  EXPECT_EQ(encode(rpc_envelope{.payload = ""}), encode(rpc_envelope{}));
  EXPECT_EQ(encode(rpc_error{.code = 7}), R"({"code":7})");
  EXPECT_EQ(encode(rpc_error{.code = 0, .message = ""}), R"({"code":0,"message":""})");
}

TEST(rpc_envelope, payload_passes_through_verbatim) {
  for (const auto* raw : {"1.0", "1e400", "18446744073709551616", "null", "\"\\u0041\"", "[ 1 , 2 ]",
                          "{\"b\":1,\"a\":{}}", "-0", "true"}) {
    const auto text = with_raw_member(request, "payload", raw);
    const auto envelope = decode_rpc_envelope(text);
    ASSERT_TRUE(envelope.has_value()) << raw;
    EXPECT_EQ(envelope->payload, raw);
    EXPECT_EQ(encode(*envelope), text) << "the payload is the same text again";
  }
}

TEST(rpc_envelope, payload_is_a_view_into_the_text) {
  const auto envelope = decode_rpc_envelope(request);
  ASSERT_TRUE(envelope.has_value());
  EXPECT_GE(envelope->payload.data(), request.data());
  EXPECT_LE(envelope->payload.data() + envelope->payload.size(), request.data() + request.size());
}

TEST(rpc_envelope, absent_payload_counts_as_null) {
  const auto envelope = decode_rpc_envelope(R"({"type_id":1,"request_id":1,"response_to":0})");
  ASSERT_TRUE(envelope.has_value());
  EXPECT_EQ(envelope->payload, "null");
}

TEST(rpc_envelope, null_error_and_null_message_count_as_absent) {
  const auto no_error = decode_rpc_envelope(with_raw_member(failed_response, "error", "null"));
  ASSERT_TRUE(no_error.has_value());
  EXPECT_FALSE(no_error->error.has_value());
  const auto no_message =
      decode_rpc_envelope(with_raw_member(failed_response, "error", R"({"code":1,"message":null})"));
  ASSERT_TRUE(no_message.has_value());
  EXPECT_EQ(no_message->error, (rpc_error{.code = 1, .message = std::nullopt}));
}

TEST(rpc_envelope, refuses_broken_errors) {
  for (const auto* raw :
       {"[]", "1", "\"x\"", "true", "{}", R"({"message":"m"})", R"({"code":null})", R"({"code":-1})", R"({"code":1.0})",
        R"({"code":"1"})", R"({"code":4294967296})", R"({"code":1,"message":1})", R"({"code":1,"message":{}})"}) {
    EXPECT_NE(refused_field(with_raw_member(failed_response, "error", raw)), "accepted") << raw;
  }
}

TEST(rpc_envelope, the_last_of_two_equal_keys_counts) {
  const auto envelope =
      decode_rpc_envelope(R"({"type_id":1,"request_id":[],"response_to":0,"request_id":5,"payload":1,"payload":2})");
  ASSERT_TRUE(envelope.has_value()) << envelope.error().text();
  EXPECT_EQ(envelope->request_id, 5U);
  EXPECT_EQ(envelope->payload, "2");
  EXPECT_EQ(refused_field(R"({"type_id":1,"request_id":5,"response_to":0,"request_id":"x"})"), "request_id");
}

TEST(rpc_envelope, a_key_may_be_written_with_escapes) {
  const auto envelope =
      decode_rpc_envelope(R"({"type\u005fid":3,"\u0072equest_id":4,"response_to":0,"p\u0061yload":[1]})");
  ASSERT_TRUE(envelope.has_value());
  EXPECT_EQ(envelope->type_id, 3U);
  EXPECT_EQ(envelope->payload, "[1]");
}

TEST(rpc_envelope, keys_match_by_exact_case_and_strangers_are_ignored) {
  EXPECT_EQ(refused_field(R"({"Type_id":1,"request_id":1,"response_to":0})"), "type_id");
  EXPECT_EQ(refused_field(R"({"typeId":1,"request_id":1,"response_to":0})"), "type_id");
  EXPECT_EQ(refused_field("{\"zz\":{\"deep\":[1.0,null]}," + request.substr(1)), "accepted");
}

TEST(rpc_envelope, white_space_is_free) {
  const auto envelope =
      decode_rpc_envelope(" {\n\t\"type_id\" : 1 , \"request_id\":2,\"response_to\":0, \"payload\" : { } }\r\n");
  ASSERT_TRUE(envelope.has_value());
  EXPECT_EQ(envelope->payload, "{ }");
}

TEST(rpc_envelope, text_above_one_mebibyte_is_not_scanned) {
  const auto padded = request + std::string(max_text_bytes - request.size(), ' ');
  EXPECT_TRUE(decode_rpc_envelope(padded).has_value());
  EXPECT_FALSE(decode_rpc_envelope(padded + " ").has_value());
}

}  // namespace
}  // namespace flowersec::messages::rpc::v1
