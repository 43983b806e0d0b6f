// How wide the receive windows of one session's streams are: they grow with the path, out of one budget.
// Layer yamux, private. Told the time and the round trips; sends nothing. Source: PROTOCOL, "Wide windows".
// What a window has beyond window_bytes is its excess. The sum of all excess never passes the budget, and an excess
// that was granted comes back only when the peer has used it, so a shrinking window withholds credit until then.
#pragma once

#include <boost/intrusive/list.hpp>
#include <chrono>
#include <optional>
#include <utility>

#include "flow_control.h"
#include "flowersec/base/clock.h"

namespace flowersec::yamux {

/// The receive window of one stream, and what the pool knows of its pace.
struct pooled_window : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
  receive_window credit;
  bool paced = false;          ///< since and consumed have begun
  std::uint64_t consumed = 0;  ///< bytes that the application took since then
  mono_time since{};
  mono_time seen{};  ///< when credit was worth granting last

  [[nodiscard]] std::uint32_t excess() const noexcept { return credit.size() - window_bytes; }
};

class window_pool {
 public:
  /// Not wide: every window stays at window_bytes, in both directions. A wide pool may have no budget of its own.
  window_pool(bool wide, std::size_t budget_bytes) noexcept : wide_(wide), budget_(wide ? budget_bytes : 0) {}

  /// The most that the peer may let a stream of ours send.
  [[nodiscard]] std::uint32_t send_limit() const noexcept { return wide_ ? wide_window_bytes : window_bytes; }
  /// Sum of all excess.
  [[nodiscard]] std::size_t used() const noexcept { return used_; }

  /// The application took `bytes`, and `unread` are left. Whether credit is worth granting now.
  [[nodiscard]] bool consume(pooled_window& window, std::size_t bytes, std::size_t unread, mono_time now);
  /// The peer sends nothing more on the stream: what is not unread goes back to the others.
  void give_back(pooled_window& window, std::size_t unread) noexcept;

  /// Whether a round trip should be measured, once each time.
  [[nodiscard]] bool take_question() noexcept { return std::exchange(question_, false); }
  void on_round_trip(mono_time::duration sample) noexcept;

 private:
  void tune(pooled_window& window, std::size_t unread, mono_time now);
  void note_receiving(pooled_window& window, mono_time now);
  [[nodiscard]] std::uint32_t share() const noexcept;
  void grow(pooled_window& window, std::uint32_t most) noexcept;
  void resize(pooled_window& window, std::uint32_t size) noexcept;
  void ask(mono_time now) noexcept;

  const bool wide_;
  const std::size_t budget_;
  std::size_t used_ = 0;
  std::size_t idle_ = 0;  // the part of it that belongs to streams outside receiving_
  // Streams that received lately, the latest last.
  boost::intrusive::list<pooled_window, boost::intrusive::constant_time_size<false>> receiving_;
  std::size_t receiving_count_ = 0;

  std::optional<mono_time::duration> round_trip_;  // the shortest seen
  std::optional<mono_time> asked_;
  bool question_ = false;
};

}  // namespace flowersec::yamux
