// Used tokens stay used for exactly as long as they must.
#include <gtest/gtest.h>

#include "flowersec/tunnel/replay.h"

namespace flowersec::tunnel {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class replay : public ::testing::Test {
 protected:
  replay_answer use(const std::string& key, std::int64_t until) {
    auto got = replay_answer::unavailable;
    store->try_use({key, until}, wall, mono, mono + seconds{1}, [&](replay_answer answer) { got = answer; });
    return got;
  }
  void pass(milliseconds time) {
    wall += time;
    mono += time;
  }
  void expire() { store->expire(wall, mono); }

  std::shared_ptr<replay_store> store = make_memory_replay_store(3);
  wall_time wall{seconds{1'800'000'000}};
  mono_time mono{seconds{500}};
  const std::int64_t now = 1'800'000'000;
};

TEST_F(replay, first_use_is_fresh_and_the_second_is_not) {
  EXPECT_EQ(use("a", now + 10), replay_answer::fresh);
  EXPECT_EQ(use("a", now + 10), replay_answer::used);
  EXPECT_EQ(use("b", now + 10), replay_answer::fresh);
}

TEST_F(replay, refused_in_the_last_second_and_free_in_the_next) {
  EXPECT_EQ(use("a", now + 10), replay_answer::fresh);
  pass(milliseconds{10'999});
  expire();
  EXPECT_EQ(use("a", now + 10), replay_answer::used);
  pass(milliseconds{1});
  EXPECT_EQ(use("a", now + 30), replay_answer::fresh);
  EXPECT_EQ(use("a", now + 30), replay_answer::used);
}

TEST_F(replay, full_store_refuses_without_forgetting_anybody) {
  for (const auto* key : {"a", "b", "c"}) EXPECT_EQ(use(key, now + 10), replay_answer::fresh);
  EXPECT_EQ(use("d", now + 10), replay_answer::unavailable);
  for (const auto* key : {"a", "b", "c"}) EXPECT_EQ(use(key, now + 10), replay_answer::used);
}

TEST_F(replay, full_store_makes_room_from_what_is_over) {
  for (const auto* key : {"a", "b", "c"}) EXPECT_EQ(use(key, now + 1), replay_answer::fresh);
  pass(seconds{3});
  EXPECT_EQ(use("d", now + 10), replay_answer::fresh);
  EXPECT_EQ(use("e", now + 10), replay_answer::fresh);
}

TEST_F(replay, wall_clock_stepped_forward_frees_nothing) {
  EXPECT_EQ(use("a", now + 10), replay_answer::fresh);
  wall += seconds{3600};
  expire();
  EXPECT_EQ(use("a", now + 10), replay_answer::used);
  wall -= seconds{3600};
  EXPECT_EQ(use("a", now + 10), replay_answer::used);
}

TEST_F(replay, wall_clock_stepped_back_keeps_the_entry) {
  EXPECT_EQ(use("a", now + 10), replay_answer::fresh);
  wall -= seconds{3600};
  pass(seconds{60});
  expire();
  EXPECT_EQ(use("a", now + 10), replay_answer::used);
}

TEST_F(replay, entries_beyond_one_turn_of_the_wheel_are_kept) {
  EXPECT_EQ(use("far", now + 1000), replay_answer::fresh);
  for (int i = 0; i < 999; ++i) {
    pass(seconds{1});
    expire();
  }
  EXPECT_EQ(use("far", now + 1000), replay_answer::used);
  pass(seconds{3});
  expire();
  EXPECT_EQ(use("far", now + 5000), replay_answer::fresh);
}

TEST_F(replay, a_long_pause_frees_everything_due) {
  for (const auto* key : {"a", "b", "c"}) EXPECT_EQ(use(key, now + 20), replay_answer::fresh);
  pass(seconds{100'000});
  expire();
  for (const auto* key : {"d", "e", "f"}) EXPECT_EQ(use(key, now + 200'000), replay_answer::fresh);
}

TEST_F(replay, an_endless_token_does_not_overflow) {
  EXPECT_EQ(use("a", std::numeric_limits<std::int64_t>::max()), replay_answer::fresh);
  pass(seconds{600});
  expire();
  EXPECT_EQ(use("a", now), replay_answer::used);
}

}  // namespace
}  // namespace flowersec::tunnel
