#include "flowersec/rpc/subscriptions.h"

#include <algorithm>
#include <exception>

namespace flowersec::rpc {

subscription_id subscriptions::add(std::uint32_t type_id, notification_handler handler) {
  const subscription_id id{next_id_};
  add(id, type_id, std::move(handler));
  return id;
}

void subscriptions::add(subscription_id id, std::uint32_t type_id, notification_handler handler) {
  entries_.emplace(id, entry{type_id, std::make_shared<const notification_handler>(std::move(handler))});
  next_id_ = std::max(next_id_, static_cast<std::uint64_t>(id) + 1);
}

void subscriptions::remove(subscription_id id) noexcept { entries_.erase(id); }

std::size_t subscriptions::deliver(std::uint32_t type_id, std::string_view payload) {
  // Handlers may add and remove while we walk: look the next one up by id instead of holding an iterator.
  const subscription_id end{next_id_};
  std::size_t called = 0;
  for (auto at = entries_.begin(); at != entries_.end() && at->first < end;) {
    const auto id = at->first;
    if (at->second.type_id == type_id) {
      const auto handler = at->second.handler;
      ++called;
      try {
        (*handler)(payload);
      } catch (...) {
        // One listener's failure must not disturb the reader or the other listeners.
      }
    }
    at = entries_.upper_bound(id);
  }
  return called;
}

}  // namespace flowersec::rpc
