// The life of a chat: connections that come and go under one session, texts and replies that outlive them.
// Layer ownwire, part `client`, private. Told what happened and the time, it answers with intents; it opens nothing.
// Attempts, waits and giving up are reconnect_machine's. Source: PROTOCOL, "OwnWire, chat stream".
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "endpoint/reconnect_machine.h"
#include "flowersec/ownwire/client_errc.h"
#include "flowersec/ownwire/client_event.h"
#include "ownwire/pending_texts.h"

namespace flowersec::ownwire {

using endpoint::attempt_id;

/// From the open stream to the welcome.
inline constexpr std::chrono::milliseconds welcome_timeout{10'000};

namespace want {
/// Open a connection and the stream on it.
struct dial {
  attempt_id attempt;
};
/// Close whatever there is of it. What it still says changes nothing.
struct drop {
  attempt_id attempt;
};
struct send {
  attempt_id attempt;
  user_frame frame;
};
/// Close it behind its bye, when the gateway has ended it.
struct leave {
  attempt_id attempt;
};
/// Complete everybody who waits for the connection in this run.
struct answer {
  std::uint64_t run;
  error_code outcome;
};
/// Tell the application.
struct tell {
  client_event event;
};
}  // namespace want

using client_intent = std::variant<want::dial, want::drop, want::send, want::leave, want::answer, want::tell>;

struct machine_settings {
  std::optional<std::string> metadata{};
  std::optional<std::string> auth{};
  endpoint::reconnect_options reconnect{};
  std::size_t max_queue = 100;
};

class client_machine {
 public:
  /// `unit` draws numbers, uniform in 0..1, for the waits. `settings` are valid.
  client_machine(machine_settings settings, std::function<double()> unit);

  /// Begins unless it has begun; after the end it begins anew, with a session of its own.
  void connect();
  /// Takes a text that is not empty and is UTF-8. Errors   client_errc::closed, ::queue_full, ::content_too_large.
  [[nodiscard]] result<std::uint64_t> send(std::string content, mono_time now);
  /// The user types, or stopped to. Said only while there is a session.
  void typing(bool on);
  /// The user ends the session.
  void close();

  /// The stream of an attempt is there.
  void opened(attempt_id attempt, mono_time now);
  /// What the gateway says.
  void take(attempt_id attempt, const gateway_frame& frame, mono_time now);
  /// An attempt failed, or a connection is gone. `draining`: the other side announced it.
  void lost(attempt_id attempt, error_code why, bool draining, mono_time now);
  void advance(mono_time now);

  /// When advance() has something to do.
  [[nodiscard]] std::optional<mono_time> deadline() const;
  [[nodiscard]] std::optional<client_intent> poll_intent();
  [[nodiscard]] client_state state() const noexcept { return state_; }
  /// From a connect() that begins to the end; the first one is 1.
  [[nodiscard]] std::uint64_t run() const noexcept { return run_; }
  /// Texts that are neither delivered nor failed.
  [[nodiscard]] std::size_t pending() const noexcept { return texts_.size(); }

 private:
  struct connection {
    attempt_id attempt;
    std::optional<mono_time> welcome_by;  ///< absent: welcomed
  };
  struct session {
    std::string id;
    std::string token;
    std::uint64_t last_seq = 0;
  };

  void on(const welcome_frame& frame, mono_time now);
  void on(const reply_frame& frame);
  void on(const error_frame& frame, mono_time now);
  void settled(std::uint64_t wire_id, error_code failed);
  void pump(mono_time now);
  void end(error_code why);
  void settle();
  void say(user_frame frame);
  void tell(client_event event) { intents_.push_back(want::tell{std::move(event)}); }

  machine_settings settings_;
  endpoint::reconnect_machine attempts_;
  pending_texts texts_;
  std::deque<client_intent> intents_;
  client_state state_ = client_state::idle;
  std::optional<attempt_id> dialing_;  ///< the attempt that has no stream yet
  std::optional<connection> connection_;
  std::optional<session> session_;
  std::uint64_t run_ = 0;
  bool was_open_ = false;
  bool ended_ = false;
  std::size_t max_content_ = max_content_bytes;
};

}  // namespace flowersec::ownwire
