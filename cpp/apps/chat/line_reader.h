// Lines of a descriptor that may be a terminal, a pipe or a file.
// Layer apps. POSIX. A thread of its own, as files cannot be waited for by epoll; at most one line is under way.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace flowersec::apps {

class line_reader {
 public:
  struct line {
    std::string text;          ///< without its end
    bool is_too_long = false;  ///< then without its text
  };
  /// nullopt: the input ended.
  using handler = std::function<void(std::optional<line>)>;

  /// Calls `told` from its thread. After each line it waits for next().
  line_reader(int fd, std::size_t max_line_bytes, handler told);
  /// Waits for the thread, which is told to stop.
  ~line_reader();
  line_reader(const line_reader&) = delete;
  line_reader& operator=(const line_reader&) = delete;

  void next();

 private:
  void run();
  [[nodiscard]] bool read_more();
  [[nodiscard]] bool give(line what);

  int fd_;
  std::size_t max_line_bytes_;
  handler told_;
  int stop_event_;
  std::string held_;
  bool skipping_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_wanted_ = true;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace flowersec::apps
