// What a program may watch of its connections.
// Layer endpoint. Events carry no URL query, token, key, stream kind, RPC type or payload.
// Source: PROTOCOL, "Diagnostic event".
#pragma once

#include <string_view>

#include "flowersec/endpoint/error.h"

namespace flowersec::endpoint {

enum class event_result { ok, fail, retry, skip };

/// One event. The views point at constants.
struct event {
  endpoint::path path = endpoint::path::automatic;
  std::string_view stage;  ///< a stage of the error model, or "normalize", "scope", "transport"
  std::string_view code;   ///< an error code, or one of the event codes such as "connect_ok"
  event_result result = event_result::ok;
};

/// Called synchronously, from the thread that runs the connection: return quickly. An observer is shared by its
/// connections and must be safe to call from several threads.
class observer {
 public:
  virtual ~observer() = default;
  virtual void on_event(const event& happened) noexcept = 0;
};

}  // namespace flowersec::endpoint
