// A progress bar for people who wait at a terminal.
// Layer apps. Draws on stderr, and only when that is a terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace flowersec::apps {

class progress_bar {
 public:
  progress_bar(std::string label, std::uint64_t total_bytes, bool wanted);
  /// Clears the line.
  ~progress_bar();
  progress_bar(const progress_bar&) = delete;
  progress_bar& operator=(const progress_bar&) = delete;

  void add(std::uint64_t bytes);

 private:
  void draw(double seconds) const;

  std::string label_;
  std::uint64_t total_bytes_;
  bool visible_;
  std::uint64_t done_bytes_ = 0;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point drawn_{};
};

/// "  sending  [##########----------]  50 %   32.0 of 64.0 MiB   812 MiB/s"
[[nodiscard]] std::string progress_text(const std::string& label, std::uint64_t done_bytes, std::uint64_t total_bytes,
                                        double seconds);

}  // namespace flowersec::apps
