// Runs coroutines of a test to their end, within a time that only a hanging test needs.
// Test support, on Asio.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <utility>

namespace flowersec::testing {

using task = boost::asio::awaitable<void>;

/// Errors as values: `auto [error, ...] = co_await operation(as_result)`.
inline constexpr auto as_result = boost::asio::as_tuple(boost::asio::use_awaitable);

/// Fails the test when a task throws or the tasks do not end.
template <typename... Tasks>
void run_tasks(boost::asio::io_context& context, Tasks... tasks) {
  int running = sizeof...(tasks);
  const auto ended = [&](const std::exception_ptr& thrown) {
    --running;
    if (running == 0) context.stop();
    if (!thrown) return;
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
      ADD_FAILURE() << "a task ended with: " << error.what();
    }
  };
  (boost::asio::co_spawn(context, std::move(tasks), ended), ...);
  context.restart();
  context.run_for(std::chrono::seconds{60});
  EXPECT_EQ(running, 0) << "tasks still waiting";
}

}  // namespace flowersec::testing
