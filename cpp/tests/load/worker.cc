#include "worker.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <sstream>

namespace flowersec::load {
namespace {

using bench::bench_error;
using bench::fail_with_errno;
using bench::unique_fd;

std::optional<std::string> take_line(std::string& buffered) {
  const auto end = buffered.find('\n');
  if (end == std::string::npos) return std::nullopt;
  auto line = buffered.substr(0, end);
  buffered.erase(0, end + 1);
  return line;
}

/// False at the end of the stream.
bool read_more(int fd, std::string& buffered) {
  std::array<char, 4096> chunk{};
  const auto count = ::read(fd, chunk.data(), chunk.size());
  if (count > 0) buffered.append(chunk.data(), static_cast<std::size_t>(count));
  return count > 0;
}

constexpr std::string_view failure = "failed: ";
/// Said in words: workers that were forked later hold the same pipe, so closing it would say nothing.
constexpr const char* end_order = "end";

}  // namespace

std::optional<std::string> orders::next() {
  for (;;) {
    if (auto line = take_line(buffered_)) return *line == end_order ? std::nullopt : std::move(line);
    if (!read_more(in_.get(), buffered_)) return std::nullopt;
  }
}

void orders::answer(const figures& numbers) {
  std::ostringstream line;
  line.precision(17);
  for (const auto number : numbers) line << number << ' ';
  write_line(line.str());
}

void orders::fail(const std::string& why) { write_line(std::string{failure} + why); }

void orders::write_line(const std::string& line) {
  const auto text = line + '\n';
  if (::write(out_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) fail_with_errno("write");
}

worker::worker(const std::function<void(orders&)>& body) {
  std::array<int, 2> down{};
  std::array<int, 2> up{};
  if (::pipe2(down.data(), O_CLOEXEC) != 0 || ::pipe2(up.data(), O_CLOEXEC) != 0) fail_with_errno("pipe");
  pid_ = ::fork();
  if (pid_ < 0) fail_with_errno("fork");
  if (pid_ != 0) {
    ::close(down[0]);
    ::close(up[1]);
    to_child_ = unique_fd{down[1]};
    from_child_ = unique_fd{up[0]};
    return;
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::close(down[1]);
  ::close(up[0]);
  orders from_parent{unique_fd{down[0]}, unique_fd{up[1]}};
  try {
    body(from_parent);
  } catch (const std::exception& problem) {
    from_parent.fail(problem.what());
  }
  // Nothing of what the parent owns may be ended here.
  ::_exit(0);
}

worker::worker(worker&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      to_child_(std::move(other.to_child_)),
      from_child_(std::move(other.from_child_)),
      buffered_(std::move(other.buffered_)) {}

worker::~worker() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void worker::tell(const std::string& line) {
  const auto text = line + '\n';
  if (::write(to_child_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw bench_error("a generator ended: " + buffered_);
  }
}

std::optional<figures> worker::answer_within(std::chrono::milliseconds time) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  for (;;) {
    if (const auto line = take_line(buffered_)) {
      if (line->starts_with(failure)) throw bench_error("a generator " + *line);
      std::istringstream words{*line};
      figures numbers;
      for (double number = 0; words >> number;) numbers.push_back(number);
      return numbers;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd waiting{.fd = from_child_.get(), .events = POLLIN, .revents = 0};
    if (left.count() < 0 || ::poll(&waiting, 1, static_cast<int>(left.count())) == 0) return std::nullopt;
    if (!read_more(from_child_.get(), buffered_)) throw bench_error("a generator ended unexpectedly");
  }
}

figures worker::answer(std::chrono::milliseconds patience) {
  auto numbers = answer_within(patience);
  if (!numbers) throw bench_error("a generator said nothing in time");
  return std::move(*numbers);
}

void worker::finish() {
  // One whose work is done may have ended by itself.
  const auto line = std::string{end_order} + '\n';
  if (::write(to_child_.get(), line.data(), line.size()) < 0 && errno != EPIPE) fail_with_errno("write");
  if (pid_ > 0) ::waitpid(std::exchange(pid_, -1), nullptr, 0);
}

ticker::ticker(std::chrono::nanoseconds period) : timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(period);
  const timespec every{.tv_sec = seconds.count(), .tv_nsec = (period - seconds).count()};
  const itimerspec times{.it_interval = every, .it_value = every};
  if (!timer_ || ::timerfd_settime(timer_.get(), 0, &times, nullptr) != 0) fail_with_errno("timerfd");
}

void ticker::wait() const {
  std::uint64_t beats = 0;
  if (::read(timer_.get(), &beats, sizeof beats) != sizeof beats) fail_with_errno("timerfd");
}

}  // namespace flowersec::load
