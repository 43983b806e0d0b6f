// One batch of transport messages, written where they will be sent from.
// Layer session. Every message has room in front of it for the header that its transport adds, so that records are
// sealed, framed and masked in place and a whole batch leaves in one send.
// Threads: one owner at a time: the session fills it, the transport sends it and gives it back.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "flowersec/base/bytes.h"

namespace flowersec::session {

/// Records are gathered into one send up to this size while the send before is under way.
inline constexpr std::size_t gather_bytes = 65536;

/// Bytes that a transport writes in front of a message of this size.
using prefix_rule = std::size_t (*)(std::size_t message_bytes) noexcept;

/// For transports that keep messages apart by themselves.
[[nodiscard]] constexpr std::size_t no_prefix(std::size_t) noexcept { return 0; }

class outbox {
 public:
  struct message {
    std::size_t offset;  ///< of the prefix within bytes()
    std::size_t prefix_bytes;
    std::size_t size;
  };

  explicit outbox(prefix_rule prefix) noexcept : prefix_(prefix) {}

  /// Room for one more message. Invalidates views given out before.
  [[nodiscard]] mutable_byte_view add(std::size_t message_bytes);
  void add_copy(byte_view bytes);
  /// Forgets the message added last.
  void take_back_last() noexcept;

  [[nodiscard]] bool empty() const noexcept { return messages_.empty(); }
  /// Prefixes included.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::span<const message> messages() const noexcept { return messages_; }
  [[nodiscard]] mutable_byte_view bytes() noexcept { return {memory_.get(), size_}; }
  [[nodiscard]] mutable_byte_view payload(const message& of) noexcept {
    return bytes().subspan(of.offset + of.prefix_bytes, of.size);
  }

  /// Empties the batch and keeps its memory for the next one.
  void clear() noexcept {
    messages_.clear();
    size_ = 0;
  }
  /// Gives memory of an empty batch back, but for what a small message needs: idle sessions hold none.
  void release() noexcept;

 private:
  static constexpr std::size_t kept_bytes = 2048;
  /// A batch that grows beyond this is likely to become a full one, and gets the room at once.
  static constexpr std::size_t small_batch_bytes = 8192;
  static constexpr std::size_t full_batch_bytes = gather_bytes + gather_bytes / 2;

  void reserve(std::size_t bytes);

  prefix_rule prefix_;
  std::unique_ptr<std::byte[]> memory_;
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
  std::vector<message> messages_;
};

}  // namespace flowersec::session
