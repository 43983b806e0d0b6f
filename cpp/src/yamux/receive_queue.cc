#include "receive_queue.h"

#include <bit>

namespace flowersec::yamux {
namespace {

// Small enough that a stream with a few unread bytes is cheap, and that one-byte frames cannot cost a chunk each.
constexpr std::size_t min_chunk_bytes = 512;
constexpr std::size_t max_chunk_bytes = 16384;
// Bookkeeping kept by an empty queue; a burst of tiny frames must not leave its bookkeeping behind.
constexpr std::size_t max_idle_chunk_slots = 16;

}  // namespace

void receive_queue::append(byte_view bytes) {
  while (!bytes.empty()) {
    auto& back = back_with_room(bytes.size());
    const auto part = bytes.first(std::min(bytes.size(), back.capacity - back.end));
    std::memcpy(back.bytes.get() + back.end, part.data(), part.size());
    back.end += part.size();
    size_ += part.size();
    bytes = bytes.subspan(part.size());
  }
}

receive_queue::chunk& receive_queue::back_with_room(std::size_t wanted) {
  if (first_ < chunks_.size() && chunks_.back().end < chunks_.back().capacity) return chunks_.back();
  // Grows with the backlog, so that many small frames end up in few chunks.
  const auto capacity = std::clamp(std::bit_ceil(std::max(wanted, size_)), min_chunk_bytes, max_chunk_bytes);
  chunks_.push_back({std::make_unique_for_overwrite<std::byte[]>(capacity), capacity, 0});
  memory_bytes_ += capacity;
  return chunks_.back();
}

std::size_t receive_queue::read(mutable_byte_view into) noexcept {
  const auto total = std::min(into.size(), size_);
  for (auto left = total; left > 0;) {
    const auto& front = chunks_[first_];
    const auto part = std::min(left, front.end - front_begin_);
    std::memcpy(into.data() + (total - left), front.bytes.get() + front_begin_, part);
    front_begin_ += part;
    left -= part;
    size_ -= part;
    if (front_begin_ == front.end) drop_front();
  }
  return total;
}

void receive_queue::drop_front() noexcept {
  if (size_ == 0) return clear();
  memory_bytes_ -= chunks_[first_].capacity;
  chunks_[first_].bytes.reset();
  ++first_;
  front_begin_ = 0;
  // A queue that is never empty must not keep the slots of all chunks it ever had.
  if (first_ > max_idle_chunk_slots && first_ > chunks_.size() / 2) {
    chunks_.erase(chunks_.begin(), chunks_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

void receive_queue::clear() noexcept {
  chunks_.clear();
  if (chunks_.capacity() > max_idle_chunk_slots) chunks_.shrink_to_fit();
  first_ = 0;
  front_begin_ = 0;
  size_ = 0;
  memory_bytes_ = 0;
}

}  // namespace flowersec::yamux
