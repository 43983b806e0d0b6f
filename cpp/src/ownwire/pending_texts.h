// Texts between send() and their end: numbered, sent, sent again, acknowledged or failed. In order, each at most once
// per session. Layer ownwire, part `client`, private. No I/O; told the time.
// Source: PROTOCOL, "OwnWire, chat stream".
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "flowersec/base/clock.h"

namespace flowersec::ownwire {

/// A text that the gateway says nothing about for so long went into a dead connection.
inline constexpr std::chrono::milliseconds ack_timeout{10'000};
/// The gateway takes 20 texts at once, then 2 a second; what comes faster is refused for good. So that a queue that has
/// grown while there was no connection arrives, it leaves a little slower than that. Half of the burst is left to the
/// way: what is delayed there and then arrives together may be 5 s apart here.
inline constexpr int pace_burst = 10;
inline constexpr std::chrono::milliseconds pace{525};

struct pending_text {
  std::uint64_t id = 0;  ///< the application's number, which stays
  std::string content;
  std::optional<std::uint64_t> wire_id{};  ///< the session's number; absent: not sent in it
  std::optional<mono_time> sent_at{};      ///< on this connection
  bool taken = false;  ///< the gateway said that it has it; it may wait there for somebody who takes it
};

class pending_texts {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }
  std::uint64_t add(std::string content);
  /// Takes one out; nullopt when there is none of this number.
  [[nodiscard]] std::optional<pending_text> settle(std::uint64_t wire_id);
  /// Takes all out.
  [[nodiscard]] std::deque<pending_text> drain() { return std::exchange(all_, {}); }

  /// On a connection that goes on with the session: the gateway has seen ids up to `last_id`.
  void resume(std::uint64_t last_id);
  /// In a session that knows nothing: everything is numbered anew.
  void start_anew(mono_time now);
  /// The connection is gone.
  void disconnect();

  /// Those to be sent now, numbered and counted as sent. Valid until the next call.
  [[nodiscard]] std::vector<const pending_text*> take_due(mono_time now);

  /// When a text has been out for too long.
  [[nodiscard]] std::optional<mono_time> ack_deadline() const noexcept;
  /// When the next text may go.
  [[nodiscard]] std::optional<mono_time> pace_deadline() const noexcept;

 private:
  [[nodiscard]] bool take_token(mono_time now);

  std::deque<pending_text> all_;
  std::uint64_t last_id_ = 0;
  std::uint64_t last_wire_id_ = 0;
  // The gateway's bucket, as far as it can be known here.
  int tokens_ = pace_burst;
  mono_time filled_at_{};
};

}  // namespace flowersec::ownwire
