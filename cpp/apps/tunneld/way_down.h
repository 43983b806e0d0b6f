// What a signal to stop does: an end at once, or a drain first.
// Layer apps. On the thread of the context.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>

#include "flowersec/tunnel/server.h"

namespace flowersec::apps {

class way_down {
 public:
  /// Both outlive it. Stops `context` when the process is to end. A `drain_timeout` of 0 means no drain.
  way_down(boost::asio::io_context& context, tunnel::server& server, std::chrono::nanoseconds drain_timeout) noexcept
      : context_(context), server_(server), drain_timeout_(drain_timeout) {}

  /// SIGINT or SIGTERM came: the first begins the drain, the second ends it.
  void on_signal();

 private:
  boost::asio::io_context& context_;
  tunnel::server& server_;
  const std::chrono::nanoseconds drain_timeout_;
  bool draining_ = false;
};

}  // namespace flowersec::apps
