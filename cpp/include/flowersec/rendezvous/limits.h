// What a registry, its clients and two peers of a channel may make each other hold.
// Layer rendezvous, part `frames`. Source: LIMITS, "Registry".
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace flowersec::rendezvous {

// Constants of the format; nobody may tune them.
inline constexpr std::size_t max_registry_frame_bytes = 16'384;
inline constexpr std::size_t max_offered_keys = 8;  ///< in a challenge
inline constexpr std::size_t max_watched_keys = 64;
inline constexpr std::size_t max_note_bytes = 256;
inline constexpr std::size_t instance_bytes = 16;
inline constexpr std::size_t max_id_bytes = 64;  ///< of a call id and of a session's name
inline constexpr std::size_t max_message_frame_bytes = 1'048'576;
inline constexpr std::chrono::seconds challenge_lifetime{10};
inline constexpr std::chrono::seconds challenge_lifetime_with_work{30};
inline constexpr std::chrono::seconds keepalive_interval{25};
inline constexpr std::chrono::seconds silence_limit{60};

/// What a registry lets others make it hold. Worst memory: about a kilobyte for each registered key and its socket,
/// max_watched_keys times 32 bytes for each that watches, and max_queue_bytes for each socket that does not read.
struct registry_limits {
  /// Registrations of one address: so many at once, then so many per second. Beyond them a challenge asks for work,
  /// or, without that, the registration is refused.
  std::uint32_t registration_burst = 4;
  std::uint32_t registrations_per_second = 4;
  /// Addresses whose registrations are remembered. One more takes the place of the one that was longest away.
  std::size_t max_addresses = 65'536;
  /// Sockets that have not registered: of one address (one more is refused), and in all (the oldest is dropped).
  std::size_t max_unregistered_per_address = 8;
  std::size_t max_unregistered = 4'096;
  std::size_t max_keys = 100'000;
  /// Calls of one key: so many at once, and as many again in a minute.
  std::uint32_t calls_per_minute = 20;
  /// Calls of one key that are not answered yet.
  std::size_t max_open_calls = 8;
  /// Calls to one key that ring. One more takes the place of the one that has rung longest, which nobody answers then.
  std::size_t max_ringing_calls = 64;
  /// Leading zero bits that a challenge asks for when it asks for work. At most identity::max_work_bits.
  unsigned work_bits = 16;
  /// From a call to the answer that its recipient is not available, whatever the reason.
  std::chrono::milliseconds unavailable_after{20'000};
  /// A socket that says nothing for so long is dropped.
  std::chrono::milliseconds silence = silence_limit;
  /// Bytes of frames not sent yet to one socket; beyond them it is dropped.
  std::size_t max_queue_bytes = 262'144;
  /// How long the other side has to close by itself after a fatal error.
  std::chrono::milliseconds fatal_linger{2'000};
  /// How long a graceful stop may take.
  std::chrono::milliseconds stop_timeout{10'000};

  /// Whether every field is in its range, also against each other.
  [[nodiscard]] bool validate() const noexcept;
};

/// What a client lets its application and its registries make it hold.
struct client_limits {
  /// Messages of one contact that wait for their acknowledgement, and their bytes. One more is not taken.
  std::size_t max_queue = 100;
  std::size_t max_queue_bytes = 1'048'576;
  /// A channel without a message or a stream of the application for so long is closed.
  std::chrono::milliseconds channel_idle{600'000};
  /// From the opened connection to `registered`; work comes on top.
  std::chrono::milliseconds registration_timeout{10'000};

  [[nodiscard]] bool validate() const noexcept;
};

}  // namespace flowersec::rendezvous
