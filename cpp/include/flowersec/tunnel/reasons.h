// The words the tunnel uses for outcomes: what a refused peer reads in its close frame, and what metrics count.
// Layer tunnel. Source: PROTOCOL, "Tunnel attach" and "Attach reasons". Plain data, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace flowersec::tunnel {

/// Outcome of one attach. The text of a refusal is the close reason, spelled exactly: clients compare it.
enum class attach_reason : std::uint8_t {
  ok,
  upgrade_error,         ///< the HTTP upgrade was refused; never sent in a close frame
  too_many_connections,  ///< the limit of connections or of channels
  expected_attach,       ///< no complete text message came first
  invalid_attach,        ///< the message is not an acceptable attach
  invalid_token,         ///< any defect of the token: all look the same from outside
  channel_mismatch,
  role_mismatch,
  policy_error,   ///< the policy hook gave no answer
  policy_denied,  ///< the policy hook said no
  token_replay,   ///< token used before, or the replay store cannot say
  init_exp_mismatch,
  idle_timeout_mismatch,
  tenant_mismatch,
  replace_rate_limited,
  attach_failed,
  timeout,
  canceled,
};
inline constexpr std::size_t attach_reason_count = 18;

[[nodiscard]] std::string_view to_text(attach_reason reason) noexcept;
/// WebSocket close code sent with a refusal; 1011 for the two values that never travel.
[[nodiscard]] std::uint16_t close_code(attach_reason reason) noexcept;

/// Why an attached connection or its channel ended. Peers are never told.
enum class close_reason : std::uint8_t {
  peer_closed,       ///< the connection's reading ended: disconnect, close frame, framing error, or dropped by us
  non_binary_frame,  ///< a text message
  record_too_large,  ///< message above the limit. Counted as peer_closed on the wire's behalf; here for the name
  unknown_channel,
  missing_src,
  pending_overflow,  ///< too much sent before the peer arrived
  write_error,       ///< the destination failed or took nothing for the write time-out
  init_expired,      ///< no record seen by the end of the init window
  idle_timeout,
  policy_denied,
  policy_lease_expired,
  resource_exhausted,  ///< a byte budget, or the cap on stalled blocks
};
inline constexpr std::size_t close_reason_count = 12;

[[nodiscard]] std::string_view to_text(close_reason reason) noexcept;

/// Which budget refused bytes.
enum class budget_limit : std::uint8_t { tenant_queued_bytes, total_queued_bytes };

[[nodiscard]] std::string_view to_text(budget_limit limit) noexcept;

}  // namespace flowersec::tunnel
