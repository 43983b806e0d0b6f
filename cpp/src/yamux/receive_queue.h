// Unread bytes of one stream.
// Layer yamux, private. Memory follows what arrived, in chunks of 512 bytes to 16 KiB; empty means no memory.
#pragma once

#include <memory>
#include <vector>

#include "flowersec/base/bytes.h"

namespace flowersec::yamux {

class receive_queue {
 public:
  void append(byte_view bytes);
  /// Moves up to into.size() bytes out of the front. Returns how many.
  std::size_t read(mutable_byte_view into) noexcept;
  void clear() noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  /// Bytes allocated. Exceeds size() by at most two chunks: the consumed front and the unfilled back.
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return memory_bytes_; }

 private:
  struct chunk {
    std::unique_ptr<std::byte[]> bytes;
    std::size_t capacity;
    std::size_t end;
  };

  [[nodiscard]] chunk& back_with_room(std::size_t wanted);
  void drop_front() noexcept;

  std::vector<chunk> chunks_;  // chunks_[first_] is the front; those before it are gone
  std::size_t first_ = 0;
  std::size_t front_begin_ = 0;  // first unread byte of the front chunk
  std::size_t size_ = 0;
  std::size_t memory_bytes_ = 0;
};

}  // namespace flowersec::yamux
