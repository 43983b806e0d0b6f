#include "flowersec/base/json.h"

#include <gtest/gtest.h>

namespace flowersec {
namespace {

constexpr std::size_t plenty = 4096;

std::optional<std::uint8_t> read_u8(std::string_view text) {
  const auto object = parse_json_object(text, plenty);
  if (!object) return std::nullopt;
  json_object_reader reader{*object};
  std::uint8_t value = 0;
  reader.read("n", value);
  return reader.ok() ? std::optional{value} : std::nullopt;
}

TEST(json_object, only_one_object_is_accepted) {
  EXPECT_TRUE(parse_json_object("{}", plenty));
  EXPECT_TRUE(parse_json_object(" \n{ \"a\" : 1 }\t", plenty));
  for (const std::string_view text : {"",
                                      " ",
                                      "null",
                                      "[]",
                                      "1",
                                      "\"x\"",
                                      "{}{}",
                                      "{} x",
                                      "{",
                                      "}",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{a:1}",
                                      "{'a':1}",
                                      "{\"a\":1,}",
                                      "{\"a\":01}",
                                      "{\"a\":+1}",
                                      "{\"a\":.5}",
                                      "{\"a\":NaN}",
                                      "{\"a\":\"\x01\"}",
                                      "{\"a\":\"\xff\"}",
                                      "{/**/}",
                                      "\xef\xbb\xbf{}"}) {
    EXPECT_FALSE(parse_json_object(text, plenty)) << text;
  }
}

TEST(json_object, size_is_checked_before_parsing) {
  EXPECT_TRUE(parse_json_object("{}", 2));
  EXPECT_FALSE(parse_json_object("{} ", 2));
}

TEST(json_object, nesting_is_bounded) {
  const auto nested = [](std::size_t arrays) {
    return "{\"a\":" + std::string(arrays, '[') + std::string(arrays, ']') + "}";
  };
  EXPECT_TRUE(parse_json_object(nested(json_max_depth - 1), plenty));
  EXPECT_FALSE(parse_json_object(nested(json_max_depth), plenty));
}

TEST(json_object, an_exponent_may_have_any_number_of_digits) {
  const std::string digits(100, '7');
  for (const std::string exponent : {"2147483647", "2147483648", "+99999999999", "-99999999999"}) {
    EXPECT_TRUE(parse_json_object(R"({"x":1e)" + exponent + "}", plenty)) << exponent;
    EXPECT_TRUE(parse_json_object(R"({"x":[-0.5E)" + exponent + R"(],"n":1})", plenty)) << exponent;
  }
  EXPECT_EQ(read_u8(R"({"x":true,"y":1e)" + digits + R"(,"n":7,"z":2E-)" + digits + "}"), 7);
  EXPECT_FALSE(read_u8(R"({"n":1e)" + digits + "}"));
  EXPECT_FALSE(parse_json_object(R"({"x":1e)" + digits + "e1}", plenty));
  // Behind it each letter is looked at once, also where none of a great many is followed by digits.
  std::string many = R"({"n":7,"x":1e)" + digits + ",\"y\":[true";
  while (many.size() < 1'000'000) many += ",true";
  const auto with_many = parse_json_object(many + "]}", 2 * many.size());
  ASSERT_TRUE(with_many);
  EXPECT_EQ(with_many->at("n").as_int64(), 7);
  // Zeros in front are no digits of it.
  const auto ten = parse_json_object(R"({"x":1e)" + digits + R"(,"y":1e+)" + std::string(100, '0') + "1}", plenty);
  ASSERT_TRUE(ten);
  EXPECT_EQ(ten->at("y").as_double(), 10);
  // What looks like one inside a text stays as it is.
  const auto object = parse_json_object(R"({"s":"\"1e)" + digits + R"(","x":1e)" + digits + "}", plenty);
  ASSERT_TRUE(object);
  EXPECT_EQ(object->at("s").as_string(), "\"1e" + digits);
}

TEST(json_reader, the_last_of_duplicate_keys_wins) { EXPECT_EQ(read_u8(R"({"n":1,"n":2})"), 2); }

TEST(json_reader, names_match_by_exact_bytes) {
  EXPECT_FALSE(read_u8(R"({"N":1})"));
  EXPECT_EQ(read_u8(R"({"\u006e":1})"), 1);
}

TEST(json_reader, integers_are_plain_digits_within_the_width) {
  EXPECT_EQ(read_u8(R"({"n":0})"), 0);
  EXPECT_EQ(read_u8(R"({"n":255})"), 255);
  for (const std::string_view value :
       {"256", "-1", "1.0", "1e0", "\"1\"", "null", "true", "[1]", "{}", "99999999999999999999"}) {
    EXPECT_FALSE(read_u8("{\"n\":" + std::string(value) + "}")) << value;
  }
}

TEST(json_reader, sixty_four_bit_integers_stop_at_the_safe_range) {
  const auto read = [](std::string_view text) {
    const auto object = parse_json_object(text, plenty);
    json_object_reader reader{*object};
    std::int64_t value = 0;
    reader.read("n", value);
    return reader.ok();
  };
  EXPECT_TRUE(read(R"({"n":9007199254740991})"));
  EXPECT_FALSE(read(R"({"n":9007199254740992})"));
  EXPECT_TRUE(read(R"({"n":-9007199254740991})"));
  EXPECT_FALSE(read(R"({"n":-9007199254740992})"));
  EXPECT_FALSE(read(R"({"n":18446744073709551615})"));
}

TEST(json_reader, optional_members_may_be_absent_or_null_but_not_of_another_type) {
  const auto object = parse_json_object(R"({"a":null,"b":"x","c":1})", plenty);
  json_object_reader reader{*object};
  std::optional<std::string> a;
  std::optional<std::string> b;
  std::optional<std::string> missing;
  reader.read("a", a);
  reader.read("b", b);
  reader.read("missing", missing);
  EXPECT_TRUE(reader.ok());
  EXPECT_FALSE(a);
  EXPECT_EQ(b, "x");
  EXPECT_FALSE(missing);
  std::optional<std::string> c;
  reader.read("c", c);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.bad_field(), "c");
}

TEST(json_reader, the_first_bad_member_is_named) {
  const auto object = parse_json_object(R"({"a":1})", plenty);
  json_object_reader reader{*object};
  std::string text;
  bool flag = false;
  reader.read("a", text);
  reader.read("b", flag);
  EXPECT_EQ(reader.bad_field(), "a");
}

TEST(json_writer, keeps_call_order_and_leaves_absent_members_out) {
  std::string out;
  json_object_writer{out}
      .field("b", 1)
      .field("a", "x\"\\\n\x01/<\xc3\xa9")
      .field("none", std::optional<std::string>{})
      .field("f", false)
      .field("i", std::int64_t{-5})
      .raw("r", "[1,2]")
      .end();
  EXPECT_EQ(out, "{\"b\":1,\"a\":\"x\\\"\\\\\\n\\u0001/<\xc3\xa9\",\"f\":false,\"i\":-5,\"r\":[1,2]}");
  EXPECT_TRUE(parse_json_object(out, plenty));
}

}  // namespace
}  // namespace flowersec
