// Which handler serves which type id.
// Layer rpc. Source: PROTOCOL, "RPC server".
// Threads: fill it first; from then on any number of servers may read it at once.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "flowersec/rpc/handler.h"

namespace flowersec::rpc {

class router {
 public:
  /// Serves requests of a type; notifications of the same type reach it too, unless on_notification was called for the
  /// type, and what it answers to them is thrown away. The last call for a type wins.
  router& on_request(std::uint32_t type_id, request_handler handler);
  router& on_notification(std::uint32_t type_id, notification_handler handler);

  /// Calls the handler, or answers 404 `handler not found`. Never throws: a handler that does answers 500.
  void dispatch(request call, responder answer) const;

  /// The same for a notification. `done` is finished when the next notification may start; an unknown type and a
  /// failing handler are finished like any other.
  void dispatch_notification(request call, responder done) const;

 private:
  std::unordered_map<std::uint32_t, request_handler> requests_;
  std::unordered_map<std::uint32_t, notification_handler> notifications_;
};

}  // namespace flowersec::rpc
