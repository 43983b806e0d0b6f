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
  const auto serial = next_serial();
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

}  // namespace flowersec::session
