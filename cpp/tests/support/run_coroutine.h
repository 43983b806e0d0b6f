// Runs coroutines of a test to their end on one io_context, with a limit so that a lost completion fails the test
// instead of hanging it.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <exception>
#include <functional>

namespace flowersec::testing {

/// Runs `context` until `body` has ended; rethrows what it threw.
inline void run(boost::asio::io_context& context, boost::asio::awaitable<void> body,
                std::chrono::seconds limit = std::chrono::seconds{60}) {
  bool ended = false;
  std::exception_ptr thrown;
  boost::asio::co_spawn(context, std::move(body), [&](std::exception_ptr what) {
    ended = true;
    thrown = what;
    context.stop();
  });
  context.restart();
  context.run_for(limit);
  ASSERT_TRUE(ended) << "the coroutine is still waiting";
  if (thrown) std::rethrow_exception(thrown);
}

/// Lets what was closed come to its end. What a strand has left to do when its context goes is kept for ever.
inline void run_out(boost::asio::io_context& context, std::chrono::seconds limit = std::chrono::seconds{5}) {
  context.restart();
  context.run_for(limit);
}

}  // namespace flowersec::testing
