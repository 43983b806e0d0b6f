// A session with a scripted peer: the script says what the peer sends and what the session must answer and report.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "flowersec/yamux/session.h"
#include "support/yamux_frames.h"

namespace flowersec::yamux {

namespace wire = testing::yamux_wire;
using wire::frame;

/// One line per event, for comparing and for reading failures: "opened 1", "read 3 10", "failed 1 reset_by_peer".
[[nodiscard]] std::string text_of(const event& what);

[[nodiscard]] byte_buffer pattern(std::size_t bytes, std::size_t from = 0);

/// Appends what the session wants to send.
void drain_output(session& from, byte_buffer& into, std::size_t max_frame = 1U << 20U);
[[nodiscard]] std::vector<std::string> drain_events(session& from);

class fixture {
 public:
  explicit fixture(const session_options& options) : session_(*session::create(options)) {}
  explicit fixture(role is, const yamux_limits& limits = {}) : fixture(session_options{.is = is, .limits = limits}) {}

  [[nodiscard]] session& machine() { return session_; }

  /// The peer sends frames, in one piece and in an allocation of exact size.
  template <class... Frames>
  fixture& peer(const Frames&... frames) {
    byte_buffer bytes;
    (append(bytes, wire::bytes_of(frames)), ...);
    return peer_bytes(bytes);
  }
  fixture& peer_bytes(byte_view bytes) {
    session_.receive(byte_buffer(bytes.begin(), bytes.end()));
    return *this;
  }

  template <class... Frames>
  fixture& expect_sent(const Frames&... frames) {
    return expect_frames({frames...});
  }
  fixture& expect_sent_nothing() { return expect_frames({}); }
  fixture& expect_frames(const std::vector<frame>& expected);
  fixture& expect_events(const std::vector<std::string>& expected);
  fixture& expect_no_events() { return expect_events({}); }
  fixture& expect_ended(yamux_errc why);
  fixture& expect_alive();

  /// Opens a stream here and forgets the frames and events that it made.
  stream_id opened();
  /// Lets the peer open a stream and forgets the frames and events that it made.
  stream_id accepted(std::uint32_t id);
  void forget();

  /// Reads what is there now.
  [[nodiscard]] result<byte_buffer> read(stream_id id, std::size_t max_bytes);

 private:
  session session_;
};

}  // namespace flowersec::yamux
