// Which pages may open a WebSocket: those of its own host, and those of a list.
// Layer ws, part `front`, private, no I/O. Immutable. Source: PROTOCOL, "OwnWire, public WebSocket".
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "flowersec/ws/origin_policy.h"
#include "flowersec/ws/request_head.h"

namespace flowersec::ws {

class origin_rule {
 public:
  /// Nobody but the own host.
  origin_rule() = default;
  /// Entries as origin_policy::allow_list has them. nullopt: there are some, and all are blank.
  [[nodiscard]] static std::optional<origin_rule> make(const std::vector<std::string>& allowed, bool allow_none);

  /// Whether the request has an Origin that its own Host stands for (same host and port, either scheme), or one of the
  /// list, or none where that is allowed.
  [[nodiscard]] bool allows(const request_head& head) const;

 private:
  std::optional<origin_policy> list_{};
  bool allow_none_ = false;
};

}  // namespace flowersec::ws
