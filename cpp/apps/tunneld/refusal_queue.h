// Refused attaches on their way to the log, a bounded number of them a second.
// Layer apps. Told when a second is over, so it needs no clock. An attacker can make the log grow by this much and the
// process hold this much, whatever the number of attaches.
// Threads: add() from any thread; the rest from the thread that writes the log.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "flowersec/tunnel/observer.h"

namespace flowersec::apps {

/// Lines for refused attaches in one second; the others are counted.
inline constexpr std::size_t max_refusal_lines_per_second = 20;

struct refusal {
  tunnel::attach_reason reason;
  std::string address;
  std::string tenant;
};

class refusal_queue {
 public:
  /// True when the writer must be woken: it has nothing to take yet, and will have.
  [[nodiscard]] bool add(tunnel::attach_reason reason, const tunnel::refused_peer& peer);
  /// The lines that may be written now.
  [[nodiscard]] std::vector<refusal> take();
  /// Call a second after the first take() of a second. How many refusals of this second have no line.
  [[nodiscard]] std::uint64_t end_second();

 private:
  std::mutex mutex_;
  std::vector<refusal> waiting_;
  std::size_t lines_ = 0;  ///< of this second
  std::uint64_t left_out_ = 0;
};

inline bool refusal_queue::add(tunnel::attach_reason reason, const tunnel::refused_peer& peer) {
  const std::scoped_lock lock(mutex_);
  if (lines_ == max_refusal_lines_per_second) {
    ++left_out_;
    return false;
  }
  ++lines_;
  waiting_.push_back({reason, std::string{peer.address}, std::string{peer.tenant}});
  return waiting_.size() == 1;
}

inline std::vector<refusal> refusal_queue::take() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(waiting_, {});
}

inline std::uint64_t refusal_queue::end_second() {
  const std::scoped_lock lock(mutex_);
  // Lines that nobody took yet belong to the second that begins.
  lines_ = waiting_.size();
  return std::exchange(left_out_, 0);
}

}  // namespace flowersec::apps
