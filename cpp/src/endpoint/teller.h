// Tells an observer what happens on one connection: fills in what its events share, and queues them.
// Layer endpoint, private. Threads: any; the observer is called on a strand of its own.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/strand.hpp>
#include <memory>
#include <mutex>

#include "event_queue.h"
#include "flowersec/base/clock.h"
#include "flowersec/endpoint/options.h"

namespace flowersec::endpoint {

/// An observer behind its queue. Given to a connection as its observer it is used as it is, so that a manager and its
/// connections share one order.
class queued_observer final : public observer, public std::enable_shared_from_this<queued_observer> {
 public:
  /// `inner` as it is when it is one of these.
  [[nodiscard]] static std::shared_ptr<queued_observer> over(const boost::asio::any_io_executor& executor,
                                                             const std::shared_ptr<observer>& inner,
                                                             std::size_t max_items);
  queued_observer(const boost::asio::any_io_executor& executor, std::shared_ptr<observer> inner, std::size_t max_items)
      : place_(executor), inner_(std::move(inner)), queue_(max_items) {}

  void push(notice item);
  void on_event(const event& happened) override { push({.happened = happened}); }

 private:
  void drain();

  boost::asio::strand<boost::asio::any_io_executor> place_;
  const std::shared_ptr<observer> inner_;
  std::mutex mutex_;
  event_queue queue_;
  bool draining_ = false;
};

/// Empty: nobody watches.
class teller {
 public:
  teller() = default;
  /// The attempt begins now.
  teller(const boost::asio::any_io_executor& executor, path on, const common_options& options);

  [[nodiscard]] explicit operator bool() const noexcept { return to_ != nullptr; }
  void tell(std::string_view where, std::string_view code, event_result result) const;
  void tell(const error_info& failed) const;
  /// A failure that a limit brought about. A resource without a name is left out.
  void tell_limit(std::string_view where, std::string_view code, event_resource resource) const;
  /// A callback and its event. An empty reason is success.
  void report(notice::callback call, std::string_view reason, std::string_view where, std::string_view code,
              mono_time since) const;
  /// What an artifact says about the connection it is for.
  void set_ids(std::optional<std::string> trace_id, std::optional<std::string> session_id) {
    context_.trace_id = std::move(trace_id);
    context_.session_id = std::move(session_id);
  }
  [[nodiscard]] mono_time began() const noexcept { return begun_; }
  [[nodiscard]] mono_time now() const noexcept { return clocks_->mono_now(); }

 private:
  [[nodiscard]] event make(std::string_view where, std::string_view code, event_result result) const;

  std::shared_ptr<queued_observer> to_;
  path path_ = path::automatic;
  observer_context context_;
  const clock_source* clocks_ = &system_clocks();
  mono_time begun_{};
};

}  // namespace flowersec::endpoint
