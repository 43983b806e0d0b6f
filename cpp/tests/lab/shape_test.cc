#include <gtest/gtest.h>

#include "lab/path.h"

namespace flowersec::lab {
namespace {

using namespace std::chrono_literals;

TEST(lab_shape, every_setting_is_read) {
  shape it;
  EXPECT_EQ(change(it,
                   "delay_ms=100 rate_kbit=1000 burst=1 queue=2 mtu=3 says_too_big=no loss=0.01 duplicate=0.1 "
                   "reorder=1 reorder_ms=20"),
            std::nullopt);
  EXPECT_EQ(it.delay, 100ms);
  EXPECT_EQ(it.bits_per_second, 1'000'000U);
  EXPECT_EQ(it.burst_bytes, 1U);
  EXPECT_EQ(it.queue_bytes, 2U);
  EXPECT_EQ(it.mtu, 3U);
  EXPECT_FALSE(it.says_too_big);
  EXPECT_EQ(it.loss, 10'000U);
  EXPECT_EQ(it.duplicate, 100'000U);
  EXPECT_EQ(it.reorder, 1'000'000U);
  EXPECT_EQ(it.reorder_delay, 20ms);
}

TEST(lab_shape, what_is_not_named_stays) {
  shape it;
  ASSERT_EQ(change(it, "delay_ms=5"), std::nullopt);
  ASSERT_EQ(change(it, "loss=0.5"), std::nullopt);
  ASSERT_EQ(change(it, ""), std::nullopt);
  EXPECT_EQ(it.delay, 5ms);
}

TEST(lab_shape, one_mistake_changes_nothing) {
  for (const auto* text : {"loss=1.01", "loss=-0.1", "loss=", "loss", "delay_ms=-1", "delay_ms=3600001", "delay_ms=1s",
                           "rate_kbit=100000001", "queue=1073741825", "says_too_big=maybe", "colour=red"}) {
    shape it;
    EXPECT_EQ(change(it, "delay_ms=7 " + std::string{text}), "cannot set " + std::string{text});
    EXPECT_EQ(it.delay, 0ms) << text;
  }
}

TEST(lab_shape, the_largest_values_are_good) {
  shape it;
  EXPECT_EQ(change(it, "delay_ms=3600000 rate_kbit=100000000 queue=1073741824 loss=1"), std::nullopt);
}

}  // namespace
}  // namespace flowersec::lab
