#include "flowersec/base/clock.h"

#include <gtest/gtest.h>

namespace flowersec {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

TEST(clock, later_ends_with_the_range_of_the_clock) {
  const mono_time now{5h + 1ns};
  const auto room = std::chrono::floor<milliseconds>(mono_time::max() - now);
  EXPECT_EQ(later(now, 10ms), now + 10ms);
  EXPECT_EQ(later(now, room), now + room);
  EXPECT_EQ(later(now, room + 1ms), mono_time::max());
  EXPECT_EQ(later(now, milliseconds::max()), mono_time::max());
  EXPECT_EQ(later(mono_time::max(), 0ms), mono_time::max());
  EXPECT_EQ(later(mono_time::max(), 1ms), mono_time::max());
}

TEST(clock, later_takes_what_is_negative_for_now) {
  const mono_time now{5h};
  EXPECT_EQ(later(now, 0ms), now);
  EXPECT_EQ(later(now, -1ms), now);
  EXPECT_EQ(later(now, milliseconds::min()), now);
}

}  // namespace
}  // namespace flowersec
