// Asking somebody else whether an attach may proceed, before its token is spent, and whether a channel may live on.
// Layer tunnel. Source: PROTOCOL, "Tunnel attach", order of checks.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "flowersec/tunnel/verifier.h"

namespace flowersec::tunnel {

struct attach_query {
  verified_token token;
  std::string endpoint_instance_id;
  std::string origin;       ///< raw header, empty when absent
  std::string remote_addr;  ///< ip:port of the TCP peer
};

struct attach_decision {
  bool allowed = false;
  /// When the channel must end unless extended; nullopt: no lease.
  std::optional<wall_time> lease_expires;
};

class attach_policy {
 public:
  virtual ~attach_policy() = default;
  /// Threads       called on an I/O thread; must not block. `answer` is called exactly once, from any thread, also
  ///               inline, and not at all once the server has stopped. nullopt means the policy could not be asked, and
  ///               refuses the attach as policy_error.
  /// Cancellation  `abandoned` is requested, on an I/O thread, when the endpoint left or the tunnel stops: nobody waits
  ///               for the answer any more.
  virtual void decide(attach_query query, std::stop_token abandoned,
                      std::function<void(std::optional<attach_decision>)> answer) = 0;
};

/// What a policy says about a channel that may be open.
struct channel_decision {
  std::string audience;
  std::string issuer;
  std::string channel_id;
  /// Must be the tenant id of the channel, if there is one; blank fits any.
  std::string tenant_id;
  /// false ends the channel as policy_denied.
  bool allowed = false;
  /// Moves the end of the channel to this time, only ever later; nullopt leaves it as it is.
  std::optional<wall_time> lease_expires;
};

}  // namespace flowersec::tunnel
