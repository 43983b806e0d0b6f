#include "tunnel/spare_room.h"

#include <absl/container/flat_hash_map.h>
#include <gtest/gtest.h>

#include <vector>

namespace flowersec::tunnel {
namespace {

TEST(spare_room, is_given_back_below_an_eighth) {
  EXPECT_TRUE(mostly_free(800, 99));
  EXPECT_FALSE(mostly_free(800, 100));
}

TEST(spare_room, of_small_containers_is_kept) {
  EXPECT_FALSE(mostly_free(least_spare_places, 0));
  EXPECT_TRUE(mostly_free(least_spare_places + 1, 0));
}

TEST(spare_room, of_a_table_goes_and_what_is_left_in_it_stays) {
  absl::flat_hash_map<int, int> table;
  for (int i = 0; i < 10'000; ++i) table[i] = i;
  const auto crowded = table.bucket_count();
  shrink_table(table);
  EXPECT_EQ(table.bucket_count(), crowded);
  for (int i = 10; i < 10'000; ++i) table.erase(i);
  shrink_table(table);
  EXPECT_LE(table.bucket_count(), least_spare_places);
  ASSERT_EQ(table.size(), 10u);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(table.at(i), i);
}

TEST(spare_room, of_a_vector_goes_and_what_is_left_in_it_stays) {
  std::vector<int> places(10'000, 7);
  places.resize(10);
  shrink_vector(places);
  EXPECT_LE(places.capacity(), least_spare_places);
  EXPECT_EQ(places, std::vector<int>(10, 7));
}

}  // namespace
}  // namespace flowersec::tunnel
