// The memory of programs that hold keys is written to no file and shown to no other process of the same user.
// The system says whether a process may be looked into by whom its files in /proc belong to: to its user, or to root.
// So each program runs as a user without rights here, when the test has the right to choose one.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "support/process.h"

namespace flowersec::testing {
namespace {

using testing_support::read_whole_file;
using testing_support::run_program;
using testing_support::temporary_folder;
using testing_support::write_whole_file;
using words = std::vector<std::string>;

constexpr uid_t nobody = 65'534;

struct sample {
  const char* program;  ///< of the build, or a path
  words arguments;      ///< {} stands for the folder
  bool holds_keys = true;

  friend void PrintTo(const sample& one, std::ostream* to) { *to << one.program; }
};

class running {
 public:
  running(const sample& what, const std::string& folder) {
    words all{what.program};
    for (auto word : what.arguments) {
      if (const auto at = word.find("{}"); at != std::string::npos) word.replace(at, 2, folder);
      all.push_back(std::move(word));
    }
    std::vector<char*> arguments;
    for (auto& word : all) arguments.push_back(word.data());
    arguments.push_back(nullptr);

    const auto path =
        what.program[0] == '/' ? std::string{what.program} : std::string{FLOWERSEC_BINARY_DIR} + "/bin/" + what.program;
    const int file = ::open(path.c_str(), O_PATH | O_CLOEXEC);
    std::array<int, 2> out{};
    EXPECT_EQ(::pipe2(out.data(), O_CLOEXEC), 0);
    std::array<char*, 1> no_environment{};
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(out[1], STDOUT_FILENO);
      const bool is_root = ::geteuid() == 0;
      if (is_root && (::setgid(nobody) != 0 || ::setuid(nobody) != 0)) ::_exit(126);
      if (::chdir(folder.c_str()) != 0) ::_exit(126);
      ::fexecve(file, arguments.data(), no_environment.data());
      ::_exit(127);
    }
    ::close(file);
    ::close(out[1]);
    out_ = out[0];
  }
  ~running() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    ::close(out_);
  }
  running(const running&) = delete;
  running& operator=(const running&) = delete;

  /// Whether the line came that says so.
  [[nodiscard]] bool is_ready() const {
    pollfd line{.fd = out_, .events = POLLIN, .revents = 0};
    std::array<char, 1> first{};
    const auto patience = std::chrono::milliseconds{testing_support::process_patience};
    return ::poll(&line, 1, static_cast<int>(patience.count())) == 1 && ::read(out_, first.data(), 1) == 1;
  }
  [[nodiscard]] std::string folder() const { return "/proc/" + std::to_string(pid_); }
  [[nodiscard]] uid_t owner() const {
    struct stat found {};
    EXPECT_EQ(::stat((folder() + "/environ").c_str(), &found), 0);
    return found.st_uid;
  }

 private:
  pid_t pid_ = -1;
  int out_ = -1;
};

/// What the programs read, in a folder of whoever they run as.
class dumps : public ::testing::TestWithParam<sample> {
 protected:
  dumps() {
    std::filesystem::create_directory(folder.file("keys"));
    EXPECT_EQ(run_program("flowersec-issuer-keygen", {"--out-dir", folder.file("keys")}).exit_code, 0);
    EXPECT_EQ(run_program("flowersec-controlplane", {"init", "--state", folder.file("state.db")}).exit_code, 0);
    write_whole_file(folder.file("bearer"), "a-bearer-key-of-a-test\n");
    EXPECT_EQ(::chmod(folder.file("bearer").c_str(), 0600), 0);
    if (::geteuid() != 0) return;
    EXPECT_EQ(::chown(folder.path().c_str(), nobody, nobody), 0);
    for (const auto& each : std::filesystem::recursive_directory_iterator{folder.path()}) {
      EXPECT_EQ(::chown(each.path().c_str(), nobody, nobody), 0);
    }
  }
  temporary_folder folder;
};

TEST_P(dumps, are_forbidden_where_keys_are) {
  const running program{GetParam(), folder.path()};
  ASSERT_TRUE(program.is_ready());
  const auto limits = read_whole_file(program.folder() + "/limits");
  const auto user = ::geteuid() == 0 ? nobody : ::geteuid();
  if (GetParam().holds_keys) {
    EXPECT_THAT(limits, ::testing::ContainsRegex("Max core file size +0 +0 "));
    EXPECT_EQ(program.owner(), 0U);
  } else {
    EXPECT_EQ(program.owner(), user) << "else this test says nothing";
  }
}

INSTANTIATE_TEST_SUITE_P(
    programs, dumps,
    ::testing::Values(sample{"flowersec-tunnel",
                             {"--listen=127.0.0.1:0", "--issuer-keys-file={}/keys/issuer_keys.json", "--aud=a",
                              "--log-level=warning"}},
                      sample{"flowersec-controlplane",
                             {"serve", "--state={}/state.db", "--listen=127.0.0.1:0", "--control-listen=127.0.0.1:0",
                              "--tunnel-url=ws://127.0.0.1:9/ws", "--aud=a", "--iss=i", "--bearer-key-file={}/bearer",
                              "--log-level=warning"}},
                      sample{"flowersec-registry",
                             {"--listen=127.0.0.1:0", "--issuer-keys={}/keys/issuer_key.json",
                              "--tunnel-url=ws://127.0.0.1:9/ws", "--aud=a", "--iss=i"}},
                      sample{"ownwire", {"--internal-addr=127.0.0.1:0", "--port=0"}},
                      sample{"/bin/sh", {"-c", "echo ready; exec sleep 60"}, false}),
    [](const auto& param) {
      std::string name{param.param.program};
      std::erase_if(name, [](char c) { return c == '/' || c == '-'; });
      return name;
    });

}  // namespace
}  // namespace flowersec::testing
