// The messages between us and one contact, over channels that come and go: numbered, acknowledged, sent again, never
// delivered twice. Layer rendezvous, part `client`, private. No I/O; told frames and the time, it answers with intents.
// Source: SECURE_WEBSOCKET, "On the channel".
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <variant>

#include "flowersec/base/clock.h"
#include "flowersec/rendezvous/error.h"
#include "flowersec/rendezvous/limits.h"
#include "rendezvous/channel_frames.h"

namespace flowersec::rendezvous {

/// From the open channel to the hello of the other side.
inline constexpr std::chrono::milliseconds channel_hello_timeout{10'000};
/// A message that they say nothing about for so long, once it has left, went into a dead channel.
inline constexpr std::chrono::milliseconds channel_ack_timeout{30'000};

namespace talk {
struct write {
  channel_frame frame;
};
/// Hand it to the application, then call handed_over() or refused().
struct deliver {
  channel_message message;
};
/// One of our messages: handed to their application, or not tried any more.
struct settle {
  std::uint64_t id;
  error_code outcome;
};
/// Close the channel when what was written has left. Ours: for want of use. Theirs: they said bye.
struct leave {
  bool asked_by_them;
};
/// Drop the channel.
struct drop {
  error_code why;
  bool silent = false;  ///< they did not say what they had to
};
}  // namespace talk

using talk_intent = std::variant<talk::write, talk::deliver, talk::settle, talk::leave, talk::drop>;

struct conversation_settings {
  std::size_t max_queue = client_limits{}.max_queue;
  std::size_t max_queue_bytes = client_limits{}.max_queue_bytes;
  std::chrono::milliseconds channel_idle = client_limits{}.channel_idle;
};

class conversation {
 public:
  conversation(conversation_id own, conversation_settings settings) : own_(own), settings_(settings) {}

  /// Takes one JSON value. Errors   message_not_json, message_too_large, queue_full: nothing was taken.
  [[nodiscard]] result<std::uint64_t> send(std::string json, std::optional<std::int64_t> sent_at_ms, mono_time now);
  /// What waits is given up.
  void fail_all(error_code why);

  /// A channel is there, in the place of any before it.
  void opened(mono_time now);
  void take(const channel_frame& frame, mono_time now);
  /// More of this message has left. Its acknowledgement has its time from now on, and so have those of what is behind
  /// it.
  void moved(std::uint64_t id, mono_time now);
  /// The application has it.
  void handed_over(std::uint64_t id, mono_time now);
  /// The application did not take it: it stays unacknowledged, and the channel ends.
  void refused(error_code why);
  void lost();
  /// Says bye, when there is a channel.
  void leave();
  /// The application uses the channel for more than messages: it is not closed for want of them.
  void keep_open() noexcept { kept_open_ = true; }
  void advance(mono_time now);

  [[nodiscard]] std::optional<mono_time> deadline() const;
  [[nodiscard]] std::optional<talk_intent> poll_intent();
  /// Messages that are neither acknowledged nor failed.
  [[nodiscard]] std::size_t pending() const noexcept { return queue_.size(); }

 private:
  struct queued {
    channel_message message;
    mono_time sent_at{};  ///< on this channel, or when more of it left
  };
  struct channel {
    bool greeted = false;  ///< they said hello
    mono_time opened_at{};
    mono_time used_at{};
  };

  void on(const channel_hello& frame);
  void on(const channel_message& frame);
  void on(const channel_ack& frame);
  void end(talk_intent last);
  void write(queued& each, mono_time now);
  void write(channel_frame frame) { intents_.push_back(talk::write{std::move(frame)}); }

  conversation_id own_;
  conversation_settings settings_;
  std::deque<queued> queue_;
  std::size_t queued_bytes_ = 0;
  std::uint64_t last_sent_ = 0;
  std::optional<conversation_id> theirs_;
  std::uint64_t last_taken_ = 0;  ///< of theirs: handed over
  std::uint64_t last_given_ = 0;  ///< of theirs: in a `deliver` of this channel, or handed over
  std::optional<channel> channel_;
  bool kept_open_ = false;
  std::deque<talk_intent> intents_;
};

}  // namespace flowersec::rendezvous
