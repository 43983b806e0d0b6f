// What an application may tune in a session.
// Layer session. One struct, checked once. Source: PROTOCOL, "Liveness", "Stream hello", "Handshake limits".
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "flowersec/base/error.h"
#include "flowersec/handshake/frame.h"
#include "flowersec/record/limits.h"
#include "flowersec/rpc/limits.h"
#include "flowersec/yamux/frame.h"
#include "flowersec/yamux/limits.h"

namespace flowersec::session {

/// Periodic round trips that notice a dead peer and keep a tunnel's idle timer from firing.
struct liveness {
  std::chrono::milliseconds interval;  ///< from the end of one probe to the next. Above 0.
  std::chrono::milliseconds timeout;   ///< without an answer the session is closed. Above 0.

  friend bool operator==(const liveness&, const liveness&) = default;
};

/// What the tunnel path uses unless told otherwise: interval idle / 2, at least 500 ms unless that is not below idle;
/// time-out min(10 s, interval). Absent for an idle time-out of 0 or less.
[[nodiscard]] std::optional<liveness> default_liveness(std::chrono::seconds idle_timeout) noexcept;

/// Largest stream hello. Part of the protocol.
inline constexpr std::size_t max_stream_hello_bytes = 8192;
/// Ping and rekey records that wait for the transport; one more is refused.
inline constexpr std::size_t max_queued_controls = 32;

/// Worst memory of one session, beside a few KiB of its own: yamux max_session_receive_bytes, one batch of gather_bytes
/// and a record, one message of max_record_bytes in the transport, and what the rpc limits say for each rpc stream.
struct session_options {
  /// From the first message of the handshake until the session is up; the client's rpc stream included. 0: no limit,
  /// and a server waits for a silent client as long as the connection lives.
  std::chrono::milliseconds handshake_timeout = std::chrono::seconds{10};
  /// From the opening of a stream by the peer until its hello was read; later it is reset. Above 0.
  std::chrono::milliseconds hello_timeout = std::chrono::seconds{10};
  /// A probe asked for by the application. Above 0.
  std::chrono::milliseconds probe_timeout = std::chrono::seconds{10};
  /// How long input of a stream that the application gave up after closing its half is discarded before the stream is
  /// reset. Above 0.
  std::chrono::milliseconds linger_timeout = std::chrono::seconds{10};
  /// How long the transport may take for what it was given, about 64 KiB. A network or a peer that takes nothing for
  /// longer ends the session. Above 0.
  std::chrono::milliseconds send_timeout = std::chrono::seconds{10};
  /// How long closing waits for what was written. Above 0.
  std::chrono::milliseconds close_timeout = std::chrono::seconds{2};
  handshake::handshake_limits handshake{};
  /// 16 KiB records cost as much per byte as larger ones, because they are gathered, and a quarter of the latency. The
  /// frame header comes on top: a stream's window is then a whole number of records, and no crumb is left at its end.
  /// Its budget of writes is shared by all streams, in the memory of whoever writes.
  record::record_limits record{.outbound_record_chunk_bytes = 16384 + yamux::header_bytes};
  yamux::yamux_limits yamux{};
  rpc::client_limits rpc_client{};
  rpc::server_limits rpc_server{};

  /// Errors   session_errc::invalid_options, or the error of the layer whose limits are wrong.
  [[nodiscard]] result<void> validate() const noexcept;
};

}  // namespace flowersec::session
