// One service at a time on a state file: two would each hold the control connections of a part of the endpoints.
// Layer apps. The lock goes with the process, however it ends; commands that administer the file need none.
#pragma once

#include <string>
#include <utility>

#include "cli/problem.h"

namespace flowersec::apps::plane {

class serve_lock {
 public:
  /// Never waits. Not while this process has `state` open otherwise, nor after: it stays open until the end.
  [[nodiscard]] static or_problem<serve_lock> take(const std::string& state);

  serve_lock(serve_lock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  serve_lock& operator=(serve_lock&&) = delete;
  ~serve_lock();

 private:
  explicit serve_lock(int file) noexcept : file_(file) {}

  int file_;
};

}  // namespace flowersec::apps::plane
