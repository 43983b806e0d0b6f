#include "cli/program.h"

#include <gmock/gmock.h>

#include <map>
#include <sstream>

namespace flowersec::apps {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

/// A small program with a flag of every type.
struct fixture {
  bool loud = false;
  std::string name = "anna";
  std::int64_t count = 3;
  std::optional<std::int64_t> entries;
  std::chrono::nanoseconds wait = 2min;
  std::vector<std::string> tags;
  bool refuses_words = false;

  std::map<std::string, std::string> environment;
  std::ostringstream out;
  std::ostringstream err;

  program described() {
    return {.name = "greet",
            .summary = "Greets.",
            .blocks = {{"Usage", {"greet [flags]"}}},
            .options = {{"loud", &loud, "shout", {"GREET_LOUD"}},
                        {"name", &name, "who", {"GREET_NAME", "USER_NAME"}},
                        {"count", &count, "how often", {"GREET_COUNT"}},
                        {"entries", &entries, "bound", {"GREET_ENTRIES"}},
                        {"wait", &wait, "pause", {"GREET_WAIT"}},
                        {"tag", &tags, "labels", {"GREET_TAGS"}}},
            .refuses_words = refuses_words};
  }

  std::optional<int> read(std::vector<std::string> arguments) {
    const auto lookup = [this](const std::string& key) -> std::optional<std::string> {
      const auto found = environment.find(key);
      return found == environment.end() ? std::nullopt : std::optional{found->second};
    };
    return read_command_line(described(), {std::move(arguments), lookup, out, err});
  }
};

TEST(command_line, keeps_defaults_when_nothing_is_given) {
  fixture f;
  EXPECT_EQ(f.read({}), std::nullopt);
  EXPECT_EQ(f.name, "anna");
  EXPECT_EQ(f.entries, std::nullopt);
}

TEST(command_line, takes_one_or_two_dashes_and_both_value_forms) {
  fixture f;
  EXPECT_EQ(f.read({"-name", "a", "--count=5", "--wait", "1m30s", "-entries=0", "--loud"}), std::nullopt);
  EXPECT_EQ(f.name, "a");
  EXPECT_EQ(f.count, 5);
  EXPECT_EQ(f.wait, 90s);
  EXPECT_EQ(f.entries, 0);
  EXPECT_TRUE(f.loud);
}

TEST(command_line, last_scalar_wins_and_lists_append) {
  fixture f;
  EXPECT_EQ(f.read({"-name=a", "-name=b", "-tag=x", "-tag", " y ", "-tag= "}), std::nullopt);
  EXPECT_EQ(f.name, "b");
  EXPECT_THAT(f.tags, ElementsAre("x", "y"));
}

TEST(command_line, trims_texts_and_lets_a_blank_flag_clear_the_default) {
  fixture f;
  EXPECT_EQ(f.read({"-name", "  bo  "}), std::nullopt);
  EXPECT_EQ(f.name, "bo");
  EXPECT_EQ(f.read({"-name="}), std::nullopt);
  EXPECT_EQ(f.name, "");
}

TEST(command_line, a_boolean_never_takes_the_next_word) {
  fixture f;
  EXPECT_EQ(f.read({"-loud", "false", "-name=b"}), std::nullopt);
  EXPECT_TRUE(f.loud);
  EXPECT_EQ(f.name, "anna") << "reading stops at the first word that is no flag";
  EXPECT_EQ(f.read({"-loud=F"}), std::nullopt);
  EXPECT_FALSE(f.loud);
}

TEST(command_line, stops_at_a_lone_dash_and_after_two) {
  for (const auto* stop : {"-", "--", "word"}) {
    fixture f;
    EXPECT_EQ(f.read({stop, "-count=9", "-no-such-flag"}), std::nullopt);
    EXPECT_EQ(f.count, 3) << stop;
  }
}

TEST(command_line, a_value_may_start_with_a_dash) {
  fixture f;
  EXPECT_EQ(f.read({"-name", "-loud", "-count", "-4"}), std::nullopt);
  EXPECT_EQ(f.name, "-loud");
  EXPECT_EQ(f.count, -4);
  EXPECT_FALSE(f.loud);
}

TEST(command_line, help_after_a_mistake_shows_the_defaults_and_not_what_was_given) {
  fixture f;
  f.environment["GREET_NAME"] = "from the environment";
  EXPECT_EQ(f.read({"-count=9", "-no-such-flag"}), exit_usage);
  EXPECT_THAT(f.err.str(), HasSubstr("(default 3)"));
  EXPECT_THAT(f.err.str(), HasSubstr("(default \"anna\")"));
}

struct refused_row {
  std::vector<std::string> arguments;
  std::string message;
};

class refused_command_lines : public testing::TestWithParam<refused_row> {};

TEST_P(refused_command_lines, name_the_problem_then_print_usage_and_exit_2) {
  fixture f;
  EXPECT_EQ(f.read(GetParam().arguments), exit_usage);
  EXPECT_THAT(f.err.str(), StartsWith(GetParam().message));
  EXPECT_THAT(f.err.str(), HasSubstr("\nUsage:\n"));
  EXPECT_EQ(f.out.str(), "");
}

INSTANTIATE_TEST_SUITE_P(
    table, refused_command_lines,
    testing::Values(refused_row{{"-nope"}, "flag provided but not defined: -nope\n"},
                    refused_row{{"--nope=1"}, "flag provided but not defined: -nope\n"},
                    refused_row{{"---name=x"}, "bad flag syntax: ---name=x\n"},
                    refused_row{{"-=x"}, "bad flag syntax: -=x\n"}, refused_row{{"--=x"}, "bad flag syntax: --=x\n"},
                    refused_row{{"-name"}, "flag needs an argument: -name\n"},
                    refused_row{{"-count="}, "invalid value \"\" for flag -count"},
                    refused_row{{"-count", "ten"}, "invalid value \"ten\" for flag -count"},
                    refused_row{{"-wait", "10"}, "invalid value \"10\" for flag -wait"},
                    refused_row{{"-name=\xff"}, "invalid value \"\xff\" for flag -name: not valid UTF-8\n"},
                    refused_row{{"-tag=\xc3("}, "invalid value \"\xc3(\" for flag -tag: not valid UTF-8\n"},
                    refused_row{{"-loud=yes"}, "invalid value \"yes\" for flag -loud"},
                    refused_row{{"-Name=x"}, "flag provided but not defined: -Name\n"}));

TEST(command_line, words_behind_the_flags_are_refused_by_a_program_that_takes_none) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"--tag", "a", "b"}, {"--tag", "a", "b", "--loud"}, {"--tag", "a", "--", "b"}}) {
    fixture f;
    EXPECT_EQ(f.read(words), std::nullopt) << "one that does not say so leaves them unread";
    fixture strict;
    strict.refuses_words = true;
    EXPECT_EQ(strict.read(words), exit_usage);
    EXPECT_THAT(strict.err.str(), StartsWith("unexpected argument: b (a flag is repeated for each of its values)\n"));
  }
  fixture strict;
  strict.refuses_words = true;
  EXPECT_EQ(strict.read({"--tag", "a", "--tag", "b"}), std::nullopt);
}

