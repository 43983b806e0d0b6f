// Credit arithmetic of one direction of one stream.
// Layer yamux, private. Source: PROTOCOL, "Flow control". The window is an argument of neither class today: both ends
// use window_bytes, and an agreement on wider ones would change this file only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "flowersec/yamux/limits.h"

namespace flowersec::yamux {

/// What the peer lets us send.
class send_window {
 public:
  [[nodiscard]] std::uint32_t available() const noexcept { return available_; }
  void use(std::uint32_t bytes) noexcept { available_ -= bytes; }

  /// False when the peer grants more than the window, which ends the session.
  [[nodiscard]] bool add(std::uint32_t credit) noexcept {
    if (credit > window_bytes - available_) return false;
    available_ += credit;
    return true;
  }

 private:
  std::uint32_t available_ = window_bytes;
};

/// What we let the peer send. Invariant: granted + unread <= window_bytes, so that a stream can never hold more.
class receive_window {
 public:
  /// Credit that the peer has not used.
  [[nodiscard]] std::uint32_t granted() const noexcept { return granted_; }
  void use(std::uint32_t bytes) noexcept { granted_ -= bytes; }

  /// Credit that could be given back, with `unread` bytes still held. Half a window is worth a frame; granting less
  /// would cost a frame for every small read.
  [[nodiscard]] bool worth_granting(std::size_t unread) const noexcept { return delta(unread) >= window_bytes / 2; }

  /// Gives it back; the result is the length of the Window Update.
  [[nodiscard]] std::uint32_t grant(std::size_t unread) noexcept {
    const auto credit = delta(unread);
    granted_ += credit;
    return credit;
  }

 private:
  [[nodiscard]] std::uint32_t delta(std::size_t unread) const noexcept {
    return window_bytes - granted_ - static_cast<std::uint32_t>(unread);
  }

  std::uint32_t granted_ = window_bytes;
};

}  // namespace flowersec::yamux
