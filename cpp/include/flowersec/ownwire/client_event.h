// What a chat client tells its application.
// Layer ownwire, part `client`. Values only. Source: PROTOCOL, "OwnWire, chat stream".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "flowersec/base/error.h"

namespace flowersec::ownwire {

enum class client_state : std::uint8_t {
  idle,          ///< before the first connect
  connecting,    ///< there was no session yet
  open,          ///< the session is ready
  reconnecting,  ///< the connection is gone and the session is got back
  closed,        ///< the end, until connect is called again
};

[[nodiscard]] std::string_view to_string(client_state state) noexcept;

struct state_changed {
  client_state state = client_state::idle;
};
/// The session is ready. Not resumed: a new one, which nobody on the other side connects with an earlier one.
struct session_opened {
  std::string session_id;
  bool resumed = false;
};
struct reply_received {
  std::uint64_t seq = 0;  ///< rising; a gap stands for replies that the gateway could not keep
  std::string content;
  std::optional<std::string> metadata;
  std::string session_id;
};
/// One text has left. Sent again on another connection, it is told again.
struct text_sent {
  std::uint64_t id = 0;
};
/// An internal client has been handed it.
struct text_delivered {
  std::uint64_t id = 0;
};
/// Nobody will get it from here any more.
struct text_failed {
  std::uint64_t id = 0;
  error_code why;
};
struct typing_changed {
  bool on = false;
};
/// Something went wrong and the chat goes on.
struct problem_met {
  error_code why;
};
/// The end. Success: it was closed here.
struct chat_closed {
  error_code why;
};

using client_event = std::variant<state_changed, session_opened, reply_received, text_sent, text_delivered, text_failed,
                                  typing_changed, problem_met, chat_closed>;

}  // namespace flowersec::ownwire
