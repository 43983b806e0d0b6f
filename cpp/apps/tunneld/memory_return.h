// Gives memory that was freed back to the system, so that a tunnel is as small after a crowd as before it.
// Layer apps. The allocator keeps freed pages between those still in use; it is asked to let go of them now and then.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>

namespace flowersec::apps {

class memory_return {
 public:
  /// Works on the thread that runs `context`, away from the connections, until destroyed.
  explicit memory_return(boost::asio::io_context& context);

 private:
  /// Often enough that a graph shows the fall, seldom enough to cost nothing: two numbers are read.
  static constexpr std::chrono::seconds period{5};
  /// Freed memory that is not worth a walk over the allocator's lists.
  static constexpr std::size_t tolerated_bytes = 128 * 1024;

  void wait();
  void look();

  boost::asio::steady_timer timer_;
  std::size_t unreturnable_ = 0;  ///< what was left the last time: pieces of pages, tables of the allocator
};

}  // namespace flowersec::apps
