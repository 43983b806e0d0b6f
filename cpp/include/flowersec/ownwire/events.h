// What a gateway tells about itself: events for logs, counts for metrics. Never contents, metadata or tokens.
// Layer ownwire. Source: PROTOCOL, "OwnWire"; OBSERVABILITY.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace flowersec::ownwire {

enum class gateway_event_kind : std::uint8_t {
  // Public port.
  origin_refused,   ///< warning; detail: the Origin, or "none"
  visitor_refused,  ///< warning; over a limit of its address or of all sessions
  open_failed,      ///< info; detail: the stage that ended the connection, or the token it was closed with
  session_started,  ///< info
  session_resumed,  ///< info
  session_taken,    ///< info; an older connection of the session was displaced
  session_lost,     ///< info; the connection is gone, the session is kept
  session_ended,    ///< info; detail: why
  frame_refused,    ///< info; detail: the code the user was told
  text_taken,       ///< debug; bytes: of the content
  reply_sent,       ///< debug; bytes: of the content
  replies_dropped,  ///< warning; too many for a user who was away
  user_too_slow,    ///< info; the connection was cut, the session is kept
  // Internal port.
  client_connected,  ///< info; detail: compatible, extended or e2ee
  client_refused,    ///< warning; detail: origin, token, busy or handshake
  client_ended,      ///< info; detail: how
  client_stalled,    ///< warning; took nothing for too long and was dropped
  reply_ignored,     ///< warning; detail: invalid_frame, session_unknown, content_too_large
  texts_dropped,     ///< warning; no client took them in time
};

enum class event_level : std::uint8_t { debug, info, warning };

struct gateway_event {
  gateway_event_kind kind{};
  std::string session_id{};   ///< empty where none is known
  std::string remote_addr{};  ///< as above
  std::string detail{};
  std::size_t bytes = 0;
};

[[nodiscard]] std::string_view to_string(gateway_event_kind kind) noexcept;
[[nodiscard]] event_level level_of(gateway_event_kind kind) noexcept;

/// Since the start, but for those marked "now".
struct gateway_counts {
  std::uint64_t sockets = 0;           ///< now: of users, also those on their way in
  std::uint64_t sessions = 0;          ///< now: detached ones included
  std::uint64_t detached = 0;          ///< now
  std::uint64_t internal_clients = 0;  ///< now
  std::uint64_t waiting_texts = 0;     ///< now
  std::uint64_t waiting_bytes = 0;     ///< now
  std::uint64_t queued_bytes = 0;      ///< now: to internal clients
  std::uint64_t sessions_started = 0;
  std::uint64_t sessions_resumed = 0;
  std::uint64_t resumes_failed = 0;
  std::uint64_t sessions_taken = 0;
  std::uint64_t sessions_expired = 0;
  std::uint64_t sessions_evicted = 0;
  std::uint64_t visitors_refused = 0;
  std::uint64_t origins_refused = 0;
  std::uint64_t opens_failed = 0;  ///< sealed open, handshake or first frame
  std::uint64_t texts_taken = 0;
  std::uint64_t texts_repeated = 0;
  std::uint64_t texts_refused = 0;  ///< too large or too many
  std::uint64_t texts_handed_over = 0;
  std::uint64_t texts_dropped = 0;  ///< backend_unavailable
  std::uint64_t replies_taken = 0;
  std::uint64_t replies_dropped = 0;
  std::uint64_t replies_ignored = 0;          ///< not a message of the format, or too large
  std::uint64_t replies_unknown_session = 0;  ///< no such session
  std::uint64_t users_too_slow = 0;
  std::uint64_t clients_stalled = 0;
};

}  // namespace flowersec::ownwire
