// A byte queue with contiguous front, sized by what arrives.
// Layer ws, no I/O. Holds no memory when empty and released; grows only after it was filled.
#pragma once

#include <memory>

#include "flowersec/base/bytes.h"

namespace flowersec::ws {

class receive_buffer {
 public:
  static constexpr std::size_t smallest_block_bytes = 4096;

  explicit receive_buffer(std::size_t max_block_bytes) noexcept : max_block_bytes_(max_block_bytes) {}

  [[nodiscard]] mutable_byte_view data() noexcept { return {block_.get() + begin_, size()}; }
  [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

  /// Room behind the data, at least one byte. `wanted` is the size that the item at the front needs to be
  /// contiguous, 0 when unknown: beyond max_block_bytes the block at most doubles per call, so that memory follows
  /// the bytes received and not the bytes announced.
  [[nodiscard]] mutable_byte_view prepare(std::size_t wanted);
  void commit(std::size_t bytes) noexcept;
  void consume(std::size_t bytes) noexcept;
  /// Frees the block if no data is in it.
  void release_if_empty() noexcept;

 private:
  void grow_to(std::size_t capacity);

  std::size_t max_block_bytes_;
  std::size_t next_block_bytes_ = smallest_block_bytes;  ///< follows the traffic: up on full reads, down on small
  std::unique_ptr<std::byte[]> block_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace flowersec::ws
