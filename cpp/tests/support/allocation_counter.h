// Counts heap allocations of this thread, for tests that promise how many there are.
// Test support. Replaces the global operator new of the test program that links allocation_counter.cc.
#pragma once

#include <cstddef>

namespace flowersec::testing {

/// Allocations of this thread since it was made.
class allocation_counter {
 public:
  allocation_counter() noexcept;
  /// Not under ThreadSanitizer: a test that asks for the numbers has to be left out there.
  [[nodiscard]] static bool counts() noexcept;
  [[nodiscard]] std::size_t count() const noexcept;
  /// What they asked for together, no matter what was given back: never less than what is held of them.
  [[nodiscard]] std::size_t bytes() const noexcept;
  /// What is held of them, as the allocator rounds it. Negative when more was given back than taken.
  [[nodiscard]] std::ptrdiff_t held() const noexcept;

 private:
  std::size_t at_start_;
  std::size_t bytes_at_start_;
  std::ptrdiff_t held_at_start_;
};

}  // namespace flowersec::testing
