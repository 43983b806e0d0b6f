// What waits for an observer: bounded, and failures go last. Layer endpoint, private, no I/O.
// Source: OBSERVABILITY, "Delivery".
#pragma once

#include <cstddef>
#include <deque>
#include <optional>

#include "flowersec/endpoint/observer.h"

namespace flowersec::endpoint {

/// One item: a callback, if there is one for it, and then the event. An empty code: no event.
struct notice {
  enum class callback : std::uint8_t { none, connect, attach, handshake };

  event happened{};
  callback call = callback::none;
  step_report report{};
};

class event_queue {
 public:
  explicit event_queue(std::size_t max_items) noexcept : max_items_(max_items) {}

  /// When full, the oldest item that is no failure goes, and one item says so ("diagnostics_overflow"). Only a failure
  /// takes the place of a failure.
  void push(notice item);
  [[nodiscard]] std::optional<notice> pop();
  [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }

 private:
  enum class rank : std::uint8_t { normal, overflow, failure };
  struct entry {
    notice item;
    rank as;
  };

  [[nodiscard]] bool make_room(rank newcomer);
  void report_overflow(const event& like);

  std::size_t max_items_;
  std::deque<entry> items_;
  bool overflow_pending_ = false;
};

}  // namespace flowersec::endpoint
