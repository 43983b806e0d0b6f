// Child processes: started pinned, told apart by their CPU time and memory, ended with this process at the latest.
// Part of flowersec-bench.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "sockets.h"

namespace flowersec::bench {

/// Relays run on one CPU, the load generator on the other.
inline constexpr int relay_cpu = 0;
inline constexpr int generator_cpu = 1;

/// Pins the calling thread. Does nothing on a machine without that CPU.
void pin_to_cpu(int cpu);

/// CPU time of the calling thread, from the scheduler's own nanosecond counter.
[[nodiscard]] std::chrono::nanoseconds thread_cpu_time();
/// The same for all threads of a process, dead ones included. The counter of a running thread is brought up to date
/// by the read, which /proc/<pid>/schedstat does not do.
[[nodiscard]] std::chrono::nanoseconds process_cpu_time(pid_t pid);
/// Anonymous resident memory of a process, in bytes: what it allocated and touched.
[[nodiscard]] std::size_t resident_anonymous_bytes(pid_t pid);

struct child_options {
  std::vector<std::string> command = {};       ///< program and arguments
  std::vector<std::string> environment = {};   ///< "NAME=value", added to this process's
  std::optional<int> cpu = {};                 ///< where it is pinned
  bool quiet = true;                           ///< its stderr goes nowhere
  std::optional<std::size_t> open_files = {};  ///< soft limit on descriptors
};

class child_process {
 public:
  explicit child_process(const child_options& options);
  child_process(child_process&& other) noexcept;
  child_process& operator=(child_process&&) = delete;
  /// Ends the child: SIGTERM, and SIGKILL if it is still there a second later.
  ~child_process();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] std::chrono::nanoseconds cpu_time() const { return process_cpu_time(pid_); }

  /// Next line of the child's stdout, or of its stderr if asked for at the start; throws when none comes in time.
  [[nodiscard]] std::string read_line(std::chrono::milliseconds timeout = std::chrono::seconds{5});
  void write_line(const std::string& line);
  void signal(int number) const;
  /// Waits for the child to end by itself; throws when it does not.
  void wait(std::chrono::milliseconds timeout);

 private:
  [[nodiscard]] bool ended_within(std::chrono::milliseconds timeout);

  std::string name_;
  pid_t pid_ = -1;
  unique_fd output_;
  unique_fd input_;
  std::string buffered_;
};

/// Path of a program that stands beside this one.
[[nodiscard]] std::string sibling_program(const std::string& name);
/// Path of an installed program, nullopt when there is none.
[[nodiscard]] std::optional<std::string> find_program(const std::string& name);

/// A directory of its own under the system's temporary one, removed at the end.
class temporary_directory {
 public:
  temporary_directory();
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;
  ~temporary_directory();
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace flowersec::bench
