// The byte pipe under a connection and the party that hears when it is ready.
// Layer tunnel. A link is a socket, a TLS session on a socket, or a simulated one; the relay cannot tell which.
#pragma once

#include <cstdint>
#include <memory>

#include "flowersec/base/bytes.h"

namespace flowersec::tunnel {

struct link_transfer {
  enum class state : std::uint8_t {
    open,    ///< `bytes` moved; more may be possible now
    paused,  ///< `bytes` moved; nothing more until the next readiness event
    ended,   ///< read: the peer finished sending, after `bytes`. Never from write
    failed,  ///< the link is dead
  };
  std::size_t bytes = 0;
  state now = state::open;
  /// Write only: so many of the bytes not taken are already inside the link's next record. The next write must begin
  /// with them; nothing may be put in front.
  std::size_t committed = 0;
};

struct readiness {
  bool readable = false;  ///< bytes, the end, or an error can be read
  bool writable = false;
};

/// Hears about one link. Called by the poller, on the thread that owns both.
class link_watcher {
 public:
  virtual ~link_watcher() = default;
  virtual void on_ready(readiness ready) = 0;
};

/// Non-blocking. Readiness is edge-triggered: a caller that saw `open` must come back by itself.
class link {
 public:
  /// Closes.
  virtual ~link() = default;
  [[nodiscard]] virtual link_transfer read(mutable_byte_view into) = 0;
  [[nodiscard]] virtual link_transfer write(byte_view from) = 0;
  /// Whether it is known that the peer finished sending and that nothing is left to read. Asked while reading is
  /// stopped, so that an end is not noticed only after the stall that stopped it.
  [[nodiscard]] virtual bool at_end() = 0;
  /// Nothing more will be written; the peer reads an end after what was.
  virtual void finish_writing() = 0;
};

using link_ptr = std::unique_ptr<link>;

/// Connects links with their watchers. One per I/O thread.
class poller {
 public:
  virtual ~poller() = default;
  /// From now on `watcher` hears of `which`; a present readiness is reported again. Replaces an earlier watcher.
  virtual void watch(link& which, link_watcher& watcher) = 0;
  /// Nobody hears of `which`; it may move to another thread.
  virtual void forget(link& which) = 0;
};

}  // namespace flowersec::tunnel
