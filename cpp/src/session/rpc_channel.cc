#include "rpc_channel.h"

#include <array>
#include <utility>

namespace flowersec::session {

void rpc_channel::on_readable() {
  const auto keep = shared_from_this();
  std::array<std::byte, read_block_bytes> block;
  while (reading_ && !gone_ && !input_ended_ && wants_input()) {
    const auto now = owner().now();
    const auto got = owner().core().read(id_, block, now);
    if (!got) {
      input_ended_ = true;
      on_end_of_input(now);
    } else if (!*got) {
      // Nothing there: take the block back, the next arrival is announced.
      static_cast<void>(owner().core().cancel_read(id_));
      return;
    } else {
      consume(byte_view{block}.first(**got), now);
    }
  }
}

void rpc_channel::on_written(std::size_t count) {
  const auto keep = shared_from_this();
  for (; count > 0 && !writing_.empty(); --count) {
    writing_bytes_ -= writing_.front().size();
    writing_.pop_front();
  }
  write_ready_output();
}

void rpc_channel::write_ready_output() {
  while (!gone_ && !closed_ && writing_bytes_ < max_writing_bytes) {
    auto frame = held_ ? std::exchange(held_, std::nullopt) : take_output();
    if (!frame) return;
    if (!writing_.empty() && frame->size() > owner().core().outbound_room(id_)) {
      held_ = std::move(frame);  // until on_written()
      return;
    }
    writing_bytes_ += frame->size();
    writing_.push_back(std::move(*frame));
    if (!owner().core().write_rpc(id_, writing_.back(), owner().now())) return end_stream();
  }
}

void rpc_channel::end_stream() {
  if (!gone_) owner().core().reset(id_, owner().now());
}

void rpc_channel::close_stream() {
  if (gone_ || std::exchange(closed_, true)) return;
  held_.reset();
  if (!owner().core().close_write(id_, owner().now())) end_stream();
}

void rpc_channel::on_gone() {
  if (gone_) return;
  const auto keep = shared_from_this();
  gone_ = true;
  writing_.clear();
  on_stream_gone(link_->now());
  link_ = nullptr;
}

}  // namespace flowersec::session
