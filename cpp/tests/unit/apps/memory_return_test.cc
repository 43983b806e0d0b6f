// When the allocator is asked to let go of memory.
#include "tunneld/memory_return.h"

#include <gtest/gtest.h>

namespace flowersec::apps {
namespace {

constexpr std::size_t kib = 1024;

TEST(trim_decision, lets_a_crowd_go_and_then_leaves_the_allocator_alone) {
  trim_decision decision;
  EXPECT_FALSE(decision.is_worth_it({.allocated = 500 * kib, .unused = tolerated_unused_bytes}));
  EXPECT_TRUE(decision.is_worth_it({.allocated = 500 * kib, .unused = tolerated_unused_bytes + 1}));
  EXPECT_TRUE(decision.is_worth_it({.allocated = 500 * kib, .unused = 12'000 * kib}));
  decision.trimmed({.allocated = 500 * kib, .unused = 400 * kib});
  EXPECT_FALSE(decision.is_worth_it({.allocated = 500 * kib, .unused = 400 * kib}));
  EXPECT_FALSE(decision.is_worth_it({.allocated = 600 * kib, .unused = 400 * kib + tolerated_unused_bytes}));
  EXPECT_TRUE(decision.is_worth_it({.allocated = 600 * kib, .unused = 401 * kib + tolerated_unused_bytes}));
}

TEST(trim_decision, looks_again_when_what_kept_many_pages_is_freed) {
  trim_decision decision;
  // Of a crowd's tokens one in twenty is still remembered, each in a page of its own.
  decision.trimmed({.allocated = 577 * kib, .unused = 1'600 * kib});
  EXPECT_FALSE(decision.is_worth_it({.allocated = 575 * kib, .unused = 1'602 * kib}));
  EXPECT_TRUE(decision.is_worth_it({.allocated = 575 * kib - 1, .unused = 1'602 * kib + 1}));
  EXPECT_TRUE(decision.is_worth_it({.allocated = 500 * kib, .unused = 1'677 * kib}));
  decision.trimmed({.allocated = 500 * kib, .unused = 300 * kib});
  EXPECT_FALSE(decision.is_worth_it({.allocated = 499 * kib, .unused = 301 * kib}));
}

TEST(trim_decision, does_not_mind_what_comes_and_goes) {
  trim_decision decision;
  decision.trimmed({.allocated = 900 * kib, .unused = 400 * kib});
  for (int round = 0; round < 100; ++round) {
    EXPECT_FALSE(decision.is_worth_it({.allocated = 5'000 * kib, .unused = 420 * kib}));
    EXPECT_FALSE(decision.is_worth_it({.allocated = 900 * kib, .unused = 450 * kib}));
  }
}

TEST(trim_decision, has_nothing_to_gain_from_little) {
  trim_decision decision;
  decision.trimmed({.allocated = 900 * kib, .unused = tolerated_unused_bytes});
  EXPECT_FALSE(decision.is_worth_it({.allocated = 0, .unused = tolerated_unused_bytes}));
}

}  // namespace
}  // namespace flowersec::apps
