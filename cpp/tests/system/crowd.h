// What tests with a crowd of managers share: descriptors for all of them, and a spread that is not left to luck.
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <cstdint>

#include "flowersec/base/bytes.h"
#include "flowersec/base/random.h"

namespace flowersec::testing {

/// Whether this program may hold `wanted` descriptors; raises its limit as far as it is allowed to.
[[nodiscard]] inline bool raise_descriptors(rlim_t wanted) {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return false;
  if (files.rlim_cur >= wanted) return true;
  files.rlim_cur = std::min<rlim_t>(wanted, files.rlim_max);
  return ::setrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur == wanted;
}

/// Decides the random part of each wait; all other bytes are random.
class fixed_part final : public random_source {
 public:
  /// `unit`: 0 to 1.
  explicit fixed_part(double unit) : unit_(static_cast<std::uint32_t>(unit * 4294967295.0)) {}
  [[nodiscard]] bool fill(mutable_byte_view into) noexcept override {
    if (into.size() != sizeof unit_) return system_random().fill(into);
    for (std::size_t i = 0; i < into.size(); ++i) into[i] = static_cast<std::byte>(unit_ >> (24 - 8 * i));
    return true;
  }

 private:
  std::uint32_t unit_;
};

}  // namespace flowersec::testing
