// Ends a process that takes more memory than allowed: a control group where one can be made, else RLIMIT_DATA.
// Part of flowersec-load.
#pragma once

#include <sys/types.h>

#include <string>

namespace flowersec::load {

class memory_cage {
 public:
  /// From now on `pid` may have `user_bytes`, and for what the kernel keeps on its behalf and counts, `kernel_bytes`.
  memory_cage(pid_t pid, std::size_t user_bytes, std::size_t kernel_bytes);
  memory_cage(const memory_cage&) = delete;
  memory_cage& operator=(const memory_cage&) = delete;
  /// The process must have ended.
  ~memory_cage();

  /// What it is made of.
  [[nodiscard]] const std::string& kind() const noexcept { return kind_; }

 private:
  [[nodiscard]] bool make_group(const std::string& parent, const std::string& limit_file, pid_t pid, std::size_t bytes);

  std::string folder_;
  std::string kind_;
};

}  // namespace flowersec::load
