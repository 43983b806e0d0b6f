// Writes of one stream that are not done, in the memory of whoever writes them.
// Layer yamux, private. Admission is the caller's business; this only keeps order and counts.
#pragma once

#include <vector>

#include "flowersec/base/bytes.h"

namespace flowersec::yamux {

class write_queue {
 public:
  [[nodiscard]] std::size_t size_bytes() const noexcept { return size_bytes_; }
  [[nodiscard]] bool empty() const noexcept { return size_bytes_ == 0; }

  void push(byte_view body) {
    writes_.push_back(body);
    size_bytes_ += body.size();
  }

  /// Bytes of the oldest write that were not taken yet.
  [[nodiscard]] std::size_t front_bytes() const noexcept { return writes_[first_].size(); }

  /// Takes from the oldest write, at most front_bytes().
  [[nodiscard]] byte_view take(std::size_t bytes) noexcept {
    auto& front = writes_[first_];
    const auto taken = front.first(bytes);
    front = front.subspan(bytes);
    size_bytes_ -= bytes;
    front_taken_ += bytes;
    return taken;
  }

  /// Removes the writes at the front that have nothing left; empty ones count. Returns how many.
  std::size_t retire() noexcept {
    std::size_t done = 0;
    while (first_ < writes_.size() && writes_[first_].empty()) {
      ++first_;
      ++done;
      front_taken_ = 0;
    }
    if (first_ == writes_.size()) {
      writes_.clear();  // keeps its capacity: no allocation per write in steady state
      first_ = 0;
    } else if (first_ > writes_.size() / 2) {
      writes_.erase(writes_.begin(), writes_.begin() + static_cast<std::ptrdiff_t>(first_));
      first_ = 0;
    }
    return done;
  }

  /// Forgets everything. Returns how much of the oldest write was taken.
  std::size_t clear() noexcept {
    const auto taken = front_taken_;
    writes_.clear();
    first_ = 0;
    size_bytes_ = 0;
    front_taken_ = 0;
    return taken;
  }

 private:
  std::vector<byte_view> writes_;
  std::size_t first_ = 0;
  std::size_t size_bytes_ = 0;
  std::size_t front_taken_ = 0;
};

}  // namespace flowersec::yamux
