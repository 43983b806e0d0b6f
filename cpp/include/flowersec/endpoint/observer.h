// What a program may watch of its connections.
// Layer endpoint. Events carry no URL, token, key, stream kind, RPC type or payload. Source: OBSERVABILITY; PROTOCOL,
// "Diagnostic event".
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "flowersec/base/clock.h"
#include "flowersec/endpoint/error.h"

namespace flowersec::endpoint {

enum class event_result { ok, fail, retry, skip };

[[nodiscard]] std::string_view to_string(event_result result) noexcept;

/// A limit that was hit. `name` is one of a handful of constants, e.g. "active_streams".
struct event_resource {
  std::string_view name;
  std::optional<std::uint64_t> current{};
  std::optional<std::uint64_t> limit{};
};

/// One event. The views point at constants.
struct event {
  endpoint::path path = endpoint::path::automatic;
  std::string_view stage{};  ///< a stage of the error model, or "normalize", "scope", "transport"
  std::string_view code{};   ///< an error code, or one of the event codes such as "connect_ok"
  event_result result = event_result::ok;
  std::chrono::milliseconds elapsed{0};  ///< since the attempt began; monotonic
  std::uint64_t attempt_seq = 1;         ///< from 1
  std::optional<std::string> trace_id{};
  std::optional<std::string> session_id{};
  std::optional<event_resource> resource{};

  /// "error" when `code` is one of the error model, else "event".
  [[nodiscard]] std::string_view code_domain() const noexcept;
};

/// The event as one line of JSON, in the field order that every language writes.
[[nodiscard]] std::string to_json(const event& happened);

/// How one step of connecting ended. `reason` is empty on success.
struct step_report {
  endpoint::path path = endpoint::path::automatic;
  bool ok = false;
  std::string_view reason{};
  std::chrono::nanoseconds elapsed{0};
};

/// Called one at a time for each connection, in order, on the executor of the connection but never inside its own work:
/// a slow observer delays nobody but itself, and misses what does not fit its queue. Shared by several connections it
/// must be safe to call from several threads. What it throws is swallowed.
class observer {
 public:
  virtual ~observer() = default;
  /// The WebSocket is open, or could not be opened: "websocket_error", "timeout" or "canceled".
  virtual void on_connect(const step_report&) {}
  /// Tunnel only; told when the handshake has shown how it ended. The reason is an attach code, or "send_failed".
  virtual void on_attach(const step_report&) {}
  /// The reason is a code of the error model.
  virtual void on_handshake(const step_report&) {}
  virtual void on_event(const event&) {}
};

/// What the events of one connection have in common.
struct observer_context {
  std::optional<std::string> trace_id{};
  std::optional<std::string> session_id{};
  std::uint64_t attempt_seq = 1;
  /// What `elapsed` counts from. Absent: when connecting or accepting begins.
  std::optional<mono_time> attempt_began{};
  /// What waits for a slow observer; one more drops the oldest that is no failure. At least 4.
  std::size_t max_queued_items = 64;
};

}  // namespace flowersec::endpoint
