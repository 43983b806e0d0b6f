#include "rendezvous/registry_connection.h"

#include <utility>

namespace flowersec::rendezvous {

void registry_connection::send(const client_frame& frame) {
  if (over_ || !is_open_) return;
  auto text = encode(frame);
  if (queued_bytes_ + text.size() > max_registry_outbox_bytes) return lose(rendezvous_errc::connection_lost);
  queued_bytes_ += text.size();
  queue_.push_back(std::move(text));
  if (!is_writing_) write_next();
}

void registry_connection::write_next() {
  is_writing_ = true;
  writing_ = std::move(queue_.front());
  queue_.pop_front();
  queued_bytes_ -= writing_.size();
  write(as_bytes(writing_));
}

void registry_connection::on_written(error_code failed) {
  is_writing_ = false;
  if (failed) queue_.clear();
  if (!queue_.empty()) return write_next();
  if (gone_) return close(std::exchange(gone_, nullptr));
  if (failed && !over_) lose_carrier(rendezvous_errc::connection_lost);
}

void registry_connection::on_opened() {
  is_open_ = true;
  if (listener_.opened) listener_.opened();
}

bool registry_connection::on_text(std::string_view text) {
  auto frame = text.size() <= max_registry_frame_bytes ? decode_server_frame(text) : std::nullopt;
  if (!frame) {
    lose(rendezvous_errc::bad_registry_frame);
    return false;
  }
  if (listener_.frame) listener_.frame(std::move(*frame));
  return !over_;
}

void registry_connection::drop() {
  if (over_ && !gone_) return;
  over_ = true;
  listener_ = {};
  queue_.clear();
  end();
  if (const auto gone = std::exchange(gone_, nullptr)) gone();
}

void registry_connection::leave(std::function<void()> gone) {
  if (over_ || !is_open_) {
    drop();
    return gone();
  }
  over_ = true;
  listener_ = {};
  gone_ = std::move(gone);
  if (!is_writing_) close(std::exchange(gone_, nullptr));
}

void registry_connection::lose(error_code why, bool draining) {
  if (over_) return;
  const auto keep = shared_from_this();
  const auto lost = std::move(listener_.lost);
  drop();
  if (lost) lost(why, draining);
}

}  // namespace flowersec::rendezvous
