// Recognises a message that looks like an encrypted record, from its first 18 bytes and its length.
// Layer tunnel. It looks at the shape only, as PROTOCOL, "Tunnel forwarding" tells: magic, version, and a length
// that fits. A channel that shows one is past its handshake and exempt from the end of the init window.
#pragma once

#include <array>

#include "flowersec/base/bytes.h"

namespace flowersec::tunnel {

inline constexpr std::size_t record_header_bytes = 18;

/// `head` is the beginning of a message of `message_bytes`, at least record_header_bytes of it.
[[nodiscard]] inline bool looks_like_record(byte_view head, std::size_t message_bytes,
                                            std::size_t max_record_bytes) noexcept {
  constexpr std::uint32_t magic = 0x46534543;  // "FSEC"
  if (head.size() < record_header_bytes) return false;
  if (load_be<std::uint32_t>(head.data()) != magic || head[4] != std::byte{1}) return false;
  const std::size_t ciphertext_bytes = load_be<std::uint32_t>(head.data() + 14);
  return ciphertext_bytes <= max_record_bytes && ciphertext_bytes + record_header_bytes == message_bytes;
}

/// Collects the head of a message that arrives in pieces.
class record_probe {
 public:
  void begin() noexcept { size_ = 0; }
  void feed(byte_view piece) noexcept {
    const auto taken = std::min(piece.size(), head_.size() - size_);
    if (taken != 0) std::memcpy(head_.data() + size_, piece.data(), taken);
    size_ = static_cast<std::uint8_t>(size_ + taken);
  }
  [[nodiscard]] bool matches(std::size_t message_bytes, std::size_t max_record_bytes) const noexcept {
    return looks_like_record(byte_view{head_}.first(size_), message_bytes, max_record_bytes);
  }

 private:
  std::array<std::byte, record_header_bytes> head_;
  std::uint8_t size_ = 0;
};

}  // namespace flowersec::tunnel
