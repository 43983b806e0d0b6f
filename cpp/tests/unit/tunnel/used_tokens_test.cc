// The memory of used tokens does the same work for a million entries as for a thousand, and gives all of it back.
#include "tunnel/used_tokens.h"

#include <gtest/gtest.h>

#include <set>

namespace flowersec::tunnel {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

token_digest token_number(std::uint64_t number) {
  // Spread like a hash; the multiplier of splitmix64.
  token_digest token{};
  auto spread = number * 0x9e3779b97f4a7c15ULL;
  spread = (spread ^ (spread >> 30)) * 0xbf58476d1ce4e5b9ULL;
  store_be(token.data(), spread ^ (spread >> 27));
  store_be(token.data() + 8, number);
  return token;
}

class used : public ::testing::Test {
 protected:
  void pass(milliseconds time) {
    wall += time;
    mono += time;
  }
  [[nodiscard]] std::int64_t now() const { return count(to_unix_seconds(wall)); }
  replay_answer use(used_tokens& tokens, std::uint64_t number, std::int64_t lives_s) {
    return tokens.use(token_number(number), now() + lives_s, wall, mono);
  }
  std::size_t expire(used_tokens& tokens) {
    const auto before = tokens.work();
    EXPECT_FALSE(tokens.expire(wall, mono, SIZE_MAX));
    return tokens.work() - before;
  }

