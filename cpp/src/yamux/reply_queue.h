// Answers that a peer can cause without a stream of its own: ping replies and refusals of streams.
// Layer yamux, private. A fixed ring: a flood fills it and ends the session, it never grows.
#pragma once

#include <array>
#include <cstdint>

#include "flowersec/yamux/frame.h"
#include "flowersec/yamux/limits.h"

namespace flowersec::yamux {

class reply_queue {
 public:
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

  /// False when it is full.
  [[nodiscard]] bool push_ping_reply(std::uint32_t opaque) noexcept { return push({kind::ping_reply, opaque}); }
  [[nodiscard]] bool push_reset(stream_id id) noexcept { return push({kind::reset, static_cast<std::uint32_t>(id)}); }

  /// The oldest; the queue is not empty.
  [[nodiscard]] encoded_header pop() noexcept {
    const auto [what, value] = ring_[first_];
    first_ = (first_ + 1) % ring_.size();
    --count_;
    return what == kind::ping_reply ? encode_ping_reply(value) : encode_reset(stream_id{value});
  }

 private:
  enum class kind : std::uint8_t { ping_reply, reset };
  struct entry {
    kind what;
    std::uint32_t value;
  };

  [[nodiscard]] bool push(entry reply) noexcept {
    if (count_ == ring_.size()) return false;
    ring_[(first_ + count_) % ring_.size()] = reply;
    ++count_;
    return true;
  }

  std::array<entry, max_queued_replies> ring_{};
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

}  // namespace flowersec::yamux
