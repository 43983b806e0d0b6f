#include "flowersec/base/text.h"

#include <gtest/gtest.h>

namespace flowersec {
namespace {

TEST(trim, removes_every_listed_white_space_and_nothing_else) {
  EXPECT_EQ(trim(" \t\n\v\f\r x y \xc2\x85\xc2\xa0"), "x y");
  EXPECT_EQ(trim("\xe1\x9a\x80\xe2\x80\x80\xe2\x80\x8a\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xafz\xe2\x81\x9f\xe3\x80\x80"),
            "z");
  EXPECT_EQ(trim("\xef\xbb\xbfx"), "\xef\xbb\xbfx") << "U+FEFF stays";
  EXPECT_EQ(trim("\xe2\x80\x8bx"), "\xe2\x80\x8bx") << "U+200B stays";
  EXPECT_EQ(trim(""), "");
  EXPECT_TRUE(is_blank(" \xe3\x80\x80 "));
  EXPECT_FALSE(is_blank(" . "));
}

TEST(utf8, accepts_the_edges_of_each_length) {
  for (const std::string_view text : {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
                                      "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_valid_utf8(text)) << text;
  }
}

TEST(utf8, refuses_overlong_forms_surrogates_truncations_and_values_past_the_end) {
  for (const std::string_view text :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc2", "\xe2\x82", "\xf0\x9f\x98",
        "a\xc2"
        "b"}) {
    EXPECT_FALSE(is_valid_utf8(text)) << text;
  }
}

TEST(ascii, case_folding_touches_only_ascii_letters) {
  EXPECT_EQ(ascii_lower("AbZ[@\xc3\x84"), "abz[@\xc3\x84");
  EXPECT_TRUE(ascii_iequals("WebSocket", "websocket"));
  EXPECT_FALSE(ascii_iequals("a", "ab"));
  EXPECT_FALSE(ascii_iequals("[", "{"));
}

}  // namespace
}  // namespace flowersec
