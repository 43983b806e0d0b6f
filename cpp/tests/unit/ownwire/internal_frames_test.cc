// The messages of testdata/ownwire/internal_frames.json, and the one message of a blind front.
#include "flowersec/ownwire/internal_frames.h"

#include <gtest/gtest.h>

#include "flowersec/ownwire/peer_message.h"
#include "support/case_table.h"
#include "support/json_mutations.h"

namespace flowersec::ownwire {
namespace {

namespace json = boost::json;

dialect dialect_of(const json::object& row) {
  return row.at("dialect").as_string() == "extended" ? dialect::extended : dialect::compatible;
}

std::optional<std::string> text_of(const json::object& from, std::string_view name) {
  const auto* found = from.if_contains(name);
  if (found == nullptr) return std::nullopt;
  return std::string{found->as_string()};
}

std::optional<std::uint64_t> number_of(const json::object& from, std::string_view name) {
  const auto* found = from.if_contains(name);
  if (found == nullptr) return std::nullopt;
  return found->to_number<std::uint64_t>();
}

text_sender sender_of(const json::object& from) {
  return {.session_id = text_of(from, "session_id").value_or(""),
          .metadata = text_of(from, "metadata"),
          .auth = text_of(from, "auth"),
          .remote_addr = text_of(from, "remote_addr").value_or("")};
}

json::object describe(const client_message& message) {
  json::object out;
  const auto put = [&out](std::string_view name, const auto& value) {
    if (value) out[name] = *value;
  };
  if (const auto* reply = std::get_if<client_reply>(&message)) {
    out["session_id"] = reply->session_id;
    out["content"] = reply->content;
    put("metadata", reply->metadata);
    put("message_id", reply->message_id);
    return {{"reply", out}};
  }
  if (const auto* typing = std::get_if<client_typing>(&message)) {
    return {{"typing", {{"session_id", typing->session_id}, {"on", typing->on}}}};
  }
  if (const auto* refused = std::get_if<client_refusal>(&message)) {
    out["code"] = std::string{to_string(refused->code)};
    put("session_id", refused->session_id);
    put("message_id", refused->message_id);
    return {{"refused", out}};
  }
  return {{"ignored", true}};
}

TEST(internal_frames, what_clients_send) {
  const auto cases = testing::read_cases("ownwire/internal_frames.json", "from_client");
  for (const auto& row : cases.as_array()) {
    const auto& object = row.as_object();
    SCOPED_TRACE(std::string{object.at("name").as_string()});
    const auto text = testing::filled(std::string_view{object.at("text").as_string()}, object);
    const auto read = describe(decode_client_message(dialect_of(object), text));
    const auto kind = read.begin()->key();
    const auto* expected = object.if_contains(kind);
    ASSERT_NE(expected, nullptr) << json::serialize(read);
    // Numbers of the two have different types.
    EXPECT_EQ(json::parse(json::serialize(read)).at(kind), testing::filled(*expected, object));
  }
}

TEST(internal_frames, what_the_gateway_writes) {
  const auto cases = testing::read_cases("ownwire/internal_frames.json", "to_client");
  for (const auto& row : cases.as_array()) {
    const auto& object = row.as_object();
    SCOPED_TRACE(std::string{object.at("name").as_string()});
    std::string written;
    if (const auto* message = object.if_contains("message")) {
      const auto& fields = message->as_object();
      written = encode_text(dialect_of(object), sender_of(fields.at("from").as_object()), *number_of(fields, "id"),
                            *text_of(fields, "content"));
    } else if (const auto* start = object.if_contains("session_start")) {
      written = encode_session_start(sender_of(start->as_object()));
    } else if (const auto* end = object.if_contains("session_end")) {
      const auto& fields = end->as_object();
      written =
          encode_session_end(*text_of(fields, "session_id"), static_cast<end_reason>(*number_of(fields, "reason")));
    } else if (const auto* typing = object.if_contains("typing")) {
      const auto& fields = typing->as_object();
      written = encode_client_typing(*text_of(fields, "session_id"), fields.at("on").as_bool());
    } else if (const auto* delivered = object.if_contains("delivered")) {
      const auto& fields = delivered->as_object();
      written = encode_delivered(*text_of(fields, "session_id"), *number_of(fields, "message_id"));
    } else {
      const auto& fields = object.at("error").as_object();
      written = encode_client_error(static_cast<client_error>(*number_of(fields, "code")),
                                    text_of(fields, "session_id"), number_of(fields, "message_id"));
    }
    EXPECT_EQ(written, object.at("text").as_string());
  }
}

TEST(internal_frames, a_compatible_text_has_no_other_keys) {
  const auto text = encode_text(dialect::compatible, {.session_id = "s", .metadata = "m", .auth = "a"}, 9, "c");
  EXPECT_EQ(json::parse(text).as_object().size(), 3U);
}

TEST(peer_message, round_trip_and_refusals) {
  const auto text = encode(peer_message{.remote_addr = "192.0.2.1"});
  EXPECT_EQ(text, R"({"v":1,"type":"peer","remote_addr":"192.0.2.1"})");
  EXPECT_EQ(decode_peer_message(text), peer_message{.remote_addr = "192.0.2.1"});
  EXPECT_TRUE(decode_peer_message(R"({"v":1,"type":"peer","remote_addr":"x","later":1})"));
  for (const auto& broken : testing::broken_texts(text)) {
    EXPECT_FALSE(decode_peer_message(broken.text)) << broken.name;
  }
  for (const auto& broken : testing::broken_members(text)) {
    if (broken.text.find(R"("remote_addr":"1")") != std::string::npos) continue;
    EXPECT_FALSE(decode_peer_message(broken.text)) << broken.name;
  }
  EXPECT_FALSE(decode_peer_message(R"({"v":2,"type":"peer","remote_addr":"x"})"));
  EXPECT_FALSE(decode_peer_message(R"({"v":1,"type":"other","remote_addr":"x"})"));
  EXPECT_FALSE(decode_peer_message(encode(peer_message{})));
  EXPECT_TRUE(decode_peer_message(encode(peer_message{.remote_addr = std::string(128, 'a')})));
  EXPECT_FALSE(decode_peer_message(encode(peer_message{.remote_addr = std::string(129, 'a')})));
  const auto padded = [&](std::size_t size) { return text + std::string(size - text.size(), ' '); };
  EXPECT_TRUE(decode_peer_message(padded(max_peer_message_bytes)));
  EXPECT_FALSE(decode_peer_message(padded(max_peer_message_bytes + 1)));
}

}  // namespace
}  // namespace flowersec::ownwire
