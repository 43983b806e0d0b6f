// Numbers of the multiplexer: what the protocol fixes, and what an application may tune.
// Layer yamux. Source: PROTOCOL, "Yamux limits", "Flow control".
#pragma once

#include <cstddef>
#include <cstdint>

#include "flowersec/base/error.h"

namespace flowersec::yamux {

/// Window of every stream in each direction. Part of the protocol: peers end the session when they are granted more.
inline constexpr std::uint32_t window_bytes = 262144;

/// Widest window of a stream where both sides know wide windows; one byte more ends the session.
inline constexpr std::uint32_t wide_window_bytes = 4194304;

/// Most that wide_window_session_bytes may be.
inline constexpr std::size_t max_wide_window_session_bytes = std::size_t{1} << 30U;

/// Ping replies that wait to be written; further requests are not answered.
inline constexpr std::size_t max_queued_ping_replies = 256;

/// Refusals of streams that wait to be written: more than fit into one record of a well-behaved peer (65536 / 12). A
/// peer that opens faster than it reads the refusals ends its session here instead of growing our memory.
inline constexpr std::size_t max_queued_refusals = 8192;

/// Worst memory of one session: max_session_receive_bytes of unread data, with wide windows wide_window_session_bytes
/// more, plus at most 32 KiB of slack for each live stream. Bodies waiting to be sent stay in the memory of whoever
/// writes them.
struct yamux_limits {
  /// Streams of both origins alive at once. At least 1.
  std::size_t max_active_streams = 64;
  /// Streams opened by the peer alive at once; one more is refused with RST. 1..max_active_streams.
  std::size_t max_inbound_streams = 32;
  /// Largest Data body accepted; a larger one ends the session. 1024..max_stream_receive_bytes.
  std::size_t max_frame_bytes = 262144;
  /// Largest Data body produced. 1024..max_frame_bytes.
  std::size_t preferred_outbound_frame_bytes = 65536;
  /// Bytes of accepted, unfinished writes per stream; a write above it is refused. At least 1.
  std::size_t max_stream_write_queue_bytes = 4194304;
  /// Unread bytes per stream, before its window grows. At least window_bytes, because that much is granted whatever is
  /// set here.
  std::size_t max_stream_receive_bytes = 262144;
  /// Unread bytes over all streams; above it the session ends. At least max_stream_receive_bytes.
  std::size_t max_session_receive_bytes = 16777216;
  /// With wide windows: by how much the windows of all streams together may exceed window_bytes each.
  /// 0..max_wide_window_session_bytes; 0 keeps every window as it begins, and endpoints do not offer wide windows.
  std::size_t wide_window_session_bytes = 16777216;

  /// Errors   yamux_errc::invalid_limits.
  [[nodiscard]] result<void> validate() const noexcept;
};

}  // namespace flowersec::yamux
