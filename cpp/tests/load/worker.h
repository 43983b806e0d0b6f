// A generator in a process of its own: forked, told what to do line by line, answering with numbers.
// Part of flowersec-load. The parent forks before it has threads, so the child may use all it inherited.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sockets.h"

namespace flowersec::load {

using figures = std::vector<double>;

/// The child's side. Descriptors are the child's to watch.
class orders {
 public:
  orders(bench::unique_fd in, bench::unique_fd out) noexcept : in_(std::move(in)), out_(std::move(out)) {}

  [[nodiscard]] int fd() const noexcept { return in_.get(); }
  /// Waits for the next order; nullopt when the parent has no more.
  [[nodiscard]] std::optional<std::string> next();
  void answer(const figures& numbers);
  void fail(const std::string& why);

 private:
  void write_line(const std::string& line);
  bench::unique_fd in_;
  bench::unique_fd out_;
  std::string buffered_;
};

class worker {
 public:
  /// Runs `body` in a child, which ends when it returns.
  explicit worker(const std::function<void(orders&)>& body);
  worker(worker&& other) noexcept;
  worker& operator=(worker&&) = delete;
  ~worker();

  void tell(const std::string& line);
  /// The numbers of the next answer. Throws bench_error when the worker failed, ended or is late.
  [[nodiscard]] figures answer(std::chrono::milliseconds patience);
  /// The same, nullopt when there is none in time.
  [[nodiscard]] std::optional<figures> answer_within(std::chrono::milliseconds time);
  /// No more orders: the child finishes. Its descriptors are gone when this returns.
  void finish();

 private:
  pid_t pid_ = -1;
  bench::unique_fd to_child_;
  bench::unique_fd from_child_;
  std::string buffered_;
};

/// Beats at regular times, whatever happens in between.
class ticker {
 public:
  explicit ticker(std::chrono::nanoseconds period);
  /// Waits for the next beat.
  void wait() const;
  [[nodiscard]] int fd() const noexcept { return timer_.get(); }

 private:
  bench::unique_fd timer_;
};

}  // namespace flowersec::load
