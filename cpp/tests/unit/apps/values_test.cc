// Values beside those of flag_cases_test.cc: integers of the environment, printed durations, lists.
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

TEST(comma_lists, are_trimmed_and_lose_blank_items) {
  EXPECT_THAT(split_comma_list(" a , ,b,,c "), testing::ElementsAre("a", "b", "c"));
  EXPECT_THAT(split_comma_list(""), testing::IsEmpty());
  EXPECT_THAT(split_comma_list(" , "), testing::IsEmpty());
}

}  // namespace
}  // namespace flowersec::apps
