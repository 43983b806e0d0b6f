#include "chat/line_reader.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace flowersec::apps {

line_reader::line_reader(int fd, std::size_t max_line_bytes, handler told)
    : fd_(fd), max_line_bytes_(max_line_bytes), told_(std::move(told)), stop_event_(::eventfd(0, EFD_CLOEXEC)) {
  if (stop_event_ < 0) throw std::system_error{errno, std::generic_category(), "eventfd"};
  thread_ = std::thread{[this] { run(); }};
}

line_reader::~line_reader() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_all();
  const std::uint64_t one = 1;
  (void)!::write(stop_event_, &one, sizeof one);
  thread_.join();
  ::close(stop_event_);
}

void line_reader::next() {
  {
    const std::lock_guard lock{mutex_};
    is_wanted_ = true;
  }
  changed_.notify_all();
}

bool line_reader::give(line what) {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [this] { return is_wanted_ || stopping_; });
  if (stopping_) return false;
  is_wanted_ = false;
  lock.unlock();
  told_(std::move(what));
  return true;
}

/// False at the end of the input, and when it is to stop.
bool line_reader::read_more() {
  std::array<pollfd, 2> watched = {{{fd_, POLLIN, 0}, {stop_event_, POLLIN, 0}}};
  if (::poll(watched.data(), watched.size(), -1) < 0) return errno == EINTR;
  if (watched[1].revents != 0) return false;
  std::array<char, 16'384> block;  // NOLINT
  const auto got = ::read(fd_, block.data(), block.size());
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  held_.append(block.data(), static_cast<std::size_t>(got));
  return got > 0;
}

void line_reader::run() {
  bool more = true;
  while (more) {
    more = read_more();
    std::size_t begin = 0;
    for (auto end = held_.find('\n'); end != held_.npos; end = held_.find('\n', begin)) {
      const bool is_too_long = skipping_ || end - begin > max_line_bytes_;
      skipping_ = false;
      if (!give({.text = is_too_long ? "" : held_.substr(begin, end - begin), .is_too_long = is_too_long})) return;
      begin = end + 1;
    }
    held_.erase(0, begin);
    if (held_.size() > max_line_bytes_) {
      skipping_ = true;
      held_.clear();
    }
  }
  // A last line without an end counts.
  const bool is_cut = skipping_ || !held_.empty();
  if (is_cut && !give({.text = skipping_ ? "" : held_, .is_too_long = skipping_})) return;
  const std::lock_guard lock{mutex_};
  if (!stopping_) told_(std::nullopt);
}

}  // namespace flowersec::apps
