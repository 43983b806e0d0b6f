#include "cli/values.h"

#include <gmock/gmock.h>

namespace flowersec::apps {
namespace {

using std::chrono::nanoseconds;
using namespace std::chrono_literals;

struct integer_row {
  std::string text;
  std::optional<std::int64_t> expected;
};

class flag_integers : public testing::TestWithParam<integer_row> {};

TEST_P(flag_integers, follow_go_literals) { EXPECT_EQ(parse_flag_integer(GetParam().text), GetParam().expected); }

INSTANTIATE_TEST_SUITE_P(accepted, flag_integers,
                         testing::Values(integer_row{"0", 0}, integer_row{"7", 7}, integer_row{"-7", -7},
                                         integer_row{"+7", 7}, integer_row{"0x1f", 31}, integer_row{"0X1F", 31},
                                         integer_row{"-0x10", -16}, integer_row{"0o17", 15}, integer_row{"017", 15},
                                         integer_row{"0b101", 5}, integer_row{"0B1", 1}, integer_row{"1_000", 1000},
                                         integer_row{"0x_ff", 255}, integer_row{"0_7", 7}, integer_row{"00", 0},
                                         integer_row{"-0", 0}, integer_row{"9223372036854775807", INT64_MAX},
                                         integer_row{"-9223372036854775808", INT64_MIN}));

INSTANTIATE_TEST_SUITE_P(
    refused, flag_integers,
    testing::Values(integer_row{"", {}}, integer_row{"-", {}}, integer_row{"+-1", {}}, integer_row{" 1", {}},
                    integer_row{"1 ", {}}, integer_row{"1.0", {}}, integer_row{"1e3", {}}, integer_row{"08", {}},
                    integer_row{"0x", {}}, integer_row{"0b2", {}}, integer_row{"0o8", {}}, integer_row{"_1", {}},
                    integer_row{"1_", {}}, integer_row{"1__0", {}}, integer_row{"0x__1", {}}, integer_row{"0_", {}},
                    integer_row{"ff", {}}, integer_row{"9223372036854775808", {}},
                    integer_row{"-9223372036854775809", {}}, integer_row{"99999999999999999999999", {}}));

class environment_integers : public testing::TestWithParam<integer_row> {};

TEST_P(environment_integers, are_plain_decimal) {
  EXPECT_EQ(parse_decimal_integer(GetParam().text), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(accepted, environment_integers,
                         testing::Values(integer_row{"0", 0}, integer_row{"-12", -12}, integer_row{"+12", 12},
                                         integer_row{"010", 10}, integer_row{"9223372036854775807", INT64_MAX},
                                         integer_row{"-9223372036854775808", INT64_MIN}));
INSTANTIATE_TEST_SUITE_P(refused, environment_integers,
                         testing::Values(integer_row{"", {}}, integer_row{"-", {}}, integer_row{"0x10", {}},
                                         integer_row{"1_000", {}}, integer_row{"1.5", {}}, integer_row{"ten", {}},
                                         integer_row{"9223372036854775808", {}}));

struct duration_row {
  std::string text;
  std::optional<nanoseconds> expected;
};

class durations : public testing::TestWithParam<duration_row> {};

TEST_P(durations, are_numbers_with_units) { EXPECT_EQ(parse_duration(GetParam().text), GetParam().expected); }

INSTANTIATE_TEST_SUITE_P(accepted, durations,
                         testing::Values(duration_row{"0", 0ns}, duration_row{"-0", 0ns}, duration_row{"0s", 0ns},
                                         duration_row{"5s", 5s}, duration_row{"1m30s", 90s},
                                         duration_row{"1.5h", 90min}, duration_row{".5s", 500ms},
                                         duration_row{"1.s", 1s}, duration_row{"-10ms", -10ms},
                                         duration_row{"+3us", 3us}, duration_row{"3\u00b5s", 3us},
                                         duration_row{"3\u03bcs", 3us}, duration_row{"7ns", 7ns},
                                         duration_row{"0.1s", 100ms}, duration_row{"2s1m", 62s},
                                         duration_row{"1.0000000001s", 1s}, duration_row{"0.000000001s", 1ns}));
INSTANTIATE_TEST_SUITE_P(refused, durations,
                         testing::Values(duration_row{"", {}}, duration_row{"5", {}}, duration_row{"s", {}},
                                         duration_row{".s", {}}, duration_row{"-", {}}, duration_row{"5 s", {}},
                                         duration_row{" 5s", {}}, duration_row{"5x", {}}, duration_row{"1m30", {}},
                                         duration_row{"5S", {}}, duration_row{"1d", {}}, duration_row{"1.2.3s", {}},
                                         duration_row{"--5s", {}}, duration_row{"9999999999h", {}},
                                         duration_row{"0x5s", {}}));

TEST(format_duration, writes_what_the_parser_reads) {
  EXPECT_EQ(format_duration(2min), "2m0s");
  EXPECT_EQ(format_duration(10s), "10s");
  EXPECT_EQ(format_duration(1500ms), "1.5s");
  EXPECT_EQ(format_duration(250ms), "250ms");
  EXPECT_EQ(format_duration(90min), "1h30m0s");
  EXPECT_EQ(format_duration(0ns), "0s");
  EXPECT_EQ(format_duration(-3us), "-3\u00b5s");
  EXPECT_EQ(format_duration(1ns), "1ns");
  for (const nanoseconds value :
       {nanoseconds{1}, nanoseconds{1'000'001}, nanoseconds{61'000'000'001}, nanoseconds{-5}}) {
    EXPECT_EQ(parse_duration(format_duration(value)), value) << value.count();
  }
}

TEST(bool_words, are_exactly_twelve) {
  for (const auto* word : {"1", "t", "T", "TRUE", "true", "True"}) EXPECT_EQ(parse_bool_word(word), true) << word;
  for (const auto* word : {"0", "f", "F", "FALSE", "false", "False"}) EXPECT_EQ(parse_bool_word(word), false) << word;
  for (const auto* word : {"", "yes", "no", "on", "tRUE", "2", " true"})
    EXPECT_EQ(parse_bool_word(word), std::nullopt) << word;
}

TEST(comma_lists, are_trimmed_and_lose_blank_items) {
  EXPECT_THAT(split_comma_list(" a , ,b,,c "), testing::ElementsAre("a", "b", "c"));
  EXPECT_THAT(split_comma_list(""), testing::IsEmpty());
  EXPECT_THAT(split_comma_list(" , "), testing::IsEmpty());
}

}  // namespace
}  // namespace flowersec::apps
