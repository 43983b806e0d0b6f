#include "cli/config_file.h"

#include <gmock/gmock.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "cli/help.h"

namespace flowersec::apps {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

/// A table with an option of every type, and one that has no place in a file.
struct fixture {
  bool loud = false;
  std::string name = "anna";
  std::int64_t count = 3;
  std::optional<std::int64_t> entries;
  std::chrono::nanoseconds wait = 2min;
  std::vector<std::string> tags;
  std::string config;

  program described() {
    return {.name = "greet",
            .summary = "Greets.",
            .blocks = {},
            .options = {{"loud", &loud, "shout", {"GREET_LOUD"}},
                        {"name", &name, "who", {"GREET_NAME"}},
                        {"count", &count, "how often", {"GREET_COUNT"}},
                        {"entries", &entries, "bound"},
                        {"wait", &wait, "pause"},
                        secret({"tag", &tags, "labels", {"GREET_TAGS"}}, [](const std::string&) { return "***"; }),
                        command_line_only({"config", &config, "file", {"GREET_CONFIG"}})},
            .config_file = &config};
  }
  std::vector<std::string> apply(std::string_view text, const std::set<std::string, std::less<>>& given = {}) {
    return apply_config(described().options, "greet.conf", text, given);
  }
};

TEST(config_file, sets_every_type) {
  fixture f;
  EXPECT_THAT(f.apply("# a comment\n\n  loud = true \r\nname=bo # not a comment\ncount = 0x1_0\nentries=0\n"
                      "wait = 1m30s\ntag = a, b\ntag = c=d"),
              IsEmpty());
  EXPECT_TRUE(f.loud);
  EXPECT_EQ(f.name, "bo # not a comment");
  EXPECT_EQ(f.count, 16);
  EXPECT_EQ(f.entries, 0);
  EXPECT_EQ(f.wait, 90s);
  EXPECT_THAT(f.tags, ElementsAre("a, b", "c=d")) << "one item a line, commas and all";
}

TEST(config_file, a_blank_value_leaves_the_option_as_it_is) {
  fixture f;
  EXPECT_THAT(f.apply("name =\ncount = \nentries=\ntag =\nwait=\nloud=\nname = x\n"), IsEmpty());
  EXPECT_EQ(f.name, "x");
  EXPECT_EQ(f.count, 3);
  EXPECT_EQ(f.entries, std::nullopt);
  EXPECT_THAT(f.tags, IsEmpty());
}

TEST(config_file, loses_against_what_was_given) {
  fixture f;
  f.tags = {"flag"};
  EXPECT_THAT(f.apply("name = file\ntag = file\ncount = 9\n", {"name", "tag"}), IsEmpty());
  EXPECT_EQ(f.name, "anna");
  EXPECT_THAT(f.tags, ElementsAre("flag"));
  EXPECT_EQ(f.count, 9);
}

struct bad_line {
  std::string line;
  std::string complaint;
};

class bad_config_lines : public testing::TestWithParam<bad_line> {};

TEST_P(bad_config_lines, are_named_with_their_number) {
  fixture f;
  const auto text = "name = x\n\n" + GetParam().line + "\ncount = 4\n";
  EXPECT_THAT(f.apply(text), ElementsAre("greet.conf:3: " + GetParam().complaint));
  EXPECT_EQ(f.count, 4) << "later lines are looked at all the same";
}

INSTANTIATE_TEST_SUITE_P(
    table, bad_config_lines,
    testing::Values(bad_line{"nope = 1", "unknown name \"nope\""}, bad_line{"Name = x", "unknown name \"Name\""},
                    bad_line{"--name = x", "unknown name \"--name\""}, bad_line{" = x", "unknown name \"\""},
                    bad_line{"loud", "not of the form: name = value"}, bad_line{"loud = yes", "loud: not a boolean"},
                    bad_line{"entries = many", "entries: not a 64-bit integer"},
                    bad_line{"wait = 10", "wait: not a duration such as 10s or 1m30s"},
                    bad_line{"tag = \xff", "tag: not valid UTF-8"},
                    bad_line{"name = y", "name: given before on line 1"},
                    bad_line{"config = other", "config: only on the command line"}));

TEST(config_file, names_every_bad_line_also_where_it_would_not_count) {
  fixture f;
  EXPECT_THAT(f.apply("wait = 10\nx = 1\nwait = 1s", {"wait"}),
              ElementsAre("greet.conf:1: wait: not a duration such as 10s or 1m30s", "greet.conf:2: unknown name \"x\"",
                          "greet.conf:3: wait: given before on line 1"));
}

TEST(config_text, is_alphabetical_and_hides_secrets) {
  fixture f;
  f.tags = {"hidden", "too"};
  EXPECT_EQ(config_text(f.described()),
            "count = 3\nentries =\nloud = false\nname = anna\ntag = ***\ntag = ***\nwait = 2m0s\n");
}

TEST(config_text, gives_each_value_one_line_whatever_is_in_it) {
  fixture f;
  f.name = "anna\nloud = true\r\t\x1b[2J\x7f \xc2\x85 caf\xc3\xa9 \\n";
  f.tags = {"a"};
  EXPECT_EQ(config_text(f.described()),
            "count = 3\nentries =\nloud = false\n"
            "name = anna\\u{a}loud = true\\u{d}\\u{9}\\u{1b}[2J\\u{7f} \\u{85} caf\xc3\xa9 \\n\n"
            "tag = ***\nwait = 2m0s\n");
}

/// The whole way: a real file, named by a flag or by the environment.
struct whole_program : fixture, testing::Test {
  std::string path = testing::TempDir() + "flowersec_greet.conf";
  std::map<std::string, std::string> environment;
  std::ostringstream out;
  std::ostringstream err;

