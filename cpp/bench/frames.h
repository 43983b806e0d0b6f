// Traffic prepared before the clock starts: a block of masked WebSocket frames, sent over and over, and the bytes
// that must come out at the other end. Part of flowersec-bench. Source: RFC 6455 section 5.2.
#pragma once

#include "flowersec/base/bytes.h"

namespace flowersec::bench {

/// What a relay does to a client's frames on their way.
enum class delivery {
  as_sent,   ///< a byte relay: the masked frames themselves
  unmasked,  ///< a WebSocket relay: each message as one unmasked frame
};

class frame_block {
 public:
  /// At least `min_block_bytes` of messages of `message_bytes` each; every message has its own mask and content.
  explicit frame_block(std::size_t message_bytes, std::size_t min_block_bytes = 256 * 1024);

  [[nodiscard]] std::size_t message_bytes() const noexcept { return message_bytes_; }
  [[nodiscard]] byte_view sent() const noexcept { return masked_; }
  [[nodiscard]] byte_view delivered(delivery how) const noexcept {
    return how == delivery::as_sent ? masked_ : unmasked_;
  }
  /// Bytes of one frame in the two forms.
  [[nodiscard]] std::size_t sent_frame_bytes() const noexcept { return masked_.size() / messages_; }
  [[nodiscard]] std::size_t delivered_frame_bytes(delivery how) const noexcept {
    return delivered(how).size() / messages_;
  }

 private:
  void append_message(std::size_t index);

  std::size_t message_bytes_;
  std::size_t messages_;
  byte_buffer masked_;
  byte_buffer unmasked_;
};

enum class frame_kind : unsigned char { text = 0x1, binary = 0x2 };

/// One masked, unfragmented frame, for what is said once.
[[nodiscard]] byte_buffer client_frame(frame_kind kind, byte_view payload);

}  // namespace flowersec::bench
