#include "support/process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "support/secret_watch.h"

namespace flowersec::testing_support {
namespace {

using steady = std::chrono::steady_clock;

struct pipe_ends {
  int read_end = -1;
  int write_end = -1;
};

pipe_ends make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error{errno, std::generic_category(), "pipe2"};
  return {ends[0], ends[1]};
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (auto& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

int poll_timeout(steady::time_point until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady::now()).count();
  return left < 0 ? 0 : static_cast<int>(left);
}

/// Appends what is there now. False at the end of the stream.
bool drain(int& descriptor, std::string& into) {
  std::array<char, 65536> block{};
  const auto count = ::read(descriptor, block.data(), block.size());
  if (count > 0) into.append(block.data(), static_cast<std::size_t>(count));
  if (count > 0 || (count < 0 && errno == EINTR)) return true;
  ::close(descriptor);
  descriptor = -1;
  return false;
}

void set_soft_limit(pid_t pid, __rlimit_resource what, std::size_t value) {
  rlimit limit{};
  if (::prlimit(pid, what, nullptr, &limit) != 0) throw std::system_error(errno, std::generic_category());
  limit.rlim_cur = value;
  if (::prlimit(pid, what, &limit, nullptr) != 0) throw std::system_error(errno, std::generic_category());
}

std::size_t entries_of(const std::string& folder) {
  const std::filesystem::directory_iterator entries{folder};
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

}  // namespace

process::process(const std::string& name, words arguments, environment variables, std::string working_directory,
                 input from)
    : name_(name) {
  const auto program = std::string{FLOWERSEC_BINARY_DIR} + "/bin/" + name;
  arguments.insert(arguments.begin(), program);
  words settings{"PATH=/usr/bin:/bin"};
  for (const auto& [key, value] : variables) settings.push_back(key + '=' + value);

  const auto out = make_pipe();
  const auto err = make_pipe();
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  const auto in = from == input::lines ? make_pipe() : pipe_ends{};
  if (from == input::lines) {
    ::posix_spawn_file_actions_adddup2(&actions, in.read_end, STDIN_FILENO);
  } else {
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  }
  ::posix_spawn_file_actions_adddup2(&actions, out.write_end, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, err.write_end, STDERR_FILENO);
  if (!working_directory.empty()) ::posix_spawn_file_actions_addchdir_np(&actions, working_directory.c_str());
  const int problem =
      ::posix_spawn(&pid_, program.c_str(), &actions, nullptr, pointers(arguments).data(), pointers(settings).data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(out.write_end);
  ::close(err.write_end);
  if (in.read_end >= 0) ::close(in.read_end);
  in_ = in.write_end;
  out_ = out.read_end;
  err_ = err.read_end;
  if (problem != 0) throw std::system_error{problem, std::generic_category(), program};
  ended_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
}

process::~process() {
  if (!reaped_) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  for (const int descriptor : {in_, out_, err_, ended_}) {
    if (descriptor >= 0) ::close(descriptor);
  }
  expect_no_secret("stderr of " + name_, err_text_);
}

void process::write_line(const std::string& text) {
  const auto line = text + '\n';
  std::string_view rest{line};
  while (!rest.empty()) {
    const auto written = ::write(in_, rest.data(), rest.size());
    if (written < 0) throw std::system_error{errno, std::generic_category(), name_ + " does not read"};
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

void process::end_input() {
  if (in_ >= 0) ::close(in_);
  in_ = -1;
}

/// Waits for output of either kind. False when both ended or the time is over.
bool process::read_more(deadline until) {
  if (out_ < 0 && err_ < 0) return false;
  std::array<pollfd, 2> watched{{{out_, POLLIN, 0}, {err_, POLLIN, 0}}};
  if (::poll(watched.data(), watched.size(), poll_timeout(until)) <= 0) return false;
  if (watched[0].revents != 0) drain(out_, out_text_);
  if (watched[1].revents != 0) drain(err_, err_text_);
  return true;
}

std::optional<std::string> process::read_line(std::chrono::milliseconds patience) {
  const auto until = steady::now() + patience;
  while (out_text_.find('\n') == std::string::npos) {
    if (!read_more(until)) return std::nullopt;
  }
  const auto end = out_text_.find('\n');
  auto line = out_text_.substr(0, end);
  out_text_.erase(0, end + 1);
  secret_watch::instance().learn_from(line);
  return line;
}

std::string process::err_so_far() const { return err_text_; }

std::string process::take_err() {
  expect_no_secret("stderr of " + name_, err_text_);
  return std::exchange(err_text_, {});
}

bool process::wait_for_err(const std::string& text, std::chrono::milliseconds patience) {
  const auto until = steady::now() + patience;
  while (err_text_.find(text) == std::string::npos) {
    if (!read_more(until)) return false;
  }
  return true;
}

void process::limit_descriptors(std::size_t count) { set_soft_limit(pid_, RLIMIT_NOFILE, count); }

void process::limit_file_size(std::size_t bytes) { set_soft_limit(pid_, RLIMIT_FSIZE, bytes); }

std::size_t process::open_descriptors() const { return entries_of("/proc/" + std::to_string(pid_) + "/fd"); }

std::size_t process::threads() const { return entries_of("/proc/" + std::to_string(pid_) + "/task"); }

void process::send_signal(int number) {
  if (!reaped_) ::kill(pid_, number);
}

std::chrono::milliseconds process::processor_time() const {
  // The name, in parentheses, may hold anything; utime and stime are the 12th and 13th fields behind it (proc(5)).
  const auto text = read_whole_file("/proc/" + std::to_string(pid_) + "/stat");
  std::istringstream fields{text.substr(text.rfind(')') + 1)};
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  std::int64_t user = 0;
  std::int64_t system = 0;
  fields >> user >> system;
  return std::chrono::milliseconds{(user + system) * 1000 / ::sysconf(_SC_CLK_TCK)};
}

std::string process::limits() const { return read_whole_file("/proc/" + std::to_string(pid_) + "/limits"); }

std::size_t process::resident_bytes() const {
  std::istringstream lines{read_whole_file("/proc/" + std::to_string(pid_) + "/status")};
  for (std::string word; lines >> word;) {
    std::size_t kib = 0;
    if (word == "RssAnon:" && lines >> kib) return kib * 1024;
  }
  return 0;
}

void process::wait_until_stopped() {
  siginfo_t ignored{};
  ::waitid(P_PID, static_cast<id_t>(pid_), &ignored, WSTOPPED | WNOWAIT);
}

process_result process::wait(std::chrono::milliseconds patience) {
  const auto until = steady::now() + patience;
  while (read_more(until)) {
  }
  pollfd watched{ended_, POLLIN, 0};
  if (::poll(&watched, 1, poll_timeout(until)) <= 0) ::kill(pid_, SIGKILL);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  reaped_ = true;
  secret_watch::instance().learn_from(out_text_);
  return {.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
          .out = out_text_,
          .err = err_text_};
}

process_result run_program(const std::string& name, process::words arguments, process::environment variables,
                           std::string working_directory) {
  return process{name, std::move(arguments), std::move(variables), std::move(working_directory)}.wait();
}

std::string read_whole_file(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  std::string contents{std::istreambuf_iterator<char>{file}, {}};
  secret_watch::instance().learn_from(contents);
  return contents;
}

void write_whole_file(const std::string& path, const std::string& contents) {
  secret_watch::instance().learn_from(contents);
  std::ofstream{path, std::ios::binary | std::ios::trunc} << contents;
  std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

namespace {

std::string answer_to(const std::string& host_port, const std::string& request) {
  const auto colon = host_port.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(host_port.substr(colon + 1))));
  ::inet_pton(AF_INET, host_port.substr(0, colon).c_str(), &address.sin_addr);
  int connection = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{.tv_sec = process_patience.count(), .tv_usec = 0};
  ::setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  std::string answer;
  if (::connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    if (::send(connection, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
      while (drain(connection, answer)) {
      }
    }
  }
  if (connection >= 0) ::close(connection);
  return answer;
}

}  // namespace

std::string http_get(const std::string& host_port, const std::string& path) {
  auto answer =
      answer_to(host_port, "GET " + path + " HTTP/1.1\r\nHost: " + host_port + "\r\nConnection: close\r\n\r\n");
  expect_no_secret(path, answer);
  return answer;
}

std::string http_post(const std::string& host_port, const std::string& path, const std::string& headers,
                      const std::string& body) {
  const auto answer =
      answer_to(host_port, "POST " + path + " HTTP/1.1\r\nHost: " + host_port + "\r\nConnection: close\r\n" + headers +
                               "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  const auto head = answer.find("\r\n\r\n");
  return head == std::string::npos ? std::string{} : answer.substr(head + 4);
}

}  // namespace flowersec::testing_support
