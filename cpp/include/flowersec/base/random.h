// Random bytes as an interface, so that tests can fix them.
// Layer base.
#pragma once

#include <array>

#include "flowersec/base/bytes.h"

namespace flowersec {

class random_source {
 public:
  virtual ~random_source() = default;
  /// Fills `into`, whole. Safe to call from any thread. Returns false when the system has no randomness.
  [[nodiscard]] virtual bool fill(mutable_byte_view into) noexcept = 0;
};

/// The kernel's generator (getrandom). Lives for ever.
[[nodiscard]] random_source& system_random() noexcept;

}  // namespace flowersec
