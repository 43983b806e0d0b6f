// What happens inside a tunnel, for programs that embed one.
// Layer tunnel. It tells who met whom and how much passed; it cannot tell what.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "flowersec/tunnel/reasons.h"
#include "flowersec/tunnel/source.h"
#include "flowersec/tunnel/verifier.h"

namespace flowersec::tunnel {

/// Names a channel in an event. The views live as long as the call.
struct channel_name {
  std::string_view audience;
  std::string_view issuer;
  std::string_view channel_id;
};

/// Payload bytes of the binary messages written to each role.
struct channel_bytes {
  std::uint64_t to_client = 0;
  std::uint64_t to_server = 0;
};

/// Who was refused. The views live as long as the call. There is nothing of the token here, and of the URL neither.
struct refused_peer {
  std::string_view address;  ///< ip:port of the TCP peer
  std::string_view tenant;   ///< label of the token's scope; empty before the token is believed
};

/// Threads  called on the I/O threads, several at once for different channels; must not block and must not throw.
class observer {
 public:
  virtual ~observer() = default;
  virtual void on_attached(const channel_name& /*channel*/, endpoint_role /*role*/) {}
  virtual void on_attach_refused(attach_reason /*reason*/, const refused_peer& /*peer*/) {}
  /// A source address took all it may: its connection or its upgrade was answered with 429. Reported besides, as a
  /// refusal for too_many_connections.
  virtual void on_source_refused(const ip_address& /*source*/, source_bound /*bound*/) {}
  virtual void on_paired(const channel_name& /*channel*/, std::chrono::nanoseconds /*since_first_attach*/) {}
  /// Once per channel, also when it is replaced by a fresh one (reason peer_closed).
  virtual void on_closed(const channel_name& /*channel*/, close_reason /*reason*/, const channel_bytes& /*bytes*/) {}
  /// Descriptors or kernel memory ran out: a thread accepts nobody for `pause`. Connections that are there go on.
  virtual void on_accept_paused(std::chrono::milliseconds /*pause*/) {}
};

}  // namespace flowersec::tunnel
