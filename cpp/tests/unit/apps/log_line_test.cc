#include <gmock/gmock.h>

#include "flowersec/base/json.h"
#include "serving/log.h"

namespace flowersec::apps {
namespace {

TEST(log_words, are_exact) {
  EXPECT_EQ(parse_log_format("text"), log_format::text);
  EXPECT_EQ(parse_log_format("json"), log_format::json);
  EXPECT_EQ(parse_log_level("error"), log_level::error);
  EXPECT_EQ(parse_log_level("warning"), log_level::warning);
  EXPECT_EQ(parse_log_level("info"), log_level::info);
  EXPECT_EQ(parse_log_level("debug"), log_level::debug);
  for (const auto* word : {"", "Text", "JSON", "warn", "INFO", " info"}) {
    EXPECT_EQ(parse_log_format(word), std::nullopt) << word;
    EXPECT_EQ(parse_log_level(word), std::nullopt) << word;
  }
}

TEST(log_text, says_what_kind_of_line_it_is_only_where_nobody_matches_the_whole_line) {
  EXPECT_EQ(log_text(log_level::info, "metrics enabled", {}), "metrics enabled");
  EXPECT_EQ(log_text(log_level::error, "reload keys failed: x", {}), "reload keys failed: x");
  EXPECT_EQ(log_text(log_level::warning, "no --iss", {}), "warning: no --iss");
  EXPECT_EQ(log_text(log_level::debug, "d", {}), "debug: d");
}

TEST(log_text, quotes_values_that_could_be_taken_for_more) {
  EXPECT_EQ(log_text(log_level::info, "m", {{"a", "plain|*"}, {"b", "two words"}, {"c", ""}, {"d", "x=\"y"}}),
            R"(m a=plain|* b="two words" c="" d="x=\"y")");
}

TEST(log_text, nobody_can_write_a_line_of_their_own) {
  EXPECT_EQ(log_text(log_level::info, "m", {{"a", "x\n2026/01/01"}, {"b", "\x1b[31m\x7f"}, {"c", "\xff\xc3"}}),
            "m a=x?2026/01/01 b=?[31m? c=??");
  EXPECT_EQ(log_text(log_level::info, "caf\xc3\xa9\n", {}), "caf\xc3\xa9?");
}

TEST(log_text, shows_256_bytes_of_what_a_stranger_chose) {
  const std::string longest(256, 'a');
  EXPECT_EQ(stranger_text(""), "");
  EXPECT_EQ(stranger_text(longest), longest);
  EXPECT_EQ(stranger_text(longest + 'b'), longest + "...");
  EXPECT_EQ(stranger_text(std::string(30'000, 'a')), longest + "...");
}

TEST(log_members, are_the_rest_of_a_json_object) {
  const auto members = log_members("said \"no\"\n", {{"peer", "[::1]:1"}, {"tenant", "\xff|*"}});
  EXPECT_EQ(members, R"("message":"said \"no\"?","peer":"[::1]:1","tenant":"?|*")");
  EXPECT_TRUE(parse_json_object('{' + members + '}', 4096));
}

}  // namespace
}  // namespace flowersec::apps
