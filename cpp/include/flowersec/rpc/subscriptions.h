// Who wants to hear which notification on the client side.
// Layer rpc. Source: PROTOCOL, "RPC calls": every handler of the type is called, none means ignore.
// Threads: one caller at a time.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <utility>

#include "flowersec/rpc/handler.h"

namespace flowersec::rpc {

enum class subscription_id : std::uint64_t {};

class subscriptions {
 public:
  subscription_id add(std::uint32_t type_id, notification_handler handler);
  /// The same under an id of the caller's, which is new. All ids are of the one kind, or all of the other.
  void add(subscription_id id, std::uint32_t type_id, notification_handler handler);
  /// Without effect when it was removed before. Allowed inside a handler, its own included.
  void remove(subscription_id id) noexcept;
  /// Calls the handlers of the type in the order of their ids. A handler that throws disturbs nobody; one added
  /// during the call hears the next notification first. Returns how many were called.
  std::size_t deliver(std::uint32_t type_id, std::string_view payload);

 private:
  struct entry {
    std::uint32_t type_id;
    std::shared_ptr<const notification_handler> handler;  // kept alive while it runs, even if it removes itself
  };
  std::map<subscription_id, entry> entries_;
  std::uint64_t next_id_ = 1;
};

}  // namespace flowersec::rpc
