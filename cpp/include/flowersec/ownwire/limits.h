// What a chat gateway and one of its users may make each other hold.
// Layer ownwire, part `frames`. Source: PROTOCOL, "OwnWire".
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace flowersec::ownwire {

// Constants of the format; nobody may tune them.
inline constexpr std::size_t max_chat_frame_bytes = 262'144;
inline constexpr std::size_t max_content_bytes = 65'536;  ///< of UTF-8, in both directions
inline constexpr std::size_t max_metadata_bytes = 4'096;
inline constexpr std::size_t max_auth_bytes = 8'192;
/// A message on the internal WebSocket, in both directions.
inline constexpr std::size_t max_internal_frame_bytes = 1'048'576;
inline constexpr std::size_t resume_token_bytes = 32;
/// Of the text that a client takes for one. A hello with it, and with metadata and auth at their limits, fits a frame.
inline constexpr std::size_t max_resume_token_bytes = 256;

/// Worst memory: max_kept_reply_bytes for each detached session, max_user_queue_bytes and a frame for each connected
/// one, twice max_waiting_bytes, and max_internal_queue_bytes for each internal client.
struct gateway_limits {
  /// A session whose connection is lost can be taken up again for so long. At least 1 s.
  std::chrono::seconds keep_detached{300};
  /// Replies kept until the user's side has confirmed them. One more, or one byte more, drops the oldest. At least 1.
  std::size_t max_kept_replies = 64;
  /// Content and metadata of those. At least one reply of the largest size.
  std::size_t max_kept_reply_bytes = 262'144;
  /// Sessions in all, detached ones included; for one more the oldest detached one goes, else the newcomer is refused.
  std::size_t max_sessions = 10'000;
  /// Sessions of one address with a living socket.
  std::size_t max_sessions_per_address = 200;
  /// Texts of one session: so many at once, then so many per second.
  std::uint32_t message_burst = 20;
  std::uint32_t messages_per_second = 2;
  /// New connections of one address: so many at once, then so many per second.
  std::uint32_t visit_burst = 200;
  std::uint32_t visits_per_second = 10;
  /// Addresses whose visits are remembered. One more takes the place of the one that was longest away.
  std::size_t max_visitors = 65'536;
  /// Texts that wait for an internal client, of one session and the bytes of all. Acknowledged texts of a client that
  /// was lost are counted and never refused; beyond max_waiting_bytes of them nothing further is acknowledged.
  std::size_t max_waiting_texts = 64;
  std::size_t max_waiting_bytes = 16'777'216;
  /// How long a text waits before its user is told that nobody is there. Acknowledged ones wait as long as their
  /// session.
  std::chrono::milliseconds waiting_time{30'000};
  /// Bytes queued to one internal client; beyond them texts wait as if it were not connected.
  std::size_t max_internal_queue_bytes = 16'777'216;
  /// Internal clients at once; one more is closed with 1013.
  std::size_t max_internal_clients = 64;
  /// An internal client that takes nothing of its queue for so long is dropped.
  std::chrono::milliseconds internal_stall{60'000};
  /// Ids of refused texts that are remembered, so that a repetition has the same answer. The lowest go first.
  std::size_t max_refused_ids = 256;
  /// Gaps in the ids of a session's texts that are remembered, so that a text which comes too late for its place is
  /// told from a repeated one. The lowest go first.
  std::size_t max_id_gaps = 64;
  /// First frame of the user, counted from the end of the handshake.
  std::chrono::milliseconds hello_timeout{5'000};
  /// How long the user's side has to close by itself after a fatal error, and an encrypted internal link at a stop.
  std::chrono::milliseconds fatal_linger{2'000};
  /// Frames and replies not sent yet to one user who is there; one that lets more pile up is disconnected, and its
  /// replies are kept as far as the bounds above go. At least max_kept_reply_bytes and a frame.
  std::size_t max_user_queue_bytes = 1'048'576;
  /// Silence before a ping, and silence that ends a connection, on both ports.
  std::chrono::milliseconds ping_after{25'000};
  std::chrono::milliseconds silence_limit{60'000};
  /// How long a graceful stop may take.
  std::chrono::milliseconds stop_timeout{10'000};

  /// Whether every field is in its range, also against each other.
  [[nodiscard]] bool validate() const noexcept;
};

}  // namespace flowersec::ownwire
