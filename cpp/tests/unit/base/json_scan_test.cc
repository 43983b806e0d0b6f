#include "flowersec/base/json_scan.h"

#include <gtest/gtest.h>

#include "flowersec/base/json.h"

namespace flowersec {
namespace {

constexpr std::string_view valid_values[] = {"0",           "-0",
                                             "1.5",         "-12.25e+3",
                                             "1E-2",        "true",
                                             "false",       "null",
                                             "\"\"",        R"("\"\\\/\b\f\n\r\t\u00e9")",
                                             "[]",          "[1,[2,{}]]",
                                             "{}",          R"({"a":[{"b":null}],"a":2})",
                                             " \t\r\n1 ",   R"("\ud83d\ude00")",
                                             "\"\xc3\xa9\""};

constexpr std::string_view invalid_values[] = {"",
                                               " ",
                                               "-",
                                               "01",
                                               "1.",
                                               ".5",
                                               "1e",
                                               "1e+",
                                               "+1",
                                               "0x1",
                                               "tru",
                                               "True",
                                               "nul",
                                               "\"",
                                               "\"\\\"",
                                               R"("\x")",
                                               R"("\u12")",
                                               "\"\n\"",
                                               "[",
                                               "[1",
                                               "[1,",
                                               "[1,]",
                                               "[,1]",
                                               "{",
                                               "{\"a\"",
                                               "{\"a\":",
                                               "{\"a\":1",
                                               "{\"a\":1,}",
                                               "{1:2}",
                                               "{\"a\" 1}",
                                               "1 2",
                                               "{}x",
                                               "\xff",
                                               "\"\xed\xa0\x80\"",
                                               "'a'",
                                               "NaN",
                                               "Infinity",
                                               R"("\ud800")",
                                               R"("\udc00")",
                                               R"("\ud800x")",
                                               R"("\ud800\n")",
                                               R"("\ud800\ud800")"};

TEST(json_scan, accepts_what_rfc_8259_allows) {
  for (const auto text : valid_values) EXPECT_TRUE(is_valid_json(text)) << text;
}

TEST(json_scan, refuses_what_rfc_8259_does_not_allow) {
  for (const auto text : invalid_values) EXPECT_FALSE(is_valid_json(text)) << text;
}

TEST(json_scan, agrees_with_the_parser_on_every_truncation) {
  const std::string text = R"({"type_id":1,"payload":{"a":[1.0,"\u00e9\"",true,null]},"x":-1e3})";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const auto part = text.substr(0, cut);
    EXPECT_EQ(scan_json_object(part, [](const json_member&) {}), parse_json_object(part, 4096).has_value()) << part;
  }
}

TEST(json_scan, members_come_in_order_with_their_raw_text) {
  std::string seen;
  ASSERT_TRUE(scan_json_object(R"( {"a" : 1.0 ,"b\n":{"c": [ 1 ]}, "a":"x"} )", [&](const json_member& member) {
    seen += std::string(member.raw_name) + "=" + std::string(member.raw_value) + ";";
  }));
  EXPECT_EQ(seen, R"(a=1.0;b\n={"c": [ 1 ]};a="x";)");
}

