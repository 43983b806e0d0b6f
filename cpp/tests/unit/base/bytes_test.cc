#include "flowersec/base/bytes.h"

#include <gtest/gtest.h>

#include "flowersec/base/clock.h"
#include "flowersec/base/random.h"

namespace flowersec {
namespace {

TEST(bytes, integers_are_big_endian) {
  byte_buffer out;
  append_be(out, std::uint16_t{0x0102});
  append_be(out, std::uint32_t{0x03040506});
  append_be(out, std::uint64_t{0x0708090a0b0c0d0e});
  ASSERT_EQ(out.size(), 14u);
  for (std::size_t i = 0; i < out.size(); ++i) EXPECT_EQ(out[i], static_cast<std::byte>(i + 1));
  EXPECT_EQ(load_be<std::uint32_t>(out.data() + 2), 0x03040506u);
}

TEST(byte_reader, a_read_past_the_end_leaves_the_cursor_alone) {
  const std::array bytes{std::byte{1}, std::byte{2}, std::byte{3}};
  byte_reader reader{bytes};
  EXPECT_EQ(reader.read<std::uint32_t>(), std::nullopt);
  EXPECT_EQ(reader.size(), 3u);
  EXPECT_FALSE(reader.take(4).has_value());
  EXPECT_EQ(reader.read<std::uint16_t>(), std::uint16_t{0x0102});
  EXPECT_EQ(reader.take(1)->front(), std::byte{3});
  EXPECT_TRUE(reader.empty());
  EXPECT_EQ(reader.read<std::uint8_t>(), std::nullopt);
}

TEST(clock, seconds_round_down_for_times_and_up_for_durations) {
  using namespace std::chrono_literals;
  EXPECT_EQ(count(to_unix_seconds(wall_time{1999ms})), 1);
  EXPECT_EQ(count(to_unix_seconds(wall_time{-1ms})), -1);
  EXPECT_EQ(ceil_seconds(0ns), 0);
  EXPECT_EQ(ceil_seconds(1ns), 1);
  EXPECT_EQ(ceil_seconds(30s), 30);
}

TEST(random, two_draws_differ) {
  std::array<std::byte, 32> a{};
  std::array<std::byte, 32> b{};
  ASSERT_TRUE(system_random().fill(a));
  ASSERT_TRUE(system_random().fill(b));
  EXPECT_NE(a, b);
  EXPECT_TRUE(system_random().fill({}));
}

}  // namespace
}  // namespace flowersec
