// Gives memory that was freed back to the system, so that a tunnel is as small after a crowd as before it.
// Layer apps. The allocator keeps freed pages between those still in use; it is asked to let go of them now and then.
#pragma once

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>

namespace flowersec::apps {

/// Bytes that the program has allocated, and resident ones beyond those.
struct heap_usage {
  std::size_t allocated = 0;
  std::size_t unused = 0;
};

/// Freed memory that is not worth a walk over the allocator's lists.
inline constexpr std::size_t tolerated_unused_bytes = 128 * 1024;

/// Whether the allocator is to let go of what it can.
class trim_decision {
 public:
  [[nodiscard]] bool is_worth_it(heap_usage now) noexcept {
    left_.unused = std::min(left_.unused, now.unused);
    if (now.unused > left_.unused + tolerated_unused_bytes) return true;
    // What could not be given back the last time lies in pages that something small keeps: the little that was freed
    // since may have been the last of many pages.
    const auto freed = left_.allocated - std::min(left_.allocated, now.allocated);
    return std::min(now.unused, freed * most_kept_by_byte) > tolerated_unused_bytes;
  }
  /// It did, and this is what remains: pieces of pages, tables of the allocator.
  void trimmed(heap_usage left) noexcept { left_ = left; }

 private:
  /// A page of 4096 bytes, by a piece of 64.
  static constexpr std::size_t most_kept_by_byte = 64;

  heap_usage left_;
};

class memory_return {
 public:
  /// Works on the thread that runs `context`, away from the connections, until destroyed.
  explicit memory_return(boost::asio::io_context& context);

 private:
  /// Often enough that a graph shows the fall, seldom enough to cost nothing: two numbers are read.
  static constexpr std::chrono::seconds period{5};

  void wait();
  void look();

  boost::asio::steady_timer timer_;
  trim_decision decision_;
};

}  // namespace flowersec::apps
