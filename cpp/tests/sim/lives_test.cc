// Whole lives of control plane, tunnel, client and endpoint, each decided by a number; and lives with a flaw, all
// found.
#include <cstdlib>
#include <iostream>

#include "support/sanitized.h"
#include "whole_life.h"

namespace flowersec::sim {
namespace {

std::uint64_t number_of(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string to_text(const std::vector<std::string>& rules) {
  std::string text;
  for (const auto& rule : rules) text += "  " + rule + '\n';
  return text;
}

TEST(lives, whatever_happens_no_rule_is_broken) {
  const auto first = number_of("FLOWERSEC_SIM_SEED", 1);
  const auto runs = number_of("FLOWERSEC_SIM_RUNS", testing_support::sanitized ? 200 : 2000);
  life_report sum;
  std::size_t calm = 0;
  std::map<std::string, std::size_t> ends;
  for (auto seed = first; seed < first + runs; ++seed) {
    const auto life = live(seed);
    ASSERT_TRUE(life.broken.empty()) << "seed " << seed << " (FLOWERSEC_SIM_SEED=" << seed
                                     << " FLOWERSEC_SIM_RUNS=1) broke:\n"
                                     << to_text(life.broken) << "its sessions ended:\n"
                                     << to_text(life.ends);
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
    sum.admissions += life.admissions;
    sum.sessions_up += life.sessions_up;
    sum.accidents += life.accidents;
    calm += life.calm ? 1 : 0;
    for (const auto& end : life.ends) ++ends[end];
  }
  std::cout << runs << " lives, " << calm << " of them calm: " << sum.admissions << " attached, " << sum.sessions_up
            << " ends of sessions up, " << sum.accidents << " accidents\n";
  for (const auto& [end, times] : ends) std::cout << "  " << end << ' ' << times << '\n';
}

TEST(lives, the_same_seed_is_the_same_life) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto one = live(seed);
    const auto other = live(seed);
    EXPECT_EQ(one.admissions, other.admissions) << seed;
    EXPECT_EQ(one.sessions_up, other.sessions_up) << seed;
    EXPECT_EQ(one.accidents, other.accidents) << seed;
  }
}

struct found_by {
  flaw which;
  const char* rule;
};

class flawed : public ::testing::TestWithParam<found_by> {};

TEST_P(flawed, is_found) {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    const auto life = live(seed, GetParam().which);
    if (std::ranges::find(life.broken, GetParam().rule) == life.broken.end()) continue;
    std::cout << "seed " << seed << ":\n" << to_text(life.broken);
    return;
  }
  FAIL() << "in no life: " << GetParam().rule;
}

INSTANTIATE_TEST_SUITE_P(
    lives, flawed,
    ::testing::Values(
        found_by{flaw::replay_is_forgotten, "a token was good twice"},
        found_by{flaw::expired_tokens_are_good, "a token was good after its time"},
        found_by{flaw::the_network_loses_a_byte, "nothing stood in the way, and it did not work the first time"},
        found_by{flaw::the_reader_loses_a_byte, "an application read what nobody wrote, or not in order"},
        found_by{flaw::the_reader_repeats_a_byte, "an application read what nobody wrote, or not in order"},
        found_by{flaw::the_reader_loses_the_last_byte, "a stream was closed in order with something missing"},
        found_by{flaw::a_window_is_ignored, "an end holds more than its windows allow"},
        found_by{flaw::a_budget_is_ignored, "the tunnel holds too much"},
        found_by{flaw::the_silent_may_stay, "the tunnel is not empty"}),
    [](const auto& each) { return name_of(each.param.which); });

}  // namespace
}  // namespace flowersec::sim
