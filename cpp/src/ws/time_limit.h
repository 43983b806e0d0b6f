// A time limit for one operation that has none of its own.
// Layer ws, part `front`, private, on Asio. On the executor of the coroutine that waits.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <utility>

#include "flowersec/base/clock.h"

namespace flowersec::ws {

/// The result of `operation`, whose errors are values, or nothing when `timer` was first; it is cancelled then.
template <class T>
boost::asio::awaitable<std::optional<T>> before(boost::asio::steady_timer& timer, boost::asio::awaitable<T> operation) {
  using namespace boost::asio::experimental::awaitable_operators;
  auto late = timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  auto outcome = co_await (std::move(operation) || std::move(late));
  if (outcome.index() != 0) co_return std::nullopt;
  co_return std::move(std::get<0>(outcome));
}

/// As above: nothing when `limit` was over first. milliseconds::max() is for ever.
template <class T>
boost::asio::awaitable<std::optional<T>> within(std::chrono::milliseconds limit, boost::asio::awaitable<T> operation) {
  const auto end = later(system_clocks().mono_now(), limit);
  boost::asio::steady_timer timer{co_await boost::asio::this_coro::executor, end};
  co_return co_await before(timer, std::move(operation));
}

}  // namespace flowersec::ws
