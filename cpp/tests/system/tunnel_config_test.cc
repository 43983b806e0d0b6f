// --config, --check-config and --print-config of the real tunnel.
#include <gmock/gmock.h>

#include <filesystem>

#include "support/encrypted_key.h"
#include "support/test_certificates.h"
#include "tunnel_flag_cases.h"

namespace flowersec::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing_support::run_program;
using testing_support::write_whole_file;
using words = testing_support::process::words;

constexpr const char* program = "flowersec-tunnel";

struct tunnel_config : ::testing::Test {
  flag_world world;
  std::string file = world.folder.file("tunnel.conf");

  /// The usual settings as a file, and `more` below them.
  void write(const std::string& more = {}) const {
    std::string text;
    for (const auto& [name, value] : world.usual()) text += name + " = " + value + '\n';
    write_whole_file(file, text + more);
  }
  [[nodiscard]] testing_support::process_result run(words more) const {
    more.insert(more.begin(), {"--config", file});
    return run_program(program, more);
  }
};

TEST_F(tunnel_config, complaints_have_file_and_line_and_nothing_starts) {
  write("ws-path = /t\nmax-connections = 5\n# fine\nmax-conns = five\ncheck-config = true\n");
  const auto result = run({});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err, file + ":7: unknown name \"max-connections\"\n" + file +
                            ":9: max-conns: not a 64-bit integer\n" + file +
                            ":10: check-config: only on the command line\n");
}

TEST_F(tunnel_config, values_that_do_not_fit_together_are_usage_errors_as_on_the_command_line) {
  write("tls-cert-file = x\n");
  const auto result = run({});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, StartsWith("tls requires both --tls-cert-file and --tls-key-file\nUsage:"));
}

TEST_F(tunnel_config, printed_values_read_back_as_themselves) {
  write("allow-origin = *.two.example\nmax-conns = 0x10\nwrite-timeout = 90s\n");
  const auto first = run({"--print-config"});
  EXPECT_EQ(first.exit_code, 0);
  EXPECT_EQ(first.err, "");
  EXPECT_THAT(first.out, HasSubstr("\nallow-origin = https://app.example\nallow-origin = *.two.example\n"));
  EXPECT_THAT(first.out, HasSubstr("\nmax-conns = 16\n"));
  EXPECT_THAT(first.out, HasSubstr("\nwrite-timeout = 1m30s\n"));
  write_whole_file(file, first.out);
  EXPECT_EQ(run({"--print-config"}).out, first.out);
}

TEST_F(tunnel_config, printed_values_hide_secrets) {
  write("attach-authorizer-url = https://a.example/?key=hidden\nauthorizer-header = Authorization: Bearer hidden\n");
  const auto result = run({"--print-config"});
  EXPECT_THAT(result.out, ::testing::Not(HasSubstr("hidden")));
  EXPECT_THAT(result.out, HasSubstr("\nauthorizer-header = Authorization: ***\n"));
}

TEST_F(tunnel_config, a_good_configuration_is_checked_without_starting) {
  flag_run running{world, world.usual(), {}};
  write("listen = " + running.listen() + "\ntls-cert-file = " + world.certificate.chain_file() + "\ntls-key-file = " +
        world.certificate.key_file() + "\nmetrics-listen = [::1]:0\nadvertise-host = tunnel.example\n");
  const auto result = run({"--check-config"});
  EXPECT_EQ(result.exit_code, 0) << "a taken port is no matter: nothing is bound";
  EXPECT_EQ(result.err, "");
  for (const auto* what : {"flags, environment and configuration file", "--issuer-keys-file ", "--tls-cert-file ",
                           "--metrics-listen [::1]:0", "--listen 127.0.0.1:", "--advertise-host tunnel.example"}) {
    EXPECT_THAT(result.out, HasSubstr(std::string{"ok   "} + what));
  }
}

TEST_F(tunnel_config, every_defect_is_found_at_once) {
  write_whole_file(world.folder.file("other.json"), R"({"keys":[]})");
  write("issuer-keys-file = " + world.folder.file("other.json") + '\n');
  auto text = testing_support::read_whole_file(file);
  text.erase(text.find("issuer-keys-file"),
             text.find('\n', text.find("issuer-keys-file")) - text.find("issuer-keys-file") + 1);
  write_whole_file(file, text);
  const auto result = run({"--check-config", "--tls-cert-file", world.certificate.key_file(), "--tls-key-file",
                           world.certificate.key_file(), "--listen", "127.0.0.1", "--metrics-listen", "127.0.0.1:65536",
                           "--advertise-host", "a:b:c", "--replay-journal", world.folder.file("none/journal")});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.out, "ok   flags, environment and configuration file\n");
  EXPECT_THAT(result.err, ContainsRegex("^bad  --issuer-keys-file [^\n]*other\\.json: [^\n]+\n"
                                        "bad  --replay-journal [^\n]+/none/journal: [^\n]+\n"
                                        "bad  --tls-cert-file [^\n]+\n"
                                        "bad  --metrics-listen 127\\.0\\.0\\.1:65536: [^\n]+\n"
                                        "bad  --listen 127\\.0\\.0\\.1: not host:port\n"
                                        "bad  --advertise-host a:b:c: [^\n]+\n$"));
}