  wall_time wall{seconds{1'800'000'000}};
  mono_time mono{seconds{500}};
};

struct cost {
  double mean_use = 0;
  std::uint64_t most_in_a_use = 0;
  std::uint64_t idle_sweeps = 0;      ///< work of twenty, with nothing due
  std::uint64_t expiry_per_1000 = 0;  ///< for each thousand entries whose time came
};

class cost_of : public used {
 protected:
  /// A store with `entries` whose time ends over 100 seconds, then a thousand attaches a second.
  cost measure(std::size_t entries) {
    used_tokens tokens{2 * entries};
    for (std::size_t i = 0; i < entries; ++i) {
      EXPECT_EQ(use(tokens, i, 20 + static_cast<std::int64_t>(i % 100)), replay_answer::fresh);
    }
    cost found;
    const auto before_sweeps = tokens.work();
    for (int i = 0; i < 20; ++i, pass(milliseconds{500})) expire(tokens);
    found.idle_sweeps = tokens.work() - before_sweeps;
    constexpr std::uint64_t uses = 1000;
    const auto before_uses = tokens.work();
    for (std::uint64_t i = 0; i < uses; ++i) {
      const auto before = tokens.work();
      EXPECT_EQ(use(tokens, entries + i, 100), replay_answer::fresh);
      EXPECT_EQ(use(tokens, i, 100), replay_answer::used);
      found.most_in_a_use = std::max(found.most_in_a_use, tokens.work() - before);
    }
    found.mean_use = static_cast<double>(tokens.work() - before_uses) / (2 * uses);
    const auto before_expiry = tokens.work();
    const auto size = tokens.size();
    for (int i = 0; i < 400; ++i, pass(milliseconds{500})) expire(tokens);
    EXPECT_EQ(tokens.size(), 0u);
    found.expiry_per_1000 = (tokens.work() - before_expiry) * 1000 / size;
    return found;
  }
};

TEST_F(cost_of, a_million_entries_is_that_of_a_thousand) {
  const auto few = measure(1'000);
  const auto many = measure(1'000'000);
  EXPECT_LT(many.mean_use, few.mean_use * 1.5 + 1);
  EXPECT_LT(many.mean_use, 5);
  EXPECT_LT(many.most_in_a_use, 40u) << "no single attach pays for the others";
  EXPECT_EQ(many.idle_sweeps, few.idle_sweeps) << "a sweep looks at what is due, not at what is there";
  EXPECT_LE(many.idle_sweeps, 40u);
  EXPECT_LT(many.expiry_per_1000, 8'000u) << "each entry is met about once on its way out";
}

TEST_F(cost_of, a_full_store_refuses_without_looking_around) {
  used_tokens tokens{100'000};
  for (std::uint64_t i = 0; i < 100'000; ++i) (void)use(tokens, i, 100);
  expire(tokens);
  const auto before = tokens.work();
  for (std::uint64_t i = 0; i < 1000; ++i) EXPECT_EQ(use(tokens, 100'000 + i, 100), replay_answer::unavailable);
  EXPECT_LT(tokens.work() - before, 5'000u);
}

TEST_F(cost_of, a_clock_set_back_an_hour_is_not_a_scan_in_every_second) {
  used_tokens tokens{10'000};
  for (std::uint64_t i = 0; i < 10'000; ++i) (void)use(tokens, i, 10);
  wall -= seconds{3600};
  const auto before = tokens.work();
  for (int i = 0; i < 1200; ++i, pass(milliseconds{500})) expire(tokens);
  EXPECT_EQ(tokens.size(), 10'000u) << "still refused by the wall clock";
  EXPECT_LT(tokens.work() - before, 5 * 10'000u) << "once when due, then once per turn of the wheel";
  for (int i = 0; i < 7200; ++i, pass(milliseconds{500})) expire(tokens);
  EXPECT_EQ(tokens.size(), 0u);
}

TEST_F(used, expiry_can_be_taken_in_portions) {
  used_tokens tokens{1000};
  for (std::uint64_t i = 0; i < 1000; ++i) (void)use(tokens, i, 5);
  pass(seconds{10});
  std::size_t portions = 0;
  for (bool more = true; more; ++portions) {
    const auto before = tokens.size();
    more = tokens.expire(wall, mono, 100);
    EXPECT_LE(before - tokens.size(), 100u);
  }
  EXPECT_EQ(tokens.size(), 0u);
  EXPECT_GE(portions, 10u);
}

TEST_F(used, entries_of_a_due_second_not_swept_yet_are_told_from_live_ones) {
  used_tokens tokens{10};
  (void)use(tokens, 1, 5);
  (void)use(tokens, 2, 5);
  pass(seconds{7});
  (void)tokens.expire(wall, mono, 1);  // the hand has moved, nothing is taken out yet
  EXPECT_EQ(use(tokens, 1, 5), replay_answer::fresh);
  EXPECT_EQ(use(tokens, 1, 5), replay_answer::used);
  expire(tokens);
  EXPECT_EQ(tokens.size(), 1u);
  EXPECT_EQ(use(tokens, 1, 5), replay_answer::used);
  EXPECT_EQ(use(tokens, 2, 5), replay_answer::fresh);
}

TEST_F(used, forgotten_is_as_never_used) {
  used_tokens tokens{2};
  (void)use(tokens, 1, 5);
  (void)use(tokens, 2, 5);
  tokens.forget(token_number(1));
  tokens.forget(token_number(7));
  EXPECT_EQ(tokens.size(), 1u);
  EXPECT_EQ(use(tokens, 2, 5), replay_answer::used);
  EXPECT_EQ(use(tokens, 1, 5), replay_answer::fresh);
  pass(seconds{20});
  expire(tokens);
  EXPECT_EQ(tokens.size(), 0u);
}

TEST_F(used, what_is_remembered_has_room_above_the_limit_and_the_longer_time_wins) {
  used_tokens tokens{1};
  for (std::uint64_t i = 0; i < 3; ++i) tokens.remember(token_number(i), now() + 10, wall, mono);
  tokens.remember(token_number(0), now() + 5, wall, mono);
  EXPECT_EQ(tokens.size(), 3u);
  EXPECT_EQ(use(tokens, 9, 10), replay_answer::unavailable);
  pass(seconds{8});
  expire(tokens);
  EXPECT_EQ(use(tokens, 0, 10), replay_answer::used);
}

TEST_F(used, nothing_is_lost_while_the_table_grows_and_shrinks) {
  used_tokens tokens{SIZE_MAX};
  constexpr std::uint64_t most = 5'000;
  for (std::uint64_t i = 0; i < most; ++i) ASSERT_EQ(use(tokens, i, 10), replay_answer::fresh);
  for (std::uint64_t i = 0; i < most; ++i) ASSERT_EQ(use(tokens, i, 10), replay_answer::used);
  for (std::uint64_t i = 0; i < most; ++i) {
    tokens.forget(token_number(i));
    ASSERT_EQ(tokens.size(), most - i - 1);
    if (i % 100 != 0) continue;
    for (auto j = i + 1; j < most; ++j) ASSERT_EQ(use(tokens, j, 10), replay_answer::used);
  }
  for (std::uint64_t i = 0; i < most; ++i) ASSERT_EQ(use(tokens, i, 10), replay_answer::fresh);
}

TEST_F(used, a_series_of_visits_meets_everybody_who_stays) {
  used_tokens tokens{SIZE_MAX};
  constexpr std::uint64_t stay = 3'000;
  for (std::uint64_t i = 0; i < 2 * stay; ++i) (void)use(tokens, i, 10);
  tokens.keep_shape(true);
  std::set<token_digest> met;
  std::size_t cursor = 0;
  std::uint64_t step = 0;
  while (tokens.visit(cursor, 7, [&](const token_digest& token, std::int64_t) { met.insert(token); })) {
    // Half of them leave, and others come, while the visits go on.
    for (int i = 0; i < 5 && step < stay; ++i, ++step) tokens.forget(token_number(stay + step));
    if (step % 2 == 0) (void)use(tokens, 100'000 + step, 10);
  }
  tokens.keep_shape(false);
  for (std::uint64_t i = 0; i < stay; ++i) EXPECT_EQ(met.count(token_number(i)), 1u) << i;
}

TEST(token_digest, is_the_sha_256_of_the_key) {
  const auto digest = digest_of({"abc", 0});
  EXPECT_EQ(load_be<std::uint64_t>(digest.data()), 0xba7816bf8f01cfeaULL) << "FIPS 180-4, example B.1";
  EXPECT_NE(digest_of({std::string{"a\0b", 3}, 0}), digest_of({std::string{"a\0c", 3}, 0})) << "NUL is no end";
}

}  // namespace
}  // namespace flowersec::tunnel
