// Looks at a child from outside while it works: the system calls it makes and the heap allocations.
// Part of flowersec-bench. Neither belongs near a timed run.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>

#include "process.h"

namespace flowersec::bench {

/// Counts calls of malloc and its relatives in children that were started with environment().
class allocation_counter {
 public:
  allocation_counter();
  allocation_counter(const allocation_counter&) = delete;
  allocation_counter& operator=(const allocation_counter&) = delete;
  ~allocation_counter();

  [[nodiscard]] std::vector<std::string> environment() const;
  [[nodiscard]] std::uint64_t count() const noexcept;

 private:
  temporary_directory folder_;
  std::uint64_t* shared_ = nullptr;
};

struct system_call_counts {
  std::map<std::string, std::uint64_t> by_name;
  [[nodiscard]] std::uint64_t total() const noexcept;
  /// The most frequent ones, per unit of work: "recvfrom 0.51, sendto 0.50".
  [[nodiscard]] std::string most_frequent(double units) const;
};

/// Follows a running process with strace from its construction to stop(). The process must be at rest at both ends.
class system_call_watch {
 public:
  /// Whether strace is installed.
  [[nodiscard]] static bool available();
  explicit system_call_watch(pid_t pid);
  [[nodiscard]] system_call_counts stop();

 private:
  temporary_directory folder_;
  child_process strace_;
};

}  // namespace flowersec::bench
