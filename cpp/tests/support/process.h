// Runs one of the built programs as a real process: arguments and environment in, output lines and exit code out.
// Test support. Secrets in what programs print and files hold are noted, and looked for in logs (stderr) and in pages
// that http_get() fetches: one found there fails the test. A process that is still running when its object dies is
// killed and reaped; nothing is left behind.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "support/temporary_folder.h"

namespace flowersec::testing_support {

inline constexpr std::chrono::seconds process_patience{60};

struct process_result {
  int exit_code = -1;  ///< -1 when a signal ended it
  int signal = 0;
  std::string out;  ///< what no read_line took
  std::string err;
};

class process {
 public:
  using words = std::vector<std::string>;
  /// Beside PATH the child sees only what is here.
  using environment = std::map<std::string, std::string>;

  /// What the child reads: nothing, or what write_line() gives it.
  enum class input { none, lines };

  /// Starts the program `name` of the build's bin folder.
  explicit process(const std::string& name, words arguments = {}, environment variables = {},
                   std::string working_directory = {}, input from = input::none);
  ~process();
  process(const process&) = delete;
  process& operator=(const process&) = delete;

  /// With input::lines: a line for its stdin.
  void write_line(const std::string& text);
  /// Its stdin ends.
  void end_input();
  /// The next line of stdout; nullopt when it ended, or `patience` is over, first.
  [[nodiscard]] std::optional<std::string> read_line(std::chrono::milliseconds patience = process_patience);
  /// What stderr holds so far.
  [[nodiscard]] std::string err_so_far() const;
  /// Waits until stderr holds `text`. False when the process ended, or `patience` is over, first.
  [[nodiscard]] bool wait_for_err(const std::string& text, std::chrono::milliseconds patience = process_patience);
  /// What stderr holds so far, forgotten: a later wait_for_err() waits for something new.
  std::string take_err();
  void send_signal(int number);
  /// How many files it may have open from now on.
  void limit_descriptors(std::size_t count);
  /// How long a file it may write from now on.
  void limit_file_size(std::size_t bytes);
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] std::size_t open_descriptors() const;
  /// Processor time it has used so far, in user and system together.
  [[nodiscard]] std::chrono::milliseconds processor_time() const;
  /// Memory of its own that is present, in bytes.
  [[nodiscard]] std::size_t resident_bytes() const;
  /// Its limits, as the system lists them.
  [[nodiscard]] std::string limits() const;
  /// Waits until it has stopped after SIGSTOP.
  void wait_until_stopped();
  [[nodiscard]] std::size_t threads() const;
  /// Waits for the end; kills the process when `patience` is over, which shows as signal 9.
  [[nodiscard]] process_result wait(std::chrono::milliseconds patience = process_patience);

 private:
  using deadline = std::chrono::steady_clock::time_point;
  bool read_more(deadline until);

  std::string name_;
  pid_t pid_ = -1;
  int in_ = -1;     ///< write end of a pipe
  int out_ = -1;    ///< read end of a pipe
  int err_ = -1;    ///< read end of a pipe
  int ended_ = -1;  ///< becomes readable when the process ends
  std::string out_text_;
  std::string err_text_;
  bool reaped_ = false;
};

/// Runs to the end.
[[nodiscard]] process_result run_program(const std::string& name, process::words arguments = {},
                                         process::environment variables = {}, std::string working_directory = {});

/// Whole file; empty when it cannot be read.
[[nodiscard]] std::string read_whole_file(const std::string& path);
void write_whole_file(const std::string& path, const std::string& contents);

/// One plain HTTP request to 127.0.0.1; the whole answer, or empty when there is none.
[[nodiscard]] std::string http_get(const std::string& host_port, const std::string& path);

/// The body of the answer to a POST; it may hold secrets. `headers` are whole lines.
[[nodiscard]] std::string http_post(const std::string& host_port, const std::string& path, const std::string& headers,
                                    const std::string& body);

}  // namespace flowersec::testing_support
