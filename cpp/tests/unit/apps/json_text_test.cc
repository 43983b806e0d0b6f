#include "cli/json_text.h"

#include <gtest/gtest.h>

namespace flowersec::apps {
namespace {

TEST(indent_json, puts_one_member_on_a_line) {
  EXPECT_EQ(indent_json(R"({"a":1,"b":{"c":[1,2],"d":"x"}})"),
            "{\n  \"a\": 1,\n  \"b\": {\n    \"c\": [\n      1,\n      2\n    ],\n    \"d\": \"x\"\n  }\n}");
}

TEST(indent_json, leaves_strings_and_numbers_alone) {
  EXPECT_EQ(indent_json(R"({"k\"{,":"a:[b],\\","n":1.0e5})"), "{\n  \"k\\\"{,\": \"a:[b],\\\\\",\n  \"n\": 1.0e5\n}");
}

TEST(indent_json, keeps_empty_containers_short) {
  EXPECT_EQ(indent_json(R"({"a":[],"b":{}})"), "{\n  \"a\": [],\n  \"b\": {}\n}");
  EXPECT_EQ(indent_json("{}"), "{}");
}

}  // namespace
}  // namespace flowersec::apps
