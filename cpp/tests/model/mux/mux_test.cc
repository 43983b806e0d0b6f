// Random programs on two multiplexers, watched by the model; and the same with a defect, to see that it is missed
// nowhere.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <sstream>

#include "defects.h"
#include "driver.h"
#include "support/sanitized.h"

namespace flowersec::mux {
namespace {

std::uint64_t number_of(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

struct found {
  std::uint64_t seed;
  program small;
  failure broken;
};

/// The first program that fails, made small.
std::optional<found> first_failure(std::uint64_t first, std::uint64_t runs, const peer_maker& make,
                                   const model_options& options = {}) {
  for (auto seed = first; seed < first + runs; ++seed) {
    const auto whole = random_program(seed);
    if (!run(whole, make, options)) continue;
    auto small = shrink(whole, [&](const program& less) { return run(less, make, options).has_value(); });
    const auto broken = run(small, make, options);
    return found{seed, std::move(small), *broken};
  }
  return std::nullopt;
}

std::string report(const found& bad) {
  return "seed " + std::to_string(bad.seed) + " (FLOWERSEC_MUX_SEED=" + std::to_string(bad.seed) +
         " FLOWERSEC_MUX_RUNS=1)\n" + to_text(bad.small) + "behind step " + std::to_string(bad.broken.step) + ": " +
         bad.broken.rule;
}

TEST(mux_model, random_programs_break_no_rule) {
  const auto runs = number_of("FLOWERSEC_MUX_RUNS", testing_support::sanitized ? 300 : 3000);
  const auto bad = first_failure(number_of("FLOWERSEC_MUX_SEED", 1), runs, make_session_peer);
  EXPECT_FALSE(bad) << report(*bad);
}

class mux_defect : public testing::TestWithParam<std::size_t> {};

TEST_P(mux_defect, is_found_and_shown_in_five_steps) {
  const auto bad = first_failure(1, 3000, make_with(static_cast<defect>(GetParam())));
  ASSERT_TRUE(bad);
  EXPECT_LE(bad->small.steps.size(), 5u) << report(*bad);
  std::cout << report(*bad) << '\n';
}

INSTANTIATE_TEST_SUITE_P(mux_model, mux_defect, testing::Range<std::size_t>(0, defect_count),
                         [](const auto& each) { return name_of(static_cast<defect>(each.param)); });

/// C++ in a process of its own; or, in FLOWERSEC_MUX_PEER, the words that start another multiplexer.
std::vector<std::string> peer_words() {
  const char* text = std::getenv("FLOWERSEC_MUX_PEER");
  std::istringstream words{text == nullptr ? FLOWERSEC_MUX_PEER_PROGRAM : text};
  std::vector<std::string> all;
  for (std::string word; words >> word;) all.push_back(word);
  return all;
}

TEST(mux_model, a_program_beside_this_one_breaks_no_rule_on_either_side) {
  const bool foreign = std::getenv("FLOWERSEC_MUX_PEER") != nullptr;
  const auto words = peer_words();
  const auto runs = number_of("FLOWERSEC_MUX_PEER_RUNS", 50);
  for (const auto theirs : {side::client, side::server}) {
    const auto make = [&](side is, const yamux::yamux_limits& limits) {
      auto made = is == theirs ? make_program_peer(words, is, limits) : make_session_peer(is, limits);
      EXPECT_TRUE(made) << words.front();
      return made ? std::move(made) : make_session_peer(is, limits);
    };
    const auto bad = first_failure(number_of("FLOWERSEC_MUX_SEED", 1), runs, make, {.exact = !foreign});
    EXPECT_FALSE(bad) << (theirs == side::client ? "as client: " : "as server: ") << report(*bad);
  }
}

TEST(mux_model, every_program_survives_being_text) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const auto whole = random_program(seed);
    const auto again = parse_program("# a comment\n\n" + to_text(whole));
    ASSERT_TRUE(again);
    EXPECT_EQ(to_text(*again), to_text(whole));
    EXPECT_TRUE(again->steps == whole.steps) << seed;
  }
}

TEST(mux_model, what_is_not_a_program_is_refused) {
  for (const auto* text : {"c", "x open 0", "c open", "c write c0", "c write 0 5", "c read x0 1", "c jump", "limits c",
                           "limits x active=1", "limits c active", "limits c active=x", "limits c other=1"}) {
    EXPECT_EQ(parse_program(text).has_value(), std::string{text} == "limits c") << text;
  }
}

}  // namespace
}  // namespace flowersec::mux