TEST(json_scan, only_objects_have_members) {
  for (const std::string_view text : {"[]", "1", "null", "{} {}", ""}) {
    EXPECT_FALSE(scan_json_object(text, [](const json_member&) {})) << text;
  }
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

TEST(json_scan, nesting_is_bounded_for_arrays_and_objects) {
  const auto arrays = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  const auto objects = [](std::size_t n) { return repeated("{\"a\":", n) + "1" + std::string(n, '}'); };
  EXPECT_TRUE(is_valid_json(arrays(json_scan_max_depth)));
  EXPECT_FALSE(is_valid_json(arrays(json_scan_max_depth + 1)));
  EXPECT_TRUE(is_valid_json(objects(json_scan_max_depth)));
  EXPECT_FALSE(is_valid_json(objects(json_scan_max_depth + 1)));
  EXPECT_FALSE(is_valid_json(std::string(1000000, '[')));
}

TEST(json_scan, the_right_bracket_closes_at_every_depth) {
  for (const std::string_view text : {"[{\"a\":[{}]},[]]", "{\"a\":{\"b\":[[],{}]},\"c\":[1,[2]]}", "[[[1],2],3]"}) {
    EXPECT_TRUE(is_valid_json(text)) << text;
  }
  for (const std::string_view text : {"[{]}", "{\"a\":[}]", "[[]", "[]]", "[{\"a\":1,}]", "[[1,],2]", "{\"a\":[1,{2}]}",
                                      "[{\"a\" 1}]", "[{\"a\":}]", "[1 2]", "[,]", "{,}", "{\"a\":1 \"b\":2}"}) {
    EXPECT_FALSE(is_valid_json(text)) << text;
  }
}

TEST(json_decode, strings_resolve_their_escapes) {
  EXPECT_EQ(decode_json_string(R"("a\u00e9\n")"), "a\xc3\xa9\n");
  for (const std::string_view raw : {"1", "null", "\"", "", "{}"}) EXPECT_FALSE(decode_json_string(raw)) << raw;
}

TEST(json_decode, every_escape_becomes_the_character_it_stands_for) {
  EXPECT_EQ(decode_json_string(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(decode_json_string(R"("\u0041\u007f\u0080\u07ff\u0800\uffff")"),
            "A\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf");
  EXPECT_EQ(decode_json_string(R"("\ud800\udc00-\uDBFF\uDFFF")"), "\xf0\x90\x80\x80-\xf4\x8f\xbf\xbf");
  EXPECT_EQ(decode_json_string(R"("\u0000")"), std::string(1, '\0'));
  for (const std::string_view raw : {R"("\ud800")", R"("\udc00")", R"("\ud800x")", R"("\x")", R"("\u12")", R"("a"b")",
                                     R"( "a")", "\"\x01\"", "\"\xff\""}) {
    EXPECT_FALSE(decode_json_string(raw)) << raw;
  }
}

TEST(json_scan, elements_come_in_order_with_their_raw_text) {
  std::string seen;
  ASSERT_TRUE(scan_json_array(R"( [ 1.0 ,"a,b", { "c" : [] } ,[ ] ] )",
                              [&](std::string_view raw) { seen += std::string(raw) + ";"; }));
  EXPECT_EQ(seen, R"(1.0;"a,b";{ "c" : [] };[ ];)");
  for (const std::string_view text : {"{}", "1", "null", "[] []", "", "[1,]", "[,1]", "[1"}) {
    EXPECT_FALSE(scan_json_array(text, [](std::string_view) {})) << text;
  }
}

TEST(json_decode, signed_numbers_are_digits_with_at_most_a_minus) {
  constexpr std::int64_t safe = json_max_safe_integer;
  EXPECT_EQ(decode_json_signed("-0", safe), 0);
  EXPECT_EQ(decode_json_signed("-9007199254740991", safe), -safe);
  EXPECT_EQ(decode_json_signed("9007199254740991", safe), safe);
  for (const std::string_view raw :
       {"", "-", "--1", "+1", "-01", "-1.0", "-1e0", "\"-1\"", "-9007199254740992", " -1"}) {
    EXPECT_FALSE(decode_json_signed(raw, safe)) << raw;
  }
}

TEST(json_decode, unsigned_numbers_are_plain_digits_up_to_the_maximum) {
  constexpr std::uint64_t safe = json_max_safe_integer;
  EXPECT_EQ(decode_json_unsigned("0", safe), 0u);
  EXPECT_EQ(decode_json_unsigned("9007199254740991", safe), safe);
  EXPECT_EQ(decode_json_unsigned("18446744073709551615", UINT64_MAX), UINT64_MAX);
  for (const std::string_view raw :
       {"", "-1", "+1", "01", "00", "1.0", "1e0", "\"1\"", "9007199254740992", "18446744073709551616", " 1"}) {
    EXPECT_FALSE(decode_json_unsigned(raw, safe)) << raw;
  }
  EXPECT_FALSE(decode_json_unsigned("18446744073709551616", UINT64_MAX));
  EXPECT_FALSE(decode_json_unsigned("5", 4));
}

}  // namespace
}  // namespace flowersec
