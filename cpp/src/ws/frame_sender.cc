#include "ws/frame_sender.h"

#include <utility>

namespace flowersec::ws {

void frame_sender::drop_frames() noexcept {
  frames_.clear();
  list_.clear();
  next_ = frame_sent_ = 0;
}

std::optional<frame_sender::slot> frame_sender::next_control() const noexcept {
  if (close_begun_) return std::nullopt;
  for (const auto candidate : {pong_slot, ping_slot}) {
    if (!waiting_[candidate].empty()) return candidate;
  }
  if (!waiting_[close_slot].empty() && frames_done()) return close_slot;
  return std::nullopt;
}

bool frame_sender::idle() const noexcept { return control_.empty() && frames_done() && !next_control(); }

std::span<const byte_view> frame_sender::pending() {
  if (!list_.empty()) return list_;
  if (control_.empty() && at_boundary()) {
    if (const auto chosen = next_control()) {
      control_ = std::exchange(waiting_[*chosen], {});
      close_begun_ = *chosen == close_slot;
    }
  }
  if (!control_.empty()) list_.push_back(byte_view{control_}.subspan(control_sent_));
  // A control frame that waits goes out behind the frame that has begun, before those that have not.
  const auto last = !at_boundary() && next_control() ? next_ + 1 : frames_.size();
  for (auto i = next_; i < last; ++i) {
    list_.push_back(i == next_ ? frames_[i].subspan(frame_sent_) : frames_[i]);
  }
  return list_;
}

void frame_sender::sent(std::size_t bytes) noexcept {
  list_.clear();
  if (!control_.empty()) {
    const auto taken = std::min(bytes, control_.size() - control_sent_);
    control_sent_ += taken;
    bytes -= taken;
    if (control_sent_ == control_.size()) {
      control_.clear();
      control_sent_ = 0;
    }
  }
  while (next_ < frames_.size()) {
    const auto taken = std::min(bytes, frames_[next_].size() - frame_sent_);
    frame_sent_ += taken;
    bytes -= taken;
    if (frame_sent_ < frames_[next_].size()) break;
    ++next_;
    frame_sent_ = 0;
  }
  if (frames_done()) drop_frames();
}

}  // namespace flowersec::ws
