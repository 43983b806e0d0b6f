// Keeps a warning that could come a thousand times a second from doing so.
// Layer apps. One thread.
#pragma once

#include <chrono>
#include <optional>

namespace flowersec::apps {

class seldom {
 public:
  /// Whether it is time to say it again. Everything in between is left unsaid.
  [[nodiscard]] bool may_speak(std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now()) {
    if (spoke_ && now - *spoke_ < quiet_time) return false;
    spoke_ = now;
    return true;
  }

 private:
  static constexpr std::chrono::seconds quiet_time{10};
  std::optional<std::chrono::steady_clock::time_point> spoke_;
};

}  // namespace flowersec::apps
