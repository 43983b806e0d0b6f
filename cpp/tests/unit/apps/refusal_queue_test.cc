#include "tunneld/refusal_queue.h"

#include <gmock/gmock.h>

namespace flowersec::apps {
namespace {

using tunnel::attach_reason;

bool add(refusal_queue& queue, std::size_t times) {
  bool woke = false;
  for (std::size_t i = 0; i < times; ++i) woke |= queue.add(attach_reason::invalid_token, {"192.0.2.1:1", "aud|iss"});
  return woke;
}

TEST(refusal_queue, keeps_what_a_line_says) {
  refusal_queue queue;
  EXPECT_TRUE(queue.add(attach_reason::timeout, {"[::1]:9", {}}));
  EXPECT_FALSE(queue.add(attach_reason::token_replay, {"192.0.2.1:1", "aud|*"})) << "the writer comes anyway";
  const auto lines = queue.take();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].reason, attach_reason::timeout);
  EXPECT_EQ(lines[0].address, "[::1]:9");
  EXPECT_EQ(lines[0].tenant, "");
  EXPECT_EQ(lines[1].tenant, "aud|*");
  EXPECT_THAT(queue.take(), testing::IsEmpty());
}

TEST(refusal_queue, at_the_limit_every_refusal_has_its_line) {
  refusal_queue queue;
  add(queue, max_refusal_lines_per_second);
  EXPECT_EQ(queue.take().size(), max_refusal_lines_per_second);
  EXPECT_EQ(queue.end_second(), 0u);
}

TEST(refusal_queue, one_past_the_limit_is_counted) {
  refusal_queue queue;
  add(queue, max_refusal_lines_per_second);
  EXPECT_FALSE(add(queue, 1));
  EXPECT_EQ(queue.take().size(), max_refusal_lines_per_second);
  EXPECT_FALSE(add(queue, 2)) << "taking lines does not make room in the same second";
  EXPECT_EQ(queue.end_second(), 3u);
  EXPECT_TRUE(add(queue, 1));
  EXPECT_EQ(queue.take().size(), 1u);
  EXPECT_EQ(queue.end_second(), 0u) << "counted once";
}

TEST(refusal_queue, a_writer_that_does_not_come_bounds_what_is_held) {
  refusal_queue queue;
  for (int second = 0; second < 5; ++second) {
    add(queue, max_refusal_lines_per_second);
    (void)queue.end_second();
  }
  EXPECT_EQ(queue.take().size(), max_refusal_lines_per_second);
}

TEST(refusal_queue, a_line_that_waits_for_its_writer_counts_in_the_next_second) {
  refusal_queue queue;
  add(queue, 2);
  EXPECT_EQ(queue.end_second(), 0u);
  add(queue, max_refusal_lines_per_second);
  EXPECT_EQ(queue.take().size(), max_refusal_lines_per_second);
  EXPECT_EQ(queue.end_second(), 2u);
}

}  // namespace
}  // namespace flowersec::apps
