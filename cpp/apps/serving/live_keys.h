// The identity keys in force, and who is told when they change.
// Layer apps. Any thread.
#pragma once

#include <mutex>

#include "serving/identity_keys.h"

namespace flowersec::apps {

class live_keys {
 public:
  explicit live_keys(shared_keyring first) : present_(std::move(first)) {}

  [[nodiscard]] shared_keyring get() const {
    const std::lock_guard held{guard_};
    return present_;
  }
  void replace(shared_keyring next) {
    const std::lock_guard held{guard_};
    present_ = std::move(next);
  }

 private:
  mutable std::mutex guard_;
  shared_keyring present_;
};

}  // namespace flowersec::apps
