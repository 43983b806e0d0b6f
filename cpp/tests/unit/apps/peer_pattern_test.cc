#include "peer/pattern.h"

#include <gtest/gtest.h>

namespace flowersec::apps {
namespace {

std::byte expected(std::uint64_t i) { return static_cast<std::byte>((i ^ (i >> 8) ^ (i >> 16)) & 0xff); }

TEST(pattern, follows_its_formula_wherever_a_block_begins_and_ends) {
  for (const std::uint64_t offset : {0ull, 1ull, 255ull, 256ull, 65535ull, 65536ull, 16777215ull, 1ull << 33}) {
    for (const std::size_t size : {0u, 1u, 255u, 256u, 257u, 1000u}) {
      byte_buffer bytes(size);
      fill_pattern(offset, bytes);
      for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(bytes[i], expected(offset + i)) << offset << '+' << i;
      EXPECT_TRUE(matches_pattern(offset, bytes));
    }
  }
}

TEST(pattern, notices_one_changed_bit_anywhere) {
  byte_buffer bytes(600);
  fill_pattern(100, bytes);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] ^= std::byte{1};
    EXPECT_FALSE(matches_pattern(100, bytes)) << i;
    bytes[i] ^= std::byte{1};
  }
}

TEST(pattern, notices_a_piece_in_the_wrong_place) {
  byte_buffer bytes(300);
  fill_pattern(256, bytes);
  EXPECT_FALSE(matches_pattern(0, bytes));
  EXPECT_FALSE(matches_pattern(257, bytes));
}

}  // namespace
}  // namespace flowersec::apps
