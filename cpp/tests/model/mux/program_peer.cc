// A multiplexer in a program of its own, asked over its stdin and stdout.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <sstream>
#include <utility>

#include "peer.h"

// Declared by unistd.h only for GNU; POSIX leaves it to the program.
extern char** environ;

namespace flowersec::mux {
namespace {

class program_peer : public peer {
 public:
  program_peer(pid_t pid, int to, int from) : pid_(pid), to_(fdopen(to, "w")), from_(fdopen(from, "r")) {}
  program_peer(const program_peer&) = delete;
  program_peer& operator=(const program_peer&) = delete;
  ~program_peer() override {
    static_cast<void>(std::fclose(to_));
    static_cast<void>(std::fclose(from_));
    static_cast<void>(waitpid(pid_, nullptr, 0));
  }

  answer operator()(const request& what) override {
    answer given;
    const auto line = to_line(what);
    if (std::fputs(line.c_str(), to_) < 0 || std::fflush(to_) != 0) return {.is = answer::result::no};
    for (;;) {
      const auto read = read_line();
      const auto last = read ? parse_answer_line(what.what, *read, given) : std::nullopt;
      if (!last) return {.is = answer::result::no};
      if (*last) return given;
    }
  }

 private:
  [[nodiscard]] std::optional<std::string> read_line() {
    std::string line;
    for (int c = std::getc(from_); c != EOF; c = std::getc(from_)) {
      if (c == '\n') return line;
      line += static_cast<char>(c);
    }
    return std::nullopt;
  }

  pid_t pid_;
  std::FILE* to_;
  std::FILE* from_;
};

}  // namespace

std::unique_ptr<peer> make_program_peer(const std::vector<std::string>& words, side is,
                                        const yamux::yamux_limits& limits) {
  // A program that ends early is noticed by what it does not answer.
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  auto all = words;
  all.emplace_back(is == side::client ? "client" : "server");
  std::istringstream more{to_text(limits)};
  for (std::string word; more >> word;) all.push_back(word);
  std::vector<char*> arguments;
  for (auto& word : all) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  int to[2];
  int from[2];
  if (pipe2(to, O_CLOEXEC) != 0) return nullptr;
  if (pipe2(from, O_CLOEXEC) != 0) {
    close(to[0]);
    close(to[1]);
    return nullptr;
  }
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, to[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, from[1], STDOUT_FILENO);
  pid_t pid = -1;
  const int refused = posix_spawnp(&pid, arguments.front(), &files, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  close(to[0]);
  close(from[1]);
  if (refused != 0) {
    close(to[1]);
    close(from[0]);
    return nullptr;
  }
  return std::make_unique<program_peer>(pid, to[1], from[0]);
}

}  // namespace flowersec::mux
