// ownwire as people start it: help, flags, environment, files, exit codes.
#include <sys/stat.h>

#include <filesystem>

#include "support/test_certificates.h"
#include "system/ownwire_world.h"

namespace flowersec::testing {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;
using testing_support::read_whole_file;
using testing_support::run_program;
using testing_support::temporary_folder;
using testing_support::write_whole_file;

constexpr auto key_line = "[-_A-Za-z0-9]{43} [-_A-Za-z0-9]{11}\n";

mode_t mode_of(const std::string& path) {
  struct stat about {};
  return ::stat(path.c_str(), &about) == 0 ? about.st_mode & 07777 : 0;
}

void write_secret(const std::string& path, const std::string& contents) {
  write_whole_file(path, contents);
  ::chmod(path.c_str(), 0600);
}

class ownwire_cli : public ::testing::Test {
 protected:
  testing_support::process_result run(testing_support::process::words words,
                                      const testing_support::process::environment& variables = {}) {
    return run_program("ownwire", std::move(words), variables, folder.path());
  }

  temporary_folder folder;
};

TEST_F(ownwire_cli, help_and_version_are_printed_on_stdout) {
  const auto help = run({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_EQ(help.err, "");
  for (const auto* flag : {"--log-level", "--custom-css", "-a ", "--extract-assets", "--assets-url", "OWNWIRE_PORT"}) {
    EXPECT_THAT(help.out, HasSubstr(flag));
  }
  const auto version = run({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_FALSE(version.out.empty());
}

TEST_F(ownwire_cli, a_mistake_ends_with_2_and_a_failure_with_1) {
  const auto unknown = run({"--colour"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("--colour"));
  EXPECT_EQ(run({"--assets-url=/relative/"}).exit_code, 2);
  EXPECT_EQ(run({"--port=65536"}).exit_code, 2);
  EXPECT_EQ(run({}, {{"OWNWIRE_PORT", "many"}}).exit_code, 2);
  EXPECT_EQ(run({}, {{"OWNWIRE_INTERNAL_ADDR", "0.0.0.0:9"}}).exit_code, 2);
  const auto css = run({"--port=0", "--internal-addr=127.0.0.1:0", "--custom-css=none.css"});
  EXPECT_EQ(css.exit_code, 1);
  EXPECT_THAT(css.err, AllOf(HasSubstr("--custom-css"), HasSubstr("none.css")));
}

TEST_F(ownwire_cli, a_port_in_use_ends_with_1_and_names_the_flag) {
  ownwire_program first{folder.path()};
  const auto port = first.address().substr(first.address().rfind(':') + 1);
  const auto second = run({"--port", port, "--internal-addr=127.0.0.1:0"});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.err, AllOf(HasSubstr(first.address()), HasSubstr("--port")));
  const auto third = run({"--port=0", "--internal-addr=" + first.internal()});
  EXPECT_EQ(third.exit_code, 1);
  EXPECT_THAT(third.err, AllOf(HasSubstr(first.internal()), HasSubstr("--internal-addr")));
}

TEST_F(ownwire_cli, the_environment_sets_both_ports_and_a_flag_beats_it) {
  std::string port;
  {
    const ownwire_program before{folder.path()};
    port = before.address().substr(before.address().rfind(':') + 1);
  }
  testing_support::process named{
      "ownwire", {}, {{"OWNWIRE_PORT", port}, {"OWNWIRE_INTERNAL_ADDR", "127.0.0.1:0"}}, folder.path()};
  EXPECT_EQ(read_ready_line(named).at("listen").as_string(), "127.0.0.1:" + port);
  const ownwire_program flagged{folder.path(), {}, {{"OWNWIRE_PORT", port}}};
  EXPECT_NE(flagged.address(), "127.0.0.1:" + port);
}

TEST_F(ownwire_cli, the_first_start_makes_the_key_file_and_later_ones_keep_it) {
  std::string key;
  {
    const ownwire_program first{folder.path()};
    key = first.ready("server_key");
    EXPECT_THAT(key + ' ' + first.ready("kid") + '\n', MatchesRegex(key_line));
  }
  EXPECT_EQ(mode_of(folder.file("ownwire_identity.json")), 0600U);
  EXPECT_EQ(ownwire_program{folder.path()}.ready("server_key"), key);
  const auto printed = run({"--print-key"});
  EXPECT_EQ(printed.exit_code, 0);
  EXPECT_THAT(printed.out, AllOf(MatchesRegex(key_line), StartsWith(key + ' ')));
}

TEST_F(ownwire_cli, a_start_that_fails_leaves_no_key_file_behind) {
  testing_support::temporary_folder busy;
  const ownwire_program first{busy.path(), {"--metrics-listen=127.0.0.1:0"}};
  const auto metrics = first.ready("metrics_url");
  write_secret(folder.file("token"), "a-token-of-many-characters");
  const std::vector<testing_support::process::words> failing{
      {"--port", first.address().substr(first.address().rfind(':') + 1), "--internal-addr=127.0.0.1:0"},
      {"--port=0", "--internal-addr=" + first.internal()},
      {"--port=0", "--internal-addr=127.0.0.1:0", "--internal-tls-cert=none.pem", "--internal-tls-key=none.pem"},
      {"--port=0", "--internal-addr=127.0.0.1:0", "--internal-psk-file=none.json"},
      {"--port=0", "--internal-addr=127.0.0.1:0", "--metrics-listen=" + metrics.substr(7, metrics.rfind('/') - 7)},
      {"--internal-addr=127.0.0.1:0", "--behind=ws://127.0.0.1:9/backend", "--behind-token-file=none"},
  };
  for (auto words : failing) {
    words.emplace_back("--new-key");
    const auto failed = run(words);
    EXPECT_EQ(failed.exit_code, 1) << words[0] << ' ' << words[1] << ' ' << failed.err;
    EXPECT_THAT(failed.err, Not(HasSubstr("made a new")));
    EXPECT_FALSE(std::filesystem::exists(folder.file("ownwire_identity.json"))) << words[0] << ' ' << words[1];
  }
}

TEST_F(ownwire_cli, a_key_file_that_others_can_read_is_refused) {
  ASSERT_EQ(run({"--print-key", "--new-key"}).exit_code, 0);
  ::chmod(folder.file("ownwire_identity.json").c_str(), 0644);
  const auto refused = run({"--port=0", "--internal-addr=127.0.0.1:0"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("ownwire_identity.json"));
}

TEST_F(ownwire_cli, a_command_that_shows_a_key_makes_one_only_when_asked_to) {
  for (const auto& words :
       {testing_support::process::words{"--print-key"}, testing_support::process::words{"--extract-assets=public"}}) {
    const auto refused = run(words);
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.err, AllOf(HasSubstr("--identity-key"), HasSubstr("--new-key")));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_THAT(run({"--print-key", "--identity-key=elsewhere.json"}).out, MatchesRegex(key_line));
  EXPECT_EQ(mode_of(folder.file("elsewhere.json")), 0600U);
  const auto made = run({"--print-key", "--new-key"}).out;
  EXPECT_THAT(made, MatchesRegex(key_line));
  EXPECT_EQ(run({"--print-key", "--new-key"}).out, made);
}

TEST_F(ownwire_cli, check_config_says_what_is_good_and_what_is_not) {
  const auto good = run({"--check-config"});
  EXPECT_EQ(good.exit_code, 0);
  EXPECT_THAT(good.out, AllOf(HasSubstr("ok   flags"), HasSubstr("ok   key file ownwire_identity.json")));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));

  test_authority authority;
  const auto one = authority.issue("DNS:localhost");
  const auto other = authority.issue("DNS:localhost");
  write_secret(folder.file("blank"), "two words");
  write_secret(folder.file("psk.json"), "{}");
  const auto bad = run({"--check-config", "--custom-css=none.css", "--internal-token-file=blank",
                        "--internal-psk-file=psk.json", "--internal-tls-cert", one.chain, "--internal-tls-key",
                        other.key, "--identity-key=no/such/folder/keys.json"});
  EXPECT_EQ(bad.exit_code, 2);
  EXPECT_THAT(bad.out, HasSubstr("ok   flags"));
  for (const auto* flag : {"--custom-css", "--internal-token-file", "--internal-psk-file", "--internal-tls-cert",
                           "key file no/such/folder/keys.json"}) {
    EXPECT_THAT(bad.err, HasSubstr("bad  " + std::string{flag}));
  }
  EXPECT_EQ(run({"--check-config", "--port=x"}).exit_code, 2);
}

TEST_F(ownwire_cli, signals_end_it_with_0) {
  for (const int number : {SIGTERM, SIGINT}) {
    const auto ended = ownwire_program{folder.path()}.stop(number);
    EXPECT_EQ(ended.exit_code, 0) << number;
    EXPECT_THAT(ended.err, HasSubstr("stopping"));
  }
}

TEST_F(ownwire_cli, log_levels_and_json_lines_are_as_asked) {
  // The first start tells of its new key at level info.
  EXPECT_EQ((ownwire_program{folder.path(), {"--log-level=warn", "--identity-key=a.json"}}.stop().err), "");
  const auto lines = ownwire_program{folder.path(), {"--log-format=json", "--identity-key=b.json"}}.stop().err;
  const auto first = parse_json_object(lines.substr(0, lines.find('\n')), 1 << 16);
  ASSERT_TRUE(first) << lines;
  EXPECT_EQ(first->at("level").as_string(), "info");
  EXPECT_EQ(first->at("path").as_string(), "b.json");
}

TEST_F(ownwire_cli, memory_is_dumped_to_nobody) {
  const ownwire_program program{folder.path()};
  // A process that is not dumpable belongs to root in /proc, whoever runs it; limits can be read by all.
  const auto limits = program.process.limits();
  EXPECT_THAT(limits, ContainsRegex("Max core file size +0 +0 "));
}

}  // namespace
}  // namespace flowersec::testing
