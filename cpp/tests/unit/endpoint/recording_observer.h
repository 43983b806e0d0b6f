// An observer that keeps what it hears, as text: "direct handshake/handshake_ok ok".
#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "support/watched_observer.h"

namespace flowersec::testing {

class recording_observer final : public testing_support::watched_observer {
 public:
  void hear(const endpoint::event& happened) override {
    static constexpr std::string_view results[] = {"ok", "fail", "retry", "skip"};
    std::string text{to_string(happened.path)};
    text.append(" ").append(happened.stage).append("/").append(happened.code).append(" ");
    text.append(results[static_cast<std::size_t>(happened.result)]);
    const std::lock_guard lock{mutex_};
    events_.push_back(std::move(text));
  }
  [[nodiscard]] std::vector<std::string> take() {
    const std::lock_guard lock{mutex_};
    return std::exchange(events_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> events_;
};

}  // namespace flowersec::testing
