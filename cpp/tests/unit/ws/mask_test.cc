// Masking against the loop of RFC 6455 section 5.3, at every alignment, length and offset that the code tells apart.
#include "flowersec/ws/mask.h"

#include <gtest/gtest.h>

#include <set>

namespace flowersec::ws {
namespace {

constexpr mask_key key{std::byte{0xa1}, std::byte{0x02}, std::byte{0xfe}, std::byte{0x5c}};

byte_buffer pattern(std::size_t size) {
  byte_buffer bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 31 + (i >> 8));
  return bytes;
}

byte_buffer by_the_rfc(byte_view bytes, std::uint64_t offset) {
  byte_buffer out(bytes.begin(), bytes.end());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] ^= key[(i + offset) % 4];
  return out;
}

TEST(mask, in_place_equals_the_byte_loop_at_every_alignment_length_and_offset) {
  for (std::size_t alignment = 0; alignment < 32; ++alignment) {
    for (std::size_t size = 0; size <= 300; ++size) {
      const auto bytes = pattern(alignment + size);
      const auto offset = alignment + size;  // all four phases in all combinations over the run
      const auto expected = by_the_rfc(byte_view{bytes}.subspan(alignment), offset);
      auto masked = bytes;
      apply_mask(mutable_byte_view{masked}.subspan(alignment), key, offset);
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), masked.begin() + static_cast<std::ptrdiff_t>(alignment)))
          << alignment << ' ' << size;
      ASSERT_TRUE(std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(alignment), masked.begin()));
    }
  }
}

TEST(mask, every_phase) {
  for (std::uint64_t offset = 0; offset < 9; ++offset) {
    auto bytes = pattern(77);
    const auto expected = by_the_rfc(bytes, offset);
    apply_mask(bytes, key, offset);
    EXPECT_EQ(bytes, expected) << offset;
  }
}

TEST(mask, a_payload_masked_in_pieces_equals_one_masked_at_once) {
  const auto bytes = pattern(1000);
  for (std::size_t piece = 1; piece < 70; ++piece) {
    auto masked = bytes;
    for (std::size_t at = 0; at < masked.size(); at += piece) {
      apply_mask(mutable_byte_view{masked}.subspan(at, std::min(piece, masked.size() - at)), key, at);
    }
    ASSERT_EQ(masked, by_the_rfc(bytes, 0)) << piece;
  }
}

TEST(mask, moving_down_any_distance_equals_masking_then_moving) {
  for (const std::size_t size : {0, 1, 3, 4, 15, 16, 17, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1000}) {
    for (std::size_t distance = 0; distance <= 70; ++distance) {
      auto bytes = pattern(distance + size);
      const auto expected = by_the_rfc(byte_view{bytes}.subspan(distance), distance);
      move_down_masked(bytes.data(), byte_view{bytes}.subspan(distance), key, distance);
      bytes.resize(size);
      ASSERT_EQ(bytes, expected) << size << ' ' << distance;
    }
  }
}

TEST(mask, twice_is_nothing) {
  auto bytes = pattern(333);
  apply_mask(bytes, key, 2);
  EXPECT_NE(bytes, pattern(333));
  apply_mask(bytes, key, 2);
  EXPECT_EQ(bytes, pattern(333));
}

TEST(mask_keys, do_not_repeat_over_several_refills) {
  mask_key_source source{system_random()};
  std::set<mask_key> seen;
  constexpr std::size_t draws = 200;
  for (std::size_t i = 0; i < draws; ++i) {
    const auto drawn = source.next();
    ASSERT_TRUE(drawn);
    seen.insert(*drawn);
  }
  EXPECT_GE(seen.size(), draws - 1);  // two equal ones in 200 of 2^32 happen once in 200 000 runs
}

class no_random final : public random_source {
 public:
  bool fill(mutable_byte_view /*into*/) noexcept override { return false; }
};

TEST(mask_keys, without_randomness_there_is_no_key) {
  no_random none;
  mask_key_source source{none};
  EXPECT_EQ(source.next(), std::nullopt);
}

}  // namespace
}  // namespace flowersec::ws
