// Which addresses connect, how often, and how many sockets each has.
// Layer ws, part `front`, private, no I/O. Bounded: an address without sockets is forgotten for one that comes, oldest
// visit first. One owner, no locks.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "ws/rate.h"

namespace flowersec::ws {

/// An address as the limits count it, and as it is told.
struct visitor_address {
  std::string counted;
  std::string shown;
};

struct visitor_limits {
  std::size_t max_sockets;   ///< of one address
  rate visits;               ///< of one address
  std::size_t max_visitors;  ///< addresses that are remembered
};

class visitors {
 public:
  explicit visitors(const visitor_limits& limits) noexcept : limits_(limits) {}

  enum class visit : std::uint8_t { entered, too_many, too_often };

  /// One more socket of this address. False when the address comes too often or has too many sockets already.
  [[nodiscard]] bool enter(std::string_view address, mono_time now) {
    return try_enter(address, now, false) == visit::entered;
  }
  /// The same, saying why not. With `even_too_often`, one that comes too often has entered as well.
  [[nodiscard]] visit try_enter(std::string_view address, mono_time now, bool even_too_often);
  /// A socket that entered is gone.
  void leave(std::string_view address) noexcept;

  [[nodiscard]] std::size_t sockets() const noexcept { return sockets_; }
  [[nodiscard]] std::size_t remembered() const noexcept { return known_.size(); }

 private:
  struct visitor {
    std::string address;
    std::size_t sockets = 0;
    rate_bucket bucket{};
  };
  using order = std::list<visitor>;  // last visit at the back

  [[nodiscard]] visitor* find_or_add(std::string_view address);
  [[nodiscard]] bool forget_one();

  visitor_limits limits_;
  order order_;
  std::unordered_map<std::string_view, order::iterator> known_;  // keys point into the list
  std::size_t sockets_ = 0;
};

}  // namespace flowersec::ws
