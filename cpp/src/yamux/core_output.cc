// Frames out: what is sent next.
// Source: PROTOCOL, "Opening streams", "Closing and resetting streams", "Flow control".
#include <algorithm>

#include "core.h"

namespace flowersec::yamux {

// Answers come first and cost at most header_bytes each, so that they never wait for credit or for a writer.
std::optional<outgoing_frame> session::core::next_frame(std::size_t max_bytes) {
  if (ended_ || max_bytes < header_bytes) return std::nullopt;
  if (!replies_.empty()) return outgoing_frame{replies_.pop(), {}};
  if (probe_due_) {
    probe_due_ = false;
    return outgoing_frame{encode_ping(last_probe_), {}};
  }
  if (!control_.empty()) return outgoing_frame{next_control(control_.front()), {}};
  if (data_.empty()) return std::nullopt;

  auto& stream = data_.front();
  if (!stream.writes.empty() && max_bytes == header_bytes) return std::nullopt;
  return next_data(stream, max_bytes - header_bytes);
}

bool session::core::has_output() const noexcept {
  return !ended_ && (!replies_.empty() || probe_due_ || !control_.empty() || !data_.empty());
}

// One frame each for SYN, ACK, credit and RST. Only credit has a length: peers add the length of every Window Update to
// their send window and end the session when that exceeds the protocol's window.
encoded_header session::core::next_control(stream_state& stream) {
  encoded_header header;
  if (stream.rst_due) {
    stream.rst_due = false;
    header = encode_reset(stream.id);
  } else if (stream.syn_due) {
    stream.syn_due = false;
    header = encode_open(stream.id);
  } else if (stream.ack_due) {
    stream.ack_due = false;
    header = encode_acknowledge(stream.id);
  } else {
    stream.credit_due = false;
    header = encode_credit(stream.id, stream.receiving.credit.grant(stream.unread.size()));
  }
  settle(stream);
  return header;
}

outgoing_frame session::core::next_data(stream_state& stream, std::size_t max_body) {
  data_.pop_front();  // settle() puts it back, behind the others
  outgoing_frame frame;
  if (stream.writes.empty()) {
    stream.fin_sent = true;
    frame = {encode_close(stream.id), {}};
    finish_if_done(stream);
  } else {
    const auto bytes = std::min({stream.writes.front_bytes(), max_body, limits_.preferred_outbound_frame_bytes,
                                 std::size_t{stream.sending.available()}});
    frame = {encode_data(stream.id, static_cast<std::uint32_t>(bytes)), stream.writes.take(bytes)};
    queued_write_bytes_ -= bytes;
    stream.sending.use(static_cast<std::uint32_t>(bytes));
    stream.writes_done += stream.writes.retire();
  }
  settle(stream);
  return frame;
}

}  // namespace flowersec::yamux
