#include "flowersec/ws/receive_buffer.h"

#include <cassert>

namespace flowersec::ws {

mutable_byte_view receive_buffer::prepare(std::size_t wanted) {
  if (size() == 0) begin_ = end_ = 0;
  if (capacity_ < next_block_bytes_) grow_to(next_block_bytes_);
  if (begin_ > 0 && (end_ == capacity_ || begin_ + wanted > capacity_)) {
    std::memmove(block_.get(), block_.get() + begin_, size());
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == capacity_) {
    // Full of one unfinished item. The next size doubles what has arrived, bounded by what the item needs.
    const auto doubled = std::max(capacity_ * 2, smallest_block_bytes);
    grow_to(std::max(capacity_ + 1, std::min(doubled, std::max(wanted, max_block_bytes_))));
  }
  return {block_.get() + end_, capacity_ - end_};
}

void receive_buffer::commit(std::size_t bytes) noexcept {
  assert(bytes <= capacity_ - end_);
  end_ += bytes;
  if (end_ == capacity_) {
    next_block_bytes_ = std::min(next_block_bytes_ * 4, std::max(max_block_bytes_, smallest_block_bytes));
  } else if (end_ < next_block_bytes_ / 8) {
    next_block_bytes_ = std::max(next_block_bytes_ / 2, smallest_block_bytes);
  }
}

void receive_buffer::consume(std::size_t bytes) noexcept {
  assert(bytes <= size());
  begin_ += bytes;
  if (capacity_ > max_block_bytes_) release_if_empty();  // one large item made it grow
}

void receive_buffer::release_if_empty() noexcept {
  if (size() != 0) return;
  block_.reset();
  capacity_ = begin_ = end_ = 0;
}

void receive_buffer::grow_to(std::size_t capacity) {
  auto block = std::make_unique_for_overwrite<std::byte[]>(capacity);
  if (size() > 0) std::memcpy(block.get(), block_.get() + begin_, size());
  end_ = size();
  begin_ = 0;
  block_ = std::move(block);
  capacity_ = capacity;
}

}  // namespace flowersec::ws
