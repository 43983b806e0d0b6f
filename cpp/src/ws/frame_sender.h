// What goes out next: the caller's frames, and control frames between them.
// Layer ws, private, no I/O: the runner writes pending() and reports sent(). Bounded: at most one pong (the latest
// ping's), one ping and one close wait, whatever the peer does. Source: RFC 6455 sections 5.5.1 to 5.5.3.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "flowersec/base/bytes.h"

namespace flowersec::ws {

class frame_sender {
 public:
  /// Takes over whole frames of the caller, whose bytes live until idle() of user frames.
  void start(std::span<const byte_view> frames) { frames_.assign(frames.begin(), frames.end()); }
  /// Forgets the caller's frames, also one that is out by half: only for a connection that is over.
  void drop_frames() noexcept;

  /// Whole frames. A pong replaces one that waits.
  void queue_pong(byte_buffer frame) noexcept { waiting_[pong_slot] = std::move(frame); }
  void queue_ping(byte_buffer frame) noexcept { waiting_[ping_slot] = std::move(frame); }
  /// The last frame ever: goes out behind the caller's frames; what is queued later is not sent.
  void queue_close(byte_buffer frame) noexcept {
    if (!close_queued_) waiting_[close_slot] = std::move(frame);
    close_queued_ = true;
  }

  [[nodiscard]] bool close_queued() const noexcept { return close_queued_; }
  [[nodiscard]] bool frames_done() const noexcept { return next_ == frames_.size(); }
  /// Whether nothing is left to write.
  [[nodiscard]] bool idle() const noexcept;

  /// The bytes to write now, in order; empty when idle. The same until sent() is called: TLS wants a write that could
  /// not go on to be repeated with the bytes it was begun with.
  [[nodiscard]] std::span<const byte_view> pending();
  /// `bytes` of pending() went out.
  void sent(std::size_t bytes) noexcept;

 private:
  enum slot : std::size_t { pong_slot, ping_slot, close_slot, slots };

  [[nodiscard]] bool at_boundary() const noexcept { return frame_sent_ == 0; }
  [[nodiscard]] std::optional<slot> next_control() const noexcept;

  std::vector<byte_view> frames_;
  std::size_t next_ = 0;        ///< first frame not wholly sent
  std::size_t frame_sent_ = 0;  ///< bytes of it that are
  std::array<byte_buffer, slots> waiting_;
  byte_buffer control_;  ///< the control frame that has begun
  std::size_t control_sent_ = 0;
  bool close_queued_ = false;
  bool close_begun_ = false;
  std::vector<byte_view> list_;
};

}  // namespace flowersec::ws
