// RPC over a session's streams: the runner's side of the rpc layer.
// Layer session. Payloads are JSON texts, passed on as they are. Source: PROTOCOL, "RPC".
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "flowersec/rpc/reply.h"
#include "flowersec/rpc/router.h"

namespace flowersec::session {

class rpc_serving;

/// Takes a handler out again that was set: it is not called any more, once one that is running just then has returned,
/// and what it captured goes. May be called from any thread, also from inside the handler, more than once, and when
/// what the handler was set on is gone, which it does not keep. Need not be called.
using remove_handler = std::function<void()>;

struct call_options {
  /// Absent: as long as the session lives. The peer does not learn that a call was given up.
  std::optional<std::chrono::milliseconds> timeout{};
};

/// The other end of an rpc stream that is being served: where notifications go. Cheap to copy, safe from any thread,
/// and harmless when the stream has ended.
class rpc_peer {
 public:
  rpc_peer() = default;
  explicit rpc_peer(std::weak_ptr<rpc_serving> serving) noexcept : serving_(std::move(serving)) {}

  /// Sends a notification. One sent from a handler leaves before that handler's answer. `payload` is one JSON value;
  /// what is none, or does not fit the output limit of the stream, is dropped.
  void notify(std::uint32_t type_id, std::string payload) const;

 private:
  std::weak_ptr<rpc_serving> serving_;
};

/// Makes the handlers of one rpc stream; called when the stream opens, before its first request. When it throws, the
/// stream is reset.
using rpc_router_factory = std::function<rpc::router(rpc_peer)>;

}  // namespace flowersec::session
