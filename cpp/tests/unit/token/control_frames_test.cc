#include "flowersec/token/control_frames.h"

#include <gtest/gtest.h>

namespace flowersec::token {
namespace {

TEST(control_frames, a_registration_reads_as_it_was_written) {
  EXPECT_EQ(encode_registration(" laptop\n"), R"({"endpoint_id":"laptop"})");
  EXPECT_EQ(decode_registration(encode_registration("laptop")).value(), "laptop");
  EXPECT_EQ(decode_registration(R"({"endpoint_id":"  laptop ","more":[1]})").value(), "laptop");
}

TEST(control_frames, an_id_may_be_as_long_as_the_limit_and_no_longer) {
  const std::string longest(max_endpoint_id_bytes, 'x');
  EXPECT_EQ(decode_registration(encode_registration(longest)).value(), longest);
  EXPECT_EQ(decode_registration(encode_registration(longest + 'x')).error(), (control_refusal{400, "bad endpoint_id"}));
}

TEST(control_frames, what_is_no_registration_is_refused_in_the_words_of_the_answer) {
  const control_refusal no_json{400, "invalid json"};
  for (const auto* text : {"", "null", "[]", "\"laptop\"", R"({"endpoint_id":5})", R"({"endpoint_id":["laptop"]})",
                           R"({"endpoint_id":"laptop"} x)", "{\"endpoint_id\":\"\xff\"}"}) {
    EXPECT_EQ(decode_registration(text).error(), no_json) << text;
  }
  const control_refusal missing{400, "missing endpoint_id"};
  for (const auto* text : {"{}", R"({"endpoint_id":null})", R"({"endpoint_id":""})", R"({"endpoint_id":" \t\n"})"}) {
    EXPECT_EQ(decode_registration(text).error(), missing) << text;
  }
}

TEST(control_frames, no_part_of_a_registration_is_one) {
  const std::string whole = encode_registration("laptop");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(decode_registration(whole.substr(0, size))) << size;
  }
  EXPECT_FALSE(decode_registration(whole + '}'));
}

TEST(control_frames, only_ok_true_says_that_an_endpoint_is_registered) {
  EXPECT_EQ(encode_registered(), R"({"ok":true})");
  EXPECT_TRUE(decode_registered(encode_registered()));
  EXPECT_TRUE(decode_registered(R"({"ok":true,"more":1})"));
  for (const auto* text : {"", "null", "{}", R"({"ok":false})", R"({"ok":1})", R"({"ok":null})", R"({"ok":true)"}) {
    EXPECT_FALSE(decode_registered(text)) << text;
  }
}

}  // namespace
}  // namespace flowersec::token
