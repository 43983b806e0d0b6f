// Frames in: what each received frame does to the session.
// Source: PROTOCOL, "Unexpected yamux frames", "Yamux limits".
#include <utility>
#include <variant>

#include "core.h"

namespace flowersec::yamux {

void session::core::receive(byte_view bytes) {
  while (!bytes.empty() && !ended_) {
    if (body_left_ > 0) {
      const auto slice = bytes.first(std::min(bytes.size(), body_left_));
      bytes = bytes.subspan(slice.size());
      body_left_ -= slice.size();
      on_body(slice);
      continue;
    }
    if (partial_header_used_ == 0 && bytes.size() >= header_bytes) {  // the usual case: no copy
      const auto header = bytes.first<header_bytes>();
      bytes = bytes.subspan(header_bytes);
      on_header(header);
      continue;
    }
    const auto part = bytes.first(std::min(bytes.size(), header_bytes - partial_header_used_));
    std::ranges::copy(part, partial_header_.begin() + static_cast<std::ptrdiff_t>(partial_header_used_));
    bytes = bytes.subspan(part.size());
    partial_header_used_ += part.size();
    if (partial_header_used_ == header_bytes) {
      partial_header_used_ = 0;
      on_header(partial_header_);
    }
  }
}

void session::core::end_of_input() {
  const bool between_frames = partial_header_used_ == 0 && body_left_ == 0;
  end(between_frames ? yamux_errc::transport_closed : yamux_errc::truncated_frame);
}

void session::core::end(yamux_errc why) {
  if (ended_) return;
  ended_ = why;
  for (auto at = streams_.begin(); at != streams_.end();) {
    auto& stream = *at->second;
    ++at;  // settle() may remove the stream
    stream.rst_due = false;
    if (stream.is_open()) fail(stream, why, false);
    settle(stream);
  }
  for (auto left = departed_.size(); left > 0; --left) {
    auto& stream = *departed_[left - 1];
    stream.rst_due = false;
    settle(stream);
  }
}

void session::core::on_header(std::span<const std::byte, header_bytes> bytes) {
  const auto header = decode_header(bytes);
  if (!header) return end(header.error());
  std::visit([this](const auto& frame) { on_frame(frame); }, *header);
}

void session::core::on_frame(const data_frame& frame) {
  if (frame.length > limits_.max_frame_bytes) return end(yamux_errc::frame_too_large);
  auto* stream = stream_of(frame.id, frame.flags);
  if (ended_) return;

  if (stream != nullptr && frame.length > 0) {
    const bool after_fin = stream->fin_received;
    if (after_fin || frame.length > stream->receiving.credit.granted()) {
      fail(*stream, after_fin ? yamux_errc::data_after_fin : yamux_errc::window_exceeded, true);
      settle(*stream);
      stream = nullptr;
    }
  }
  body_target_ = stream;
  body_left_ = frame.length;
  body_ends_stream_ = frame.flags.fin;
  if (body_left_ == 0) on_body_end();
}

void session::core::on_frame(const window_update_frame& frame) {
  auto* stream = stream_of(frame.id, frame.flags);
  if (stream == nullptr) return;
  if (!stream->sending.add(frame.credit)) return end(yamux_errc::credit_overflow);
  if (frame.flags.fin) on_fin(*stream);
  settle(*stream);
}

void session::core::on_frame(const ping_frame& frame) {
  if (frame.is == ping_frame::direction::request) {
    return replies_.push_ping_reply(frame.opaque);
  }
  if (!probe_outstanding_ || probe_due_ || frame.opaque != last_probe_) return;  // an answer to nothing is ignored
  probe_outstanding_ = false;
  if (probe_wanted_) probe_answered_ = last_probe_;
  windows_.on_round_trip(now_ - probe_asked_);
}

void session::core::on_frame(const go_away_frame&) { end(yamux_errc::go_away); }

// The open stream a frame is for, after its SYN and RST were obeyed. nullptr: nothing of the frame is of use, its body
// is discarded. Silence, not RST, answers frames for streams that are gone: two peers that reset each other for every
// stray frame would never stop.
stream_state* session::core::stream_of(stream_id id, stream_flags flags) {
  auto* stream = find(id);
  if (flags.rst) {
    if (stream != nullptr && stream->is_open()) {
      fail(*stream, yamux_errc::reset_by_peer, false);
      settle(*stream);
    }
    return nullptr;
  }
  if (flags.syn) {
    if (stream != nullptr && stream->is_open()) return end(yamux_errc::stream_already_open), nullptr;
    return accept(id);
  }
  return stream != nullptr && stream->is_open() ? stream : nullptr;
}

stream_state* session::core::accept(stream_id id) {
  if (!opened_by_peer(id)) return refuse(id, refusal::wrong_parity);
  if (inbound_ >= limits_.max_inbound_streams) return refuse(id, refusal::inbound_streams);
  if (active_ >= limits_.max_active_streams) return refuse(id, refusal::active_streams);
  give_up_id(id);
  auto& stream = add(id, true);
  stream.ack_due = true;
  stream.opened_due = true;
  settle(stream);
  return &stream;
}

// The session lives: a peer that miscounts loses only what it opened.
stream_state* session::core::refuse(stream_id id, refusal why) {
  ++refused_[static_cast<std::size_t>(why)];
  if (!replies_.push_reset(id)) end(yamux_errc::reply_queue_overflow);
  return nullptr;
}

bool session::core::opened_by_peer(stream_id id) const noexcept {
  const bool odd = static_cast<std::uint32_t>(id) % 2 == 1;
  return odd == (role_ == role::server);
}

void session::core::on_body(byte_view slice) {
  if (body_target_ != nullptr) deliver(*body_target_, slice);
  if (body_left_ == 0 && !ended_) on_body_end();
}

void session::core::on_body_end() {
  auto* stream = std::exchange(body_target_, nullptr);
  if (stream == nullptr || !stream->is_open()) return;
  if (body_ends_stream_) on_fin(*stream);
  settle(*stream);
}

void session::core::deliver(stream_state& stream, byte_view slice) {
  if (!stream.is_open()) return;
  stream.receiving.credit.use(static_cast<std::uint32_t>(slice.size()));
  std::size_t taken = 0;

  if (!stream.reader.empty()) {
    const auto direct = slice.first(std::min(slice.size(), stream.reader.size() - stream.reader_filled));
    std::memcpy(stream.reader.data() + stream.reader_filled, direct.data(), direct.size());
    stream.reader_filled += direct.size();
    stream.read_done_due = true;
    taken = direct.size();
    slice = slice.subspan(taken);
  }
  if (!slice.empty()) {
    if (slice.size() > max_unread_bytes_ - unread_bytes_) return end(yamux_errc::session_memory_exceeded);
    stream.readable_due = stream.reader.empty();
    stream.unread.append(slice);
    unread_bytes_ += slice.size();
  }
  if (taken > 0) on_consumed(stream, taken);
  settle(stream);
}

void session::core::on_fin(stream_state& stream) {
  if (stream.fin_received) return;
  stream.fin_received = true;
  stream.peer_closed_due = true;
  stream.credit_due = false;  // nobody is left to use it
  windows_.give_back(stream.receiving, stream.unread.size());
  if (!stream.reader.empty()) stream.read_done_due = true;
  finish_if_done(stream);
}

}  // namespace flowersec::yamux
