// How a link's public members get onto its strand. For the link's own sources only.
#pragma once

#include <boost/asio/dispatch.hpp>

#include "flowersec/rpc/subscriptions.h"
#include "flowersec/session/link.h"
#include "rpc_calling.h"

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

/// Notifications on their way to the application's handlers, one at a time.
struct link::notifications final : rpc_calling::notification_queue, std::enable_shared_from_this<notifications> {
  notifications(const boost::asio::any_io_executor& executor, strand of_link)
      : place(executor), link_place(std::move(of_link)) {}

  void push(std::uint32_t type_id, std::string payload) override;
  [[nodiscard]] std::size_t waiting() const noexcept override { return count.load(std::memory_order_acquire); }

  strand place;
  strand link_place;
  rpc::subscriptions handlers;    // on place
  std::weak_ptr<link> to_resume;  // set by make(): never changed while the place of handlers may read it
  std::atomic<std::size_t> count{0};
};

}  // namespace flowersec::session
