// The chat frames of testdata/ownwire/chat_frames.json, which TypeScript reads as well, and what no table can say.
#include "flowersec/ownwire/frames.h"

#include <gtest/gtest.h>

#include "support/case_table.h"
#include "support/json_mutations.h"

namespace flowersec::ownwire {
namespace {

namespace json = boost::json;

json::value as_json(const std::string& text) { return json::parse(text); }

TEST(chat_frames, shared_table) {
  const auto cases = testing::read_cases("ownwire/chat_frames.json");
  for (const auto& row : cases.as_array()) {
    const auto& object = row.as_object();
    SCOPED_TRACE(std::string{object.at("name").as_string()});
    const auto text = testing::filled(std::string_view{object.at("text").as_string()}, object);
    const bool encodes = object.contains("encodes");
    const auto* frame = object.if_contains("frame");
    std::string written;
    if (object.at("to").as_string() == "gateway") {
      const auto read = decode_user_frame(text);
      ASSERT_EQ(read.has_value(), frame != nullptr);
      written = read ? encode(*read) : encode(gateway_frame{error_frame{read.error()}});
    } else {
      const auto read = decode_gateway_frame(text);
      ASSERT_EQ(read.has_value(), frame != nullptr);
      if (!read) continue;
      written = encode(*read);
    }
    const auto expected = frame != nullptr ? testing::filled(*frame, object) : object.at("answer");
    EXPECT_EQ(as_json(written), expected);
    if (encodes) {
      EXPECT_EQ(written, text);
    }
  }
}

TEST(chat_frames, every_broken_text_is_refused) {
  const auto valid = encode(user_frame{text_frame{.id = 1, .content = "x"}});
  for (const auto& broken : testing::broken_texts(valid)) {
    EXPECT_FALSE(decode_user_frame(broken.text)) << broken.name;
    EXPECT_FALSE(decode_gateway_frame(broken.text)) << broken.name;
  }
}

TEST(chat_frames, every_broken_member_is_refused) {
  const std::vector<std::string> of_hello{"metadata", "resume", "auth"};
  const std::vector<std::pair<user_frame, std::vector<std::string>>> frames{
      {hello_frame{.metadata = "m", .resume = "r", .auth = "a"}, of_hello},
      {text_frame{.id = 1, .content = "x"}, {}},
      {received_frame{.seq = 1}, {}},
      {typing_frame{.on = true}, {}}};
  for (const auto& [frame, optional] : frames) {
    for (const auto& broken : testing::broken_members(encode(frame), optional)) {
      if (broken.field == "type" && broken.text.find("\"type\":\"1\"") != std::string::npos) continue;
      EXPECT_FALSE(decode_user_frame(broken.text)) << broken.name;
    }
  }
}

TEST(chat_frames, errors_have_their_names) {
  EXPECT_EQ(to_string(chat_error::session_taken), "session_taken");
  EXPECT_EQ(to_string(chat_error::other), "other");
}

}  // namespace
}  // namespace flowersec::ownwire
