// Credit arithmetic of one direction of one stream.
// Layer yamux, private. Source: PROTOCOL, "Flow control", "Wide windows". How wide a window may be is not decided here.
#pragma once

#include <cstddef>
#include <cstdint>

#include "flowersec/yamux/limits.h"

namespace flowersec::yamux {

/// What the peer lets us send.
class send_window {
 public:
  /// `most` is the widest window that the peer may make of it.
  explicit send_window(std::uint32_t most) noexcept : most_(most) {}

  [[nodiscard]] std::uint32_t available() const noexcept { return available_; }
  void use(std::uint32_t bytes) noexcept { available_ -= bytes; }

  /// False when the peer grants more than the widest window, which ends the session.
  [[nodiscard]] bool add(std::uint32_t credit) noexcept {
    if (credit > most_ - available_) return false;
    available_ += credit;
    return true;
  }

 private:
  std::uint32_t most_;
  std::uint32_t available_ = window_bytes;
};

/// What we let the peer send. Invariant: granted + unread <= size, so that a stream can never hold more.
class receive_window {
 public:
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  /// Credit that the peer has not used.
  [[nodiscard]] std::uint32_t granted() const noexcept { return granted_; }
  void use(std::uint32_t bytes) noexcept { granted_ -= bytes; }

  /// Credit that could be given back, with `unread` bytes still held. Half of the first window is worth a frame;
  /// granting less would cost a frame for every small read. No more for a wide window: its sender would stand still
  /// while half of it waits to be worth one.
  [[nodiscard]] bool worth_granting(std::size_t unread) const noexcept { return delta(unread) >= window_bytes / 2; }

  /// Gives it back; the result is the length of the Window Update.
  [[nodiscard]] std::uint32_t grant(std::size_t unread) noexcept {
    const auto credit = delta(unread);
    granted_ += credit;
    return credit;
  }

  /// The size that is next to `wanted` and keeps the promises made.
  [[nodiscard]] std::uint32_t nearest(std::uint32_t wanted, std::size_t unread) const noexcept {
    const auto promised = granted_ + static_cast<std::uint32_t>(unread);
    return wanted < promised ? promised : wanted;
  }
  /// To a size that nearest() gave.
  void resize(std::uint32_t size) noexcept { size_ = size; }

 private:
  [[nodiscard]] std::uint32_t delta(std::size_t unread) const noexcept {
    return size_ - granted_ - static_cast<std::uint32_t>(unread);
  }

  std::uint32_t size_ = window_bytes;
  std::uint32_t granted_ = window_bytes;
};

}  // namespace flowersec::yamux
