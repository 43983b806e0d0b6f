// The files under deploy/ for the control plane: the program starts with them.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "deploy_files.h"
#include "support/process.h"
#include "support/test_certificate.h"

namespace flowersec::testing {
namespace {

namespace fs = std::filesystem;
using testing_support::process;
using testing_support::run_program;
using testing_support::temporary_folder;
using testing_support::write_whole_file;

constexpr const char* installed_program = "/usr/local/bin/flowersec-controlplane";

/// The system of someone who followed the instructions, below a folder of its own.
struct installation {
  installation() {
    for (const auto* name : {"etc/tls", "state"}) fs::create_directories(folder.file(name));
    write_whole_file(folder.file("etc/controlplane.conf"), moved(deployed("controlplane.conf")));
    write_whole_file(folder.file("etc/bearer.key"), "a-bearer-key-of-the-tests");
    fs::copy_file(certificate.chain_file(), folder.file("etc/tls/cert.pem"));
    fs::copy_file(certificate.key_file(), folder.file("etc/tls/key.pem"));
    EXPECT_EQ(run_program("flowersec-controlplane", {"init", "--state", folder.file("state/plane.db")}).exit_code, 0);
  }
  [[nodiscard]] std::string moved(std::string text) const {
    return with_paths_moved(std::move(text), {{"/etc/flowersec/", folder.file("etc/")},
                                              {"/var/lib/flowersec-controlplane/", folder.file("state/")}});
  }
  /// Starts with the words of a command line behind the program, on ports of this machine, until it is ready and told
  /// to stop. The exit code.
  [[nodiscard]] int start(std::vector<std::string> arguments) const {
    for (auto& word : arguments) word = moved(word);
    for (const auto* flag : {"--listen", "--control-listen", "--metrics-listen"}) {
      arguments.insert(arguments.end(), {flag, "127.0.0.1:0"});
    }
    process program{"flowersec-controlplane", arguments};
    if (program.read_line()) program.send_signal(SIGTERM);
    const auto end = program.wait();
    EXPECT_EQ(end.exit_code, 0) << end.err;
    return end.exit_code;
  }

  temporary_folder folder;
  test_certificate certificate;
};

TEST(deploy_controlplane, the_configuration_names_flags_and_nothing_else) {
  EXPECT_GT(expect_flags("controlplane.conf", run_program("flowersec-controlplane", {"serve", "--help"}).err), 15u);
}

TEST(deploy_controlplane, the_unit_starts_what_is_installed_with_a_configuration_that_serves) {
  auto unit = parse_unit(deployed("flowersec-controlplane.service"));
  expect_whole(unit);
  auto& service = unit["Service"];
  auto start = words_of(service["ExecStart"].at(0));
  EXPECT_EQ(start.at(0), installed_program);
  start.erase(start.begin());
  EXPECT_EQ(installation{}.start(start), 0);
  EXPECT_EQ(service["StateDirectory"].at(0), "flowersec-controlplane") << "where the state file is";
  EXPECT_EQ(service["ExecReload"].at(0), "/bin/kill -HUP $MAINPID");
  EXPECT_EQ(service["RestartPreventExitStatus"].at(0), "2") << "of a usage error";
  const auto configuration = deployed("controlplane.conf");
  EXPECT_GT(std::stoul(service["LimitNOFILE"].at(0)),
            number_behind(configuration, "max-endpoints = ") + number_behind(configuration, "max-conns = ") + 64);
}

TEST(deploy_controlplane, the_container_copies_what_is_there_and_starts_with_a_configuration_that_serves) {
  auto command = command_of_container("Containerfile.controlplane");
  ASSERT_FALSE(command.empty());
  EXPECT_EQ(command.front(), installed_program);
  command.erase(command.begin());
  EXPECT_EQ(installation{}.start(command), 0);
}

TEST(deploy_controlplane, a_defect_of_the_configuration_ends_the_start) {
  const installation installed;
  fs::remove(installed.folder.file("etc/bearer.key"));
  const auto end =
      run_program("flowersec-controlplane", {"serve", "--config", installed.folder.file("etc/controlplane.conf")});
  EXPECT_EQ(end.exit_code, 1);
  EXPECT_NE(end.err.find("invalid --bearer-key-file"), std::string::npos) << end.err;
}

TEST(deploy_controlplane, systemd_reads_the_unit) {
  const auto complaints = complaints_of_systemd("flowersec-controlplane");
  if (!complaints) GTEST_SKIP() << "systemd-analyze is not installed";
  EXPECT_EQ(*complaints, "");
}

}  // namespace
}  // namespace flowersec::testing
