// What the lab's link does to packets, on a clock that the test moves.
#include "lab/path.h"

#include <gtest/gtest.h>

#include <vector>

namespace flowersec::lab {
namespace {

using namespace std::chrono_literals;

byte_buffer packet(std::uint8_t name) { return {std::byte{name}}; }

class lab_path : public ::testing::Test {
 protected:
  path way_{7};

  void shape_as(std::string_view text) {
    auto wanted = way_.current();
    ASSERT_EQ(change(wanted, text), std::nullopt);
    way_.set_shape(wanted);
  }
  verdict offer(std::uint8_t name, std::size_t size, moment now) { return way_.offer(packet(name), size, now); }
  /// Names of what is due.
  std::vector<int> taken(moment now) {
    std::vector<int> names;
    while (const auto got = way_.take(now)) names.push_back(std::to_integer<int>(got->front()));
    return names;
  }
};

using names = std::vector<int>;

TEST_F(lab_path, packets_come_out_after_the_delay_and_not_a_moment_before) {
  shape_as("delay_ms=100");
  offer(1, 100, 0ms);
  offer(2, 100, 30ms);
  EXPECT_EQ(way_.next_due(), moment{100ms});
  EXPECT_EQ(taken(moment{100ms} - 1ns), names{});
  EXPECT_EQ(taken(100ms), names{1});
  EXPECT_EQ(way_.next_due(), moment{130ms});
  EXPECT_EQ(taken(130ms), names{2});
  EXPECT_EQ(way_.next_due(), std::nullopt);
}

TEST_F(lab_path, without_a_shape_everything_passes_at_once_and_in_order) {
  for (std::uint8_t i = 1; i <= 3; ++i) EXPECT_EQ(offer(i, 65535, 0ms), verdict::taken);
  EXPECT_EQ(taken(0ms), (names{1, 2, 3}));
}

TEST_F(lab_path, the_rate_spaces_packets_behind_the_burst) {
  shape_as("rate_kbit=8 burst=1000 queue=10000");  // a byte in a millisecond
  for (std::uint8_t i = 1; i <= 4; ++i) offer(i, 500, 0ms);
  EXPECT_EQ(taken(0ms), (names{1, 2}));
  EXPECT_EQ(taken(499ms), names{});
  EXPECT_EQ(taken(500ms), names{3});
  EXPECT_EQ(taken(1000ms), names{4});
  offer(5, 500, 1500ms);  // half of the bucket is full again
  EXPECT_EQ(taken(1500ms), names{5});
}

TEST_F(lab_path, a_long_silence_fills_the_bucket_and_not_more) {
  shape_as("rate_kbit=8 burst=1000 queue=10000");
  for (std::uint8_t i = 1; i <= 3; ++i) offer(i, 500, 3600s);
  EXPECT_EQ(taken(3600s), (names{1, 2}));
}

TEST_F(lab_path, the_queue_takes_its_last_byte_and_drops_one_more) {
  shape_as("rate_kbit=8 burst=0 queue=1000");
  EXPECT_EQ(offer(1, 600, 0ms), verdict::taken);
  EXPECT_EQ(offer(2, 401, 0ms), verdict::overflowed);
  EXPECT_EQ(offer(3, 400, 0ms), verdict::taken);
  EXPECT_EQ(offer(4, 1, 599ms), verdict::overflowed);
  EXPECT_EQ(offer(5, 600, 600ms), verdict::taken) << "the first one has left";
  EXPECT_EQ(way_.figures().overflowed, 2U);
  EXPECT_EQ(taken(1000ms), (names{1, 3})) << "what was dropped takes no time";
}

TEST_F(lab_path, a_packet_of_the_mtu_passes_and_one_byte_more_does_not) {
  shape_as("mtu=1280");
  EXPECT_EQ(offer(1, 1280, 0ms), verdict::taken);
  EXPECT_EQ(offer(2, 1281, 0ms), verdict::too_big);
  EXPECT_EQ(taken(0ms), names{1});
}

TEST_F(lab_path, a_black_hole_swallows_what_comes_and_what_would_come_out) {
  shape_as("delay_ms=50");
  offer(1, 100, 0ms);   // out before it
  offer(2, 100, 60ms);  // would come out inside
  EXPECT_EQ(taken(60ms), names{1});
  way_.black_hole(200ms);
  EXPECT_TRUE(way_.in_black_hole(moment{200ms} - 1ns));
  EXPECT_FALSE(way_.in_black_hole(200ms));
  EXPECT_EQ(offer(3, 100, moment{200ms} - 1ns), verdict::swallowed);
  EXPECT_EQ(offer(4, 100, 200ms), verdict::taken);
  EXPECT_EQ(taken(250ms), names{4});
  EXPECT_EQ(way_.figures().swallowed, 2U);
}

TEST_F(lab_path, what_is_under_way_and_comes_out_behind_the_black_hole_survives_it) {
  shape_as("delay_ms=300");
  offer(1, 100, 0ms);
  way_.black_hole(200ms);
  EXPECT_EQ(taken(300ms), names{1});
}

TEST_F(lab_path, a_late_packet_is_overtaken) {
  shape_as("delay_ms=10 reorder=1 reorder_ms=5");
  offer(1, 100, 0ms);
  shape_as("reorder=0");
  offer(2, 100, 1ms);
  EXPECT_EQ(taken(15ms), (names{2, 1}));
}

TEST_F(lab_path, a_doubled_packet_comes_twice) {
  shape_as("duplicate=1");
  offer(1, 100, 0ms);
  EXPECT_EQ(taken(0ms), (names{1, 1}));
  EXPECT_EQ(way_.figures().delivered, 2U);
}

TEST_F(lab_path, a_chance_of_one_loses_all_and_of_zero_none) {
  shape_as("loss=1");
  EXPECT_EQ(offer(1, 100, 0ms), verdict::lost);
  shape_as("loss=0");
  EXPECT_EQ(offer(2, 100, 0ms), verdict::taken);
}

std::uint64_t lost_of(std::uint64_t seed, std::string_view how, int count) {
  path way{seed};
  shape wanted;
  EXPECT_EQ(change(wanted, how), std::nullopt);
  way.set_shape(wanted);
  std::uint64_t sum = 0;
  for (int i = 0; i < count; ++i) {
    if (way.offer(packet(0), 1, moment{i}) == verdict::lost) sum += static_cast<std::uint64_t>(i);
  }
  return sum;
}

TEST_F(lab_path, the_same_seed_loses_the_same_packets_whatever_else_is_set) {
  EXPECT_EQ(lost_of(1, "loss=0.05", 1000), lost_of(1, "loss=0.05 duplicate=0.5 reorder=0.5", 1000));
  EXPECT_NE(lost_of(1, "loss=0.05", 1000), lost_of(2, "loss=0.05", 1000));
}

TEST_F(lab_path, as_many_are_lost_as_the_chance_says) {
  shape_as("loss=0.05");
  for (int i = 0; i < 100'000; ++i) offer(0, 1, moment{i});
  EXPECT_NEAR(static_cast<double>(way_.figures().lost), 5000, 350);  // five standard deviations
}

}  // namespace
}  // namespace flowersec::lab
