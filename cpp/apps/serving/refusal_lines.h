// Lines about callers that were refused: so many a second, then only how many more there were.
// Layer apps. One thread.
#pragma once

#include <chrono>

#include "serving/log.h"

namespace flowersec::apps {

class refusal_lines {
 public:
  static constexpr std::size_t most_a_second = 20;

  void write(std::string_view message, const log_fields& fields, log_level level = log_level::info) {
    const auto now = std::chrono::steady_clock::now();
    if (now - second_began_ >= std::chrono::seconds{1}) {
      if (left_out_ > 0) {
        log_line(log_level::warning, "refusals left out of the log", {{"count", std::to_string(left_out_)}});
      }
      second_began_ = now;
      written_ = left_out_ = 0;
    }
    if (written_ >= most_a_second) {
      ++left_out_;
    } else {
      ++written_;
      log_line(level, message, fields);
    }
  }

 private:
  std::chrono::steady_clock::time_point second_began_{};
  std::size_t written_ = 0;
  std::size_t left_out_ = 0;
};

}  // namespace flowersec::apps
