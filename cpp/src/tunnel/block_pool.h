// Receive blocks: one in use per thread, more only for directions whose destination is stalled.
// Layer tunnel. One pool per I/O thread; the cap is shared by all of them.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "tunnel/relay_machine.h"

namespace flowersec::tunnel {

/// What one read may bring. Sized so that the system calls of bulk traffic vanish beside its copies.
inline constexpr std::size_t block_input_bytes = 128 * 1024;
/// A block's reads begin at a different cache line of this range every time. Copying in the kernel is many times
/// slower where destination and source are nearly equal modulo the page size (seen on processors whose string moves
/// are microcoded), and whole reads in a row would keep such an unlucky distance for as long as a transfer lasts.
inline constexpr std::size_t block_stagger_bytes = 4096;
inline constexpr std::size_t cache_line_bytes = 64;
inline constexpr std::size_t block_bytes =
    relay_headroom_bytes + block_input_bytes + block_stagger_bytes - cache_line_bytes;

/// Kept per thread for the next stall; so many directions may stall in turn without an allocation. 8.25 MiB.
inline constexpr std::size_t most_spare_blocks = 64;

/// Not initialised.
struct alignas(cache_line_bytes) relay_block {
  std::byte bytes[block_bytes];
};
using block_ptr = std::unique_ptr<relay_block>;

/// Blocks held by stalled directions in the whole process.
class block_cap {
 public:
  explicit block_cap(std::size_t max_blocks) noexcept : max_blocks_(max_blocks) {}
  [[nodiscard]] bool try_take() noexcept {
    if (taken_.fetch_add(1, std::memory_order_relaxed) < max_blocks_) return true;
    give_back();
    return false;
  }
  void give_back() noexcept { taken_.fetch_sub(1, std::memory_order_relaxed); }
  [[nodiscard]] std::size_t taken() const noexcept { return taken_.load(std::memory_order_relaxed); }

 private:
  alignas(cache_line_bytes) std::atomic<std::size_t> taken_{0};
  const std::size_t max_blocks_;
};

class block_pool {
 public:
  explicit block_pool(block_cap& cap) : cap_(cap) { spare_.reserve(most_spare_blocks); }

  /// The block to read into. Always there between two calls of the relay.
  [[nodiscard]] block_ptr take_working_block() {
    if (spare_.empty()) {
      least_spare_ = 0;
      return block_ptr{new relay_block};
    }
    auto block = std::move(spare_.back());
    spare_.pop_back();
    least_spare_ = std::min(least_spare_, spare_.size());
    return block;
  }
  /// Freed unless it may soon be wanted again: releasing pages and faulting them in costs more than the copies.
  void put_back(block_ptr block) {
    if (spare_.size() < most_spare_blocks) spare_.push_back(std::move(block));
  }
  /// Called now and then: frees half of the blocks that nobody wanted since the last call. Traffic that stalls again
  /// and again keeps its blocks; an idle tunnel ends with one spare block per thread.
  void shrink() {
    if (least_spare_ > 1) spare_.resize(spare_.size() - least_spare_ / 2);
    least_spare_ = spare_.size();
  }
  [[nodiscard]] std::size_t spare_blocks() const noexcept { return spare_.size(); }
  [[nodiscard]] block_cap& cap() noexcept { return cap_; }

 private:
  block_cap& cap_;
  std::vector<block_ptr> spare_;
  std::size_t least_spare_ = 0;  ///< since the last shrink()
};

}  // namespace flowersec::tunnel
