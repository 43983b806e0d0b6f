#include "process.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace flowersec::bench {
namespace {

std::chrono::nanoseconds read_clock(clockid_t clock) {
  timespec time{};
  if (::clock_gettime(clock, &time) != 0) fail_with_errno("clock_gettime");
  return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

struct pipe_ends {
  unique_fd read;
  unique_fd write;
};

pipe_ends make_pipe() {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) fail_with_errno("pipe");
  return {unique_fd{fds[0]}, unique_fd{fds[1]}};
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// Runs in the forked child; everything it needs was built before, because the parent may have threads.
[[noreturn]] void become(const child_options& options, char** command, int input, int output) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::signal(SIGPIPE, SIG_DFL);
  ::dup2(input, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  if (options.quiet) ::dup2(::open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
  if (options.cpu) pin_to_cpu(*options.cpu);
  if (options.open_files) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = std::min<rlim_t>(*options.open_files, limit.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  for (const auto& setting : options.environment) {
    const auto equals = setting.find('=');
    ::setenv(setting.substr(0, equals).c_str(), setting.c_str() + equals + 1, 1);
  }
  ::execv(command[0], command);
  ::_exit(127);
}

}  // namespace

void pin_to_cpu(int cpu) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  CPU_SET(cpu, &allowed);
  ::sched_setaffinity(0, sizeof allowed, &allowed);
}

std::chrono::nanoseconds thread_cpu_time() { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

std::chrono::nanoseconds process_cpu_time(pid_t pid) {
  clockid_t clock{};
  if (::clock_getcpuclockid(pid, &clock) != 0) throw bench_error("a measured process is gone");
  return read_clock(clock);
}

std::size_t resident_anonymous_bytes(pid_t pid) {
  std::ifstream status{"/proc/" + std::to_string(pid) + "/status"};
  constexpr std::string_view key = "RssAnon:";
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key)) return std::stoull(line.substr(key.size())) * 1024;
  }
  throw bench_error("a measured process is gone");
}

child_process::child_process(const child_options& options) : name_(options.command.front()) {
  if (::access(name_.c_str(), X_OK) != 0) fail_with_errno(name_);
  auto to_child = make_pipe();
  auto from_child = make_pipe();
  auto command = options.command;
  const auto arguments = pointers_to(command);
  pid_ = ::fork();
  if (pid_ < 0) fail_with_errno("fork");
  if (pid_ == 0) {
    become(options, const_cast<char**>(arguments.data()), to_child.read.get(), from_child.write.get());
  }
  output_ = std::move(from_child.read);
  input_ = std::move(to_child.write);
}

child_process::child_process(child_process&& other) noexcept
    : name_(std::move(other.name_)),
      pid_(std::exchange(other.pid_, -1)),
      output_(std::move(other.output_)),
      input_(std::move(other.input_)),
      buffered_(std::move(other.buffered_)) {}

child_process::~child_process() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGTERM);
  if (ended_within(std::chrono::seconds{1})) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

bool child_process::ended_within(std::chrono::milliseconds timeout) {
  const unique_fd handle{static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0))};
  pollfd ending{.fd = handle.get(), .events = POLLIN, .revents = 0};
  if (::poll(&ending, 1, static_cast<int>(timeout.count())) != 1) return false;
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
  return true;
}

std::string child_process::read_line(std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    if (const auto end = buffered_.find('\n'); end != std::string::npos) {
      auto line = buffered_.substr(0, end);
      buffered_.erase(0, end + 1);
      return line;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd waiting{.fd = output_.get(), .events = POLLIN, .revents = 0};
    if (left.count() <= 0 || ::poll(&waiting, 1, static_cast<int>(left.count())) != 1) {
      throw bench_error(name_ + " said nothing in time");
    }
    std::array<char, 4096> chunk{};
    const auto count = ::read(output_.get(), chunk.data(), chunk.size());
    if (count <= 0) throw bench_error(name_ + " ended unexpectedly");
    buffered_.append(chunk.data(), static_cast<std::size_t>(count));
  }
}

void child_process::write_line(const std::string& line) {
  const auto text = line + '\n';
  if (::write(input_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    fail_with_errno("write to " + name_);
  }
}

void child_process::signal(int number) const { ::kill(pid_, number); }

void child_process::wait(std::chrono::milliseconds timeout) {
  if (!ended_within(timeout)) throw bench_error(name_ + " did not end");
}

std::string sibling_program(const std::string& name) {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
}

std::optional<std::string> find_program(const std::string& name) {
  for (const auto* folder : {"/usr/local/sbin/", "/usr/local/bin/", "/usr/sbin/", "/usr/bin/"}) {
    if (const auto path = folder + name; ::access(path.c_str(), X_OK) == 0) return path;
  }
  return std::nullopt;
}

temporary_directory::temporary_directory() : path_(std::filesystem::temp_directory_path() / "flowersec-bench-XXXXXX") {
  if (::mkdtemp(path_.data()) == nullptr) fail_with_errno("mkdtemp");
}

temporary_directory::~temporary_directory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace flowersec::bench