TEST(command_line, help_goes_to_stderr_and_exits_0) {
  for (const auto* word : {"-h", "-help", "--help", "--h", "--help=x"}) {
    fixture f;
    EXPECT_EQ(f.read({word, "-no-such-flag"}), exit_ok) << word;
    EXPECT_THAT(f.err.str(), StartsWith("Usage:\n"));
    EXPECT_EQ(f.out.str(), "");
  }
}

TEST(command_line, version_goes_to_stdout) {
  fixture f;
  EXPECT_EQ(f.read({"--version"}), exit_ok);
  EXPECT_THAT(f.out.str(), testing::EndsWith("\n"));
  EXPECT_EQ(f.err.str(), "");
}

TEST(command_line, a_bad_flag_is_found_before_version_is_answered) {
  fixture f;
  EXPECT_EQ(f.read({"--version", "--nope"}), exit_usage);
  EXPECT_EQ(f.out.str(), "");
}

TEST(environment, fills_what_no_flag_sets) {
  fixture f;
  f.environment = {{"GREET_LOUD", "true"}, {"GREET_NAME", " eve "},  {"GREET_COUNT", " 8 "},
                   {"GREET_WAIT", "3s"},   {"GREET_TAGS", "a, b,,"}, {"GREET_ENTRIES", "0"}};
  EXPECT_EQ(f.read({"-name=flag"}), std::nullopt);
  EXPECT_TRUE(f.loud);
  EXPECT_EQ(f.name, "flag");
  EXPECT_EQ(f.count, 8);
  EXPECT_EQ(f.wait, 3s);
  EXPECT_EQ(f.entries, 0);
  EXPECT_THAT(f.tags, ElementsAre("a", "b"));
}

TEST(environment, one_list_flag_hides_the_whole_list) {
  fixture f;
  f.environment = {{"GREET_TAGS", "a,b"}};
  EXPECT_EQ(f.read({"-tag=c"}), std::nullopt);
  EXPECT_THAT(f.tags, ElementsAre("c"));
}

TEST(environment, blank_counts_as_unset) {
  fixture f;
  f.environment = {{"GREET_COUNT", "  "}, {"GREET_NAME", " "}, {"GREET_ENTRIES", ""}, {"GREET_WAIT", ""}};
  EXPECT_EQ(f.read({}), std::nullopt);
  EXPECT_EQ(f.count, 3);
  EXPECT_EQ(f.name, "anna");
  EXPECT_EQ(f.entries, std::nullopt);
}

TEST(environment, the_second_name_counts_when_the_first_is_blank) {
  fixture f;
  f.environment = {{"GREET_NAME", " "}, {"USER_NAME", "zoe"}};
  EXPECT_EQ(f.read({}), std::nullopt);
  EXPECT_EQ(f.name, "zoe");
  f.environment["GREET_NAME"] = "first";
  EXPECT_EQ(f.read({}), std::nullopt);
  EXPECT_EQ(f.name, "first");
}

TEST(environment, a_bad_number_exits_2_before_help_and_without_usage) {
  for (const auto& [name, value] : std::map<std::string, std::string>{
           {"GREET_COUNT", "0x10"}, {"GREET_WAIT", "5"}, {"GREET_LOUD", "yes"}, {"GREET_ENTRIES", "many"}}) {
    fixture f;
    f.environment = {{name, value}};
    EXPECT_EQ(f.read({"--help"}), exit_usage) << name;
    EXPECT_THAT(f.err.str(), StartsWith("invalid " + name + ": "));
    EXPECT_THAT(f.err.str(), testing::Not(HasSubstr("Usage:")));
  }
}

}  // namespace
}  // namespace flowersec::apps
