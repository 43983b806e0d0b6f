// The formula of docs/LIMITS.md, "Worst memory of the process".
// Part of flowersec-load.
#pragma once

#include <algorithm>
#include <cstddef>

namespace flowersec::load {

inline constexpr std::size_t kib = 1024;
inline constexpr std::size_t mib = 1024 * kib;

/// What the formula is about: flags by their names, and what is in use.
struct memory_flags {
  std::size_t max_conns = 0;
  std::size_t max_channels = 0;
  std::size_t max_total_queued_bytes = 0;
  std::size_t max_replay_entries = 0;
  std::size_t threads = 0;
  std::size_t name_bytes = 256;  ///< of a channel
  bool tls = false;
  bool statistics = false;
  bool authorizer = false;
};

/// Of the process itself.
[[nodiscard]] constexpr std::size_t worst_user_bytes(const memory_flags& f) {
  constexpr std::size_t most_stalled_blocks = 4096;
  constexpr std::size_t most_closed = 48'000;
  constexpr std::size_t most_readers = 16;
  const auto statistics = most_closed * (300 + f.name_bytes) + most_readers * (f.max_channels + most_closed) * 350;
  return 16 * mib + f.threads * 10 * mib + f.max_conns * ((f.tls ? 20 : 2) * kib + 40 * kib) +
         f.max_replay_entries * 128 + std::min(most_stalled_blocks, 2 * f.max_channels) * 132 * kib +
         2 * (f.max_total_queued_bytes + f.max_channels * 32 * kib) + (f.statistics ? statistics : 0) +
         (f.authorizer ? 132 * mib : 0);
}
/// What the kernel keeps on its behalf, and a control group counts, when nothing stalls.
[[nodiscard]] constexpr std::size_t worst_kernel_bytes(const memory_flags& f) { return f.max_conns * 10 * kib; }

}  // namespace flowersec::load
