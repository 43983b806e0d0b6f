// Limits of the two ends of an RPC stream.
// Layer rpc. Source: PROTOCOL, "RPC server", "RPC calls", "JSON frame".
#pragma once

#include <cstddef>
#include <optional>

#include "flowersec/base/error.h"
#include "flowersec/base/json_frame.h"

namespace flowersec::rpc {

/// Invalid envelopes that are skipped when they follow each other; the next one ends the stream.
inline constexpr int max_malformed_in_a_row = 2;

/// Worst memory of one server: one frame being received, max_held_payload_bytes of admitted payloads,
/// max_running_requests responses of max_frame_bytes, 16 bytes for each refusal, and max_output_bytes of notifications.
struct server_limits {
  /// Requests handed to handlers whose responses were not taken for writing yet. At least 1.
  std::size_t max_running_requests = 32;
  /// Requests waiting beyond them. One more is answered 429 at once.
  std::size_t max_queued_requests = 128;
  /// Notifications waiting behind the one being handled. One more ends the stream.
  std::size_t max_queued_notifications = 128;
  /// Payload bytes of all admitted requests and notifications. A request above it is answered 429, a notification
  /// ends the stream. At least max_frame_bytes.
  std::size_t max_held_payload_bytes = 67108864;
  /// Refusals (429) waiting to be written. One more ends the stream: the peer does not read. At least 1.
  std::size_t max_queued_refusals = 4096;
  /// JSON text of one envelope, in both directions. 1..1048576.
  std::size_t max_frame_bytes = json_frame_max_bytes;
  /// Bytes of notifications waiting to be written; one more is refused locally. At least max_frame_bytes.
  std::size_t max_output_bytes = 4194304;

  /// Errors   rpc_errc::invalid_limits.
  [[nodiscard]] result<void> validate() const noexcept;
};

/// Worst memory of one client: one frame being received and max_output_bytes of envelopes.
struct client_limits {
  /// Calls without an answer; one more is refused locally. Absent: no limit.
  std::optional<std::size_t> max_calls_in_flight{};
  /// JSON text of one envelope, in both directions. 1..1048576.
  std::size_t max_frame_bytes = json_frame_max_bytes;
  /// Bytes of envelopes waiting to be written; one more is refused locally. At least max_frame_bytes.
  std::size_t max_output_bytes = 4194304;

  /// Errors   rpc_errc::invalid_limits.
  [[nodiscard]] result<void> validate() const noexcept;
};

}  // namespace flowersec::rpc
