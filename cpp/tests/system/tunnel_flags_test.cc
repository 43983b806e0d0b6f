// Every flag of flowersec-tunnel, every environment variable and every name of its configuration file changes what the
// real program does. The list comes from the table that the program itself reads, prints as help and documents.
#include <gmock/gmock.h>

#include <algorithm>

#include "cli/help.h"
#include "tunnel_flag_cases.h"
#include "tunneld/options.h"

namespace flowersec::testing {
namespace {

using apps::option;

const std::vector<option>& table() {
  static apps::tunnel_command command;
  static const auto options = sorted_options(apps::describe_tunnel(command));
  return options;
}

const flag_case* case_of(const std::string& flag) {
  const auto found = std::ranges::find(flag_cases(), flag, &flag_case::flag);
  return found == flag_cases().end() ? nullptr : &*found;
}

TEST(tunnel_flags, each_of_the_table_has_a_case) {
  for (const auto& entry : table())
    EXPECT_NE(case_of(entry.name), nullptr) << "no behaviour shown for --" << entry.name;
}

TEST(tunnel_flags, each_case_is_about_a_flag_of_the_table) {
  for (const auto& one : flag_cases()) {
    EXPECT_EQ(std::ranges::count(table(), one.flag, &option::name), 1) << one.flag;
    EXPECT_EQ(std::ranges::count(flag_cases(), one.flag, &flag_case::flag), 1) << one.flag;
  }
}

TEST(tunnel_flags, each_has_its_environment_variable_but_those_that_ask_the_program_something) {
  for (const auto& entry : table()) {
    const bool asks = entry.name == "version" || entry.name == "pretty" || entry.name == "check-config" ||
                      entry.name == "print-config";
    std::string expected = "FSEC_TUNNEL_" + entry.name;
    std::ranges::transform(expected, expected.begin(),
                           [](char c) { return c == '-' ? '_' : static_cast<char>(std::toupper(c)); });
    EXPECT_EQ(entry.environment, asks ? std::vector<std::string>{} : std::vector{expected}) << entry.name;
  }
}

class flag_behaviour : public ::testing::TestWithParam<option> {
 protected:
  static flag_world& world() {
    static flag_world shared;
    return shared;
  }
  static settings base(const flag_case& about) {
    auto flags = world().usual();
    for (const auto& [name, value] : about.beside) flags[name] = world().filled_in(value);
    std::erase_if(flags, [](const auto& flag) { return flag.second.empty(); });
    flags.erase(about.flag);
    return flags;
  }
  static std::string observe(const flag_case& about, const settings& flags,
                             testing_support::process::environment variables = {}) {
    flag_run run{world(), flags, std::move(variables)};
    return about.observe(run);
  }
};

TEST_P(flag_behaviour, shows_however_it_is_set) {
  const auto& entry = GetParam();
  const auto* const about = case_of(entry.name);
  ASSERT_NE(about, nullptr);
  const auto value = world().filled_in(about->value);
  const auto flags = base(*about);
  EXPECT_NE(observe(*about, flags), about->expected) << "without it the same is seen";

  auto with_flag = flags;
  with_flag[entry.name] = value;
  EXPECT_EQ(observe(*about, with_flag), about->expected) << "as a flag";
  for (const auto& variable : entry.environment) {
    EXPECT_EQ(observe(*about, flags, {{variable, value}}), about->expected) << "as " << variable;
  }
  if (entry.in_config_file) {
    auto with_file = flags;
    with_file["config"] = world().folder.file("flag.conf");
    testing_support::write_whole_file(with_file["config"], "# one setting\n" + entry.name + " = " + value + '\n');
    EXPECT_EQ(observe(*about, with_file), about->expected) << "in a configuration file";
  }
}

INSTANTIATE_TEST_SUITE_P(table, flag_behaviour, ::testing::ValuesIn(table()), [](const auto& flag) {
  auto name = flag.param.name;
  std::ranges::replace(name, '-', '_');
  return name;
});

}  // namespace
}  // namespace flowersec::testing