  void write(const std::string& text) const { std::ofstream{path, std::ios::trunc} << text; }
  ~whole_program() override { std::remove(path.c_str()); }
  std::optional<int> read(std::vector<std::string> arguments) {
    const auto lookup = [this](const std::string& key) -> std::optional<std::string> {
      const auto found = environment.find(key);
      return found == environment.end() ? std::nullopt : std::optional{found->second};
    };
    return read_command_line(described(), {std::move(arguments), lookup, out, err});
  }
};

TEST_F(whole_program, flag_beats_environment_beats_file_beats_default) {
  write("name = file\ncount = 7\nloud = true\ntag = file\n");
  environment = {{"GREET_NAME", "environment"}, {"GREET_COUNT", "8"}, {"GREET_CONFIG", path}};
  EXPECT_EQ(read({"-count=9"}), std::nullopt) << err.str();
  EXPECT_EQ(name, "environment");
  EXPECT_EQ(count, 9);
  EXPECT_TRUE(loud);
  EXPECT_EQ(wait, 2min);
  EXPECT_THAT(tags, ElementsAre("file"));
}

TEST_F(whole_program, a_list_in_the_environment_or_on_flags_hides_that_of_the_file) {
  write("tag = file\n");
  environment = {{"GREET_TAGS", "environment"}};
  EXPECT_EQ(read({"-config", path}), std::nullopt);
  EXPECT_THAT(tags, ElementsAre("environment"));
  environment.clear();
  tags.clear();
  EXPECT_EQ(read({"-config", path, "-tag=flag"}), std::nullopt);
  EXPECT_THAT(tags, ElementsAre("flag"));
}

TEST_F(whole_program, a_bad_file_ends_it_with_exit_2_and_no_usage) {
  write("count = many\n");
  EXPECT_EQ(read({"-config", path}), exit_usage);
  EXPECT_EQ(err.str(), path + ":1: count: not a 64-bit integer\n");
}

TEST_F(whole_program, a_missing_file_ends_it_with_exit_2) {
  EXPECT_EQ(read({"-config", path + ".none"}), exit_usage);
  EXPECT_THAT(err.str(), StartsWith("invalid --config: cannot read " + path + ".none"));
}

TEST_F(whole_program, takes_a_file_of_a_mebibyte_and_not_one_byte_more) {
  const std::string front = "count = 7\n# ";
  write(front + std::string(1048576 - front.size(), 'x'));
  EXPECT_EQ(read({"-config", path}), std::nullopt) << err.str();
  EXPECT_EQ(count, 7);
  write(front + std::string(1048577 - front.size(), 'x'));
  EXPECT_EQ(read({"-config", path}), exit_usage);
  EXPECT_THAT(err.str(), HasSubstr("more than 1048576 bytes"));
}

TEST_F(whole_program, version_is_answered_before_the_file_is_read) {
  EXPECT_EQ(read({"-config", path + ".none", "-version"}), exit_ok);
}

TEST(reference_page, speaks_of_the_configuration_file_only_where_there_is_one) {
  fixture f;
  auto described = f.described();
  EXPECT_THAT(reference_page(described), HasSubstr("The configuration file has one"));
  described.config_file = nullptr;
  EXPECT_THAT(reference_page(described), testing::Not(HasSubstr("configuration file")));
}

}  // namespace
}  // namespace flowersec::apps