TEST_F(tunnel_config, a_check_of_what_makes_no_sense_is_a_usage_error) {
  write();
  const auto result = run({"--check-config", "--max-conns=-1"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, StartsWith("--max-conns must be >= 0\n"));
}

TEST_F(tunnel_config, a_bad_tenants_file_takes_its_place_among_the_other_defects) {
  const auto tenants = world.folder.file("bad-tenants.json");
  write_whole_file(tenants, R"({"tenants":[]})");
  const words flags{"--check-config", "--allow-origin=https://a.example", "--tenants-file", tenants, "--listen", "x"};
  const auto result = run_program(program, flags);
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.out, "ok   flags, environment and configuration file\n");
  EXPECT_EQ(result.err, "bad  --tenants-file " + tenants + " and the keysets it names: bad tenants file " + tenants +
                            ": tenants: at least one entry is needed\nbad  --listen x: not host:port\n");

  auto senseless = flags;
  senseless.emplace_back("--ws-path=x");
  EXPECT_THAT(run_program(program, senseless).err, StartsWith("invalid --ws-path: path must start with /\n"))
      << "before any file is read";
}

TEST_F(tunnel_config, a_replay_journal_is_looked_at_and_left_alone) {
  const auto journal = world.folder.file("used.journal");
  write("replay-journal = " + journal + '\n');
  auto result = run({"--check-config"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("ok   --replay-journal " + journal + '\n'));
  for (const auto* suffix : {"", ".lock", ".new"}) EXPECT_FALSE(std::filesystem::exists(journal + suffix));

  auto with_journal = world.usual();
  with_journal["replay-journal"] = journal;
  flag_run running{world, with_journal, {}};
  ASSERT_TRUE(running.ready);
  result = run({"--check-config"});
  EXPECT_EQ(result.exit_code, 0) << "it may be the very tunnel that is to be restarted: " << result.err;
  EXPECT_THAT(result.out, HasSubstr("ok   --replay-journal " + journal + " (another process is using it)\n"));
  running.process.send_signal(SIGTERM);
  EXPECT_EQ(running.process.wait().exit_code, 0);

  write_whole_file(journal, "something else");
  result = run({"--check-config"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, StartsWith("bad  --replay-journal " + journal + ": "));
  EXPECT_EQ(testing_support::read_whole_file(journal), "something else");
}

TEST_F(tunnel_config, a_weak_certificate_is_refused_in_words) {
  test_authority authority;
  const auto weak = authority.issue_weak("IP:127.0.0.1");
  write("tls-cert-file = " + weak.chain + "\ntls-key-file = " + weak.key + '\n');
  const auto checked = run({"--check-config"});
  EXPECT_EQ(checked.exit_code, 2);
  EXPECT_THAT(checked.err, ::testing::HasSubstr(weak.key + ": the certificate's key or signature is too weak; "));
}

TEST_F(tunnel_config, an_encrypted_key_is_refused_in_words_and_nobody_is_asked_for_its_password) {
  const auto key = world.folder.file("encrypted.pem");
  encrypt_key(world.certificate.key_file(), key, encrypted_form::pkcs8);
  const auto reason = "cannot use --tls-cert-file " + world.certificate.chain_file() + " with --tls-key-file " + key +
                      ": the key is encrypted, and there is no password for it\n";
  write("tls-cert-file = " + world.certificate.chain_file() + "\ntls-key-file = " + key + '\n');
  const auto checked = run({"--check-config"});
  EXPECT_EQ(checked.exit_code, 2);
  EXPECT_THAT(checked.err, ::testing::AllOf(StartsWith("bad  --tls-cert-file "), ::testing::EndsWith(reason)));
  const auto started = run({});
  EXPECT_EQ(started.exit_code, 1);
  EXPECT_EQ(started.out, "");
  EXPECT_THAT(started.err, ::testing::EndsWith(reason));
}

}  // namespace
}  // namespace flowersec::testing
