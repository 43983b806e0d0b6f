// Random sources that tests can predict.
// Test support.
#pragma once

#include <cstdint>
#include <optional>

#include "flowersec/base/random.h"

namespace flowersec::testing {

/// The same bytes on every run (splitmix64). Can be told to fail from some call on.
class seeded_random final : public random_source {
 public:
  explicit seeded_random(std::uint64_t seed = 1, std::optional<int> good_calls = std::nullopt) noexcept
      : state_(seed), good_calls_(good_calls) {}

  [[nodiscard]] bool fill(mutable_byte_view into) noexcept override {
    if (good_calls_ && calls_ >= *good_calls_) return false;
    ++calls_;
    for (auto& byte : into) byte = static_cast<std::byte>(next());
    return true;
  }

  [[nodiscard]] int calls() const noexcept { return calls_; }

 private:
  std::uint64_t next() noexcept {
    auto z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  std::uint64_t state_;
  std::optional<int> good_calls_;
  int calls_ = 0;
};

}  // namespace flowersec::testing
