// Answers that a peer can cause without a stream of its own: ping replies and refusals of streams.
// Layer yamux, private. Both kinds are bounded. Between the two the order does not matter to anybody.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "flowersec/yamux/frame.h"
#include "flowersec/yamux/limits.h"

namespace flowersec::yamux {

class reply_queue {
 public:
  [[nodiscard]] bool empty() const noexcept { return ping_count_ == 0 && first_refused_ == refused_.size(); }

  /// Dropped when so many wait already: whoever pings faster than it reads the answers misses some.
  void push_ping_reply(std::uint32_t opaque) noexcept {
    if (ping_count_ == pings_.size()) return;
    pings_[(first_ping_ + ping_count_) % pings_.size()] = opaque;
    ++ping_count_;
  }

  /// False when it is full.
  [[nodiscard]] bool push_reset(stream_id id) {
    if (refused_.size() - first_refused_ == max_queued_refusals) return false;
    // So that a queue that never becomes empty does not grow either.
    if (first_refused_ >= max_queued_refusals) {
      refused_.erase(refused_.begin(), refused_.begin() + static_cast<std::ptrdiff_t>(first_refused_));
      first_refused_ = 0;
    }
    refused_.push_back(id);
    return true;
  }

  /// The next one; the queue is not empty.
  [[nodiscard]] encoded_header pop() noexcept {
    if (ping_count_ > 0) {
      const auto opaque = pings_[first_ping_];
      first_ping_ = (first_ping_ + 1) % pings_.size();
      --ping_count_;
      return encode_ping_reply(opaque);
    }
    const auto id = refused_[first_refused_++];
    if (first_refused_ == refused_.size()) {
      refused_.clear();
      first_refused_ = 0;
    }
    return encode_reset(id);
  }

 private:
  std::array<std::uint32_t, max_queued_ping_replies> pings_{};
  std::size_t first_ping_ = 0;
  std::size_t ping_count_ = 0;
  std::vector<stream_id> refused_;
  std::size_t first_refused_ = 0;
};

}  // namespace flowersec::yamux
