// Unread bytes keep their order, and their memory follows what arrived.
#include "yamux/receive_queue.h"

#include <gtest/gtest.h>

#include "fixture.h"

namespace flowersec::yamux {
namespace {

constexpr std::size_t two_chunks = 2 * std::size_t{16384};

TEST(receive_queue, sizes_and_chunkings_keep_every_byte_in_order) {
  for (const std::size_t total : {1U, 511U, 512U, 513U, 16383U, 16384U, 16385U, 100000U, 262144U}) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{511}, std::size_t{512}, total - 1, total}) {
      if (piece == 0) continue;
      SCOPED_TRACE(std::to_string(total) + " in pieces of " + std::to_string(piece));
      const auto sent = pattern(total);
      receive_queue queue;
      for (std::size_t at = 0; at < total; at += piece) {
        queue.append(byte_view{sent}.subspan(at, std::min(piece, total - at)));
      }
      ASSERT_EQ(queue.size(), total);
      EXPECT_LE(queue.memory_bytes(), total + two_chunks);
      byte_buffer got;
      byte_buffer into(std::max<std::size_t>(1, piece / 2));
      while (!queue.empty()) {
        const auto n = queue.read(into);
        got.insert(got.end(), into.begin(), into.begin() + static_cast<std::ptrdiff_t>(n));
        EXPECT_LE(queue.memory_bytes(), queue.size() + two_chunks);
      }
      EXPECT_EQ(got, sent);
      EXPECT_EQ(queue.memory_bytes(), 0U);
    }
  }
}

TEST(receive_queue, a_queue_that_never_empties_stays_small) {
  const auto piece = pattern(700);
  receive_queue queue;
  queue.append(piece);
  byte_buffer into(piece.size());
  for (int turn = 0; turn < 10000; ++turn) {
    queue.append(piece);
    ASSERT_EQ(queue.read(into), piece.size());
    ASSERT_EQ(into, piece);
    ASSERT_LE(queue.memory_bytes(), queue.size() + two_chunks);
  }
}

TEST(receive_queue, few_bytes_cost_one_small_chunk) {
  receive_queue queue;
  EXPECT_EQ(queue.memory_bytes(), 0U);
  queue.append(pattern(1));
  EXPECT_EQ(queue.memory_bytes(), 512U);
  queue.clear();
  EXPECT_EQ(queue.memory_bytes(), 0U);
  EXPECT_TRUE(queue.empty());
}

TEST(receive_queue, an_empty_queue_gives_nothing) {
  receive_queue queue;
  byte_buffer into(10);
  EXPECT_EQ(queue.read(into), 0U);
  queue.append({});
  EXPECT_EQ(queue.read(into), 0U);
  EXPECT_EQ(queue.memory_bytes(), 0U);
}

}  // namespace
}  // namespace flowersec::yamux
