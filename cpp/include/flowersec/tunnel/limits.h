// Every bound of the tunnel, with what a peer can make it hold.
// Layer tunnel. Source: PROTOCOL, "Tunnel attach" and "Tunnel forwarding". Plain data.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

namespace flowersec::tunnel {

// Protocol constants: nobody may tune them.
inline constexpr std::size_t max_channel_id_bytes = 256;
inline constexpr std::size_t max_token_bytes = 2048;
inline constexpr std::uint32_t attach_version = 1;
inline constexpr std::chrono::seconds clock_skew{30};
inline constexpr std::chrono::milliseconds sweep_interval{500};
/// A longer duration among the limits means the same: sums with the time of day stay within 64 bits of nanoseconds.
inline constexpr std::chrono::hours longest_time{24 * 365 * 10};

struct tunnel_limits {
  /// First message of a connection, inclusive. An unattached peer can make us hold this much.
  std::size_t max_attach_bytes = 8192;
  /// One message after the attach, inclusive; also the most that a fragmented message is reassembled to.
  std::size_t max_record_bytes = 1048576;
  /// Payload kept for one endpoint while its peer is absent, inclusive.
  std::size_t max_pending_bytes = 262144;
  /// Messages held for one endpoint, which bounds the cost of empty and tiny ones to 16 bytes each. One past it
  /// ends an unpaired channel and stops reading in a paired one.
  std::size_t max_pending_frames = 16384;
  /// Bytes that may wait for one destination before its source is no longer read. At least max_record_bytes. The
  /// relay stops earlier, at one block.
  std::size_t max_write_queue_bytes = 1048576;
  /// Bytes held for one token scope; nullopt: no budget.
  std::optional<std::uint64_t> max_tenant_queued_bytes = 67108864;
  /// Bytes held by the process; nullopt: no budget.
  std::optional<std::uint64_t> max_total_queued_bytes = 268435456;
  /// Receive blocks that stalled directions may keep, in the whole process, 128 KiB each. A stall past it ends its
  /// channel as resource_exhausted.
  std::size_t max_stalled_blocks = 4096;
  /// Upgraded connections, attached or not.
  std::size_t max_connections = 12000;
  /// Channels, paired or not, over all scopes.
  std::size_t max_channels = 6000;
  /// Closed channels whose byte counts are kept for a while, over all scopes; one more pushes out the oldest. Each
  /// costs about 300 bytes and its name.
  std::size_t max_closed_reports = 48000;
  /// Tokens remembered; nullopt: four times max_connections. A full store refuses.
  std::optional<std::size_t> max_replay_entries;
  /// Longest `exp - iat`, whole seconds count.
  std::chrono::milliseconds max_token_lifetime = std::chrono::minutes{2};
  /// How far ahead `init_exp` may lie, beyond the clock skew.
  std::chrono::milliseconds max_init_horizon = std::chrono::minutes{2};
  /// From the 101 answer to the end of the attach message.
  std::chrono::milliseconds attach_timeout = std::chrono::seconds{10};
  /// Longest that the bytes of one frame wait for their destination; nullopt: for ever.
  std::optional<std::chrono::milliseconds> write_timeout = std::chrono::seconds{10};
  /// Same-role replacements per channel and role in one window.
  std::uint32_t max_replacements = 5;
  std::chrono::milliseconds replacement_window = std::chrono::seconds{10};
  /// Largest receive window that a connection begins with, bytes; nullopt: the system's. Linux raises it for what is
  /// read fast, up to the third value of net.ipv4.tcp_rmem, and a source that stalls then leaves that much there.
  std::optional<std::size_t> max_receive_buffer_bytes = 1048576;

  [[nodiscard]] std::size_t replay_entries() const noexcept {
    constexpr std::size_t per_connection = 4;
    constexpr auto most = std::numeric_limits<std::size_t>::max();
    return max_replay_entries.value_or(max_connections > most / per_connection ? most
                                                                               : per_connection * max_connections);
  }
};

/// The same limits with every duration above longest_time cut to it.
[[nodiscard]] tunnel_limits with_bounded_times(tunnel_limits limits) noexcept;

/// Empty when the limits can work together, else what is wrong, in the words of the command line's errors.
[[nodiscard]] std::optional<const char*> validate(const tunnel_limits& limits) noexcept;

}  // namespace flowersec::tunnel
