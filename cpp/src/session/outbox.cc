#include "flowersec/session/outbox.h"

#include <algorithm>

namespace flowersec::session {

mutable_byte_view outbox::add(std::size_t message_bytes) {
  const auto prefix_bytes = prefix_(message_bytes);
  reserve(size_ + prefix_bytes + message_bytes);
  messages_.push_back({.offset = size_, .prefix_bytes = prefix_bytes, .size = message_bytes});
  size_ += prefix_bytes + message_bytes;
  return payload(messages_.back());
}

void outbox::add_copy(byte_view bytes) { std::ranges::copy(bytes, add(bytes.size()).begin()); }

void outbox::take_back_last() noexcept {
  size_ = messages_.back().offset;
  messages_.pop_back();
}

void outbox::release() noexcept {
  if (capacity_ <= kept_bytes) return;
  memory_.reset();
  capacity_ = 0;
}

void outbox::reserve(std::size_t bytes) {
  if (bytes <= capacity_) return;
  const auto likely = bytes > small_batch_bytes ? full_batch_bytes : std::size_t{512};
  const auto capacity = std::max({bytes, 2 * capacity_, likely});
  // Not initialised: every byte is written before it is sent.
  std::unique_ptr<std::byte[]> memory{new std::byte[capacity]};
  std::copy_n(memory_.get(), size_, memory.get());
  memory_ = std::move(memory);
  capacity_ = capacity;
}

}  // namespace flowersec::session
