// How a link's public members get onto its strand. For the link's own sources only.
#pragma once

#include <boost/asio/dispatch.hpp>

#include "flowersec/rpc/subscriptions.h"
#include "flowersec/session/link.h"

namespace flowersec::session {

// dispatch, not post: a call made on the executor's own thread costs no round through its queue. Completions are always
// posted, so nothing runs inside the caller's call.
template <class Function>
void link::on_strand(Function run) {
  boost::asio::dispatch(options_.serial, [self = shared_from_this(), run = std::move(run)]() mutable { run(*self); });
}

template <class Cancel, class... Args>
std::uint64_t link::cancellable(completion<Args...>& done, Cancel cancel) {
  const auto serial = next_serial_.fetch_add(1, std::memory_order_relaxed);
  done.on_cancel([weak = weak_from_this(), cancel, serial] {
    const auto self = weak.lock();
    if (!self) return;
    boost::asio::dispatch(self->options_.serial, [self, cancel, serial] { cancel(*self, serial); });
  });
  return serial;
}

struct link::notifications {
  explicit notifications(const boost::asio::any_io_executor& executor) : serial(executor) {}

  strand serial;
  rpc::subscriptions handlers;
};

/// Takes the element with this serial out of a list; nullopt when it is over already.
template <class Operation>
[[nodiscard]] std::optional<Operation> take_by_serial(std::vector<Operation>& list, std::uint64_t serial) {
  for (auto at = list.begin(); at != list.end(); ++at) {
    if (at->serial != serial) continue;
    auto found = std::move(*at);
    list.erase(at);
    return found;
  }
  return std::nullopt;
}

}  // namespace flowersec::session
