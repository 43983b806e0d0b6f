// The end of a server, for a socket that is open and nobody yet: what it waits for is called off.
// Layer ws, part `front`, private, on Asio.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <memory>

#include "ws/time_limit.h"

namespace flowersec::ws {

class farewell : public std::enable_shared_from_this<farewell> {
 public:
  /// `executor`: of those who wait.
  explicit farewell(const boost::asio::any_io_executor& executor) : said_(executor, clock::time_point::max()) {}

  /// What is under way is cancelled, what comes later at once. From any thread.
  void say() {
    boost::asio::dispatch(said_.get_executor(),
                          [self = shared_from_this()] { self->said_.expires_at(clock::time_point::min()); });
  }

  /// The result of `operation`, whose errors are values, or nothing when the farewell was first. One operation at a
  /// time; this outlives it.
  template <class T>
  boost::asio::awaitable<std::optional<T>> unless_said(boost::asio::awaitable<T> operation) {
    return before(said_, std::move(operation));
  }

 private:
  using clock = boost::asio::steady_timer;
  boost::asio::steady_timer said_;
};

}  // namespace flowersec::ws
