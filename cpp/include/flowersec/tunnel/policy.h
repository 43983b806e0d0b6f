// Asking somebody else whether an attach may proceed, before its token is spent.
// Layer tunnel. Source: PROTOCOL, "Tunnel attach", order of checks.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
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
  /// Threads  called on an I/O thread; must not block. `answer` is called exactly once, from any thread, also inline.
  ///          nullopt means the policy could not be asked, and refuses the attach as policy_error.
  virtual void decide(attach_query query, std::function<void(std::optional<attach_decision>)> answer) = 0;
};

}  // namespace flowersec::tunnel
