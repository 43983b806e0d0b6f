// What a registry tells about itself: events for a log, counts for metrics.
// Layer rendezvous, part `registry`. Nothing here says who calls whom. Source: REGISTRY, "Log and metrics".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "flowersec/rendezvous/error.h"

namespace flowersec::rendezvous {

enum class registry_event_kind : std::uint8_t {
  registered,      ///< `key` is there
  unregistered,    ///< it is gone
  replaced,        ///< another process took it over
  refused,         ///< a registration, with `code`
  socket_refused,  ///< too many of its address, or too often
  origin_refused,  ///< `detail` has the origin
  open_failed,     ///< a sealed connection that did not come about
  socket_dropped,  ///< silent, too slow, or the oldest of too many; `detail` says which
  mint_failed,     ///< no grants could be made; `detail` says why
};
[[nodiscard]] std::string_view to_string(registry_event_kind kind) noexcept;

struct registry_event {
  registry_event_kind kind{};
  std::string key{};          ///< the first 8 characters
  std::string remote_addr{};  ///< empty where it does not matter
  std::optional<rendezvous_errc> code{};
  std::string detail{};
};

/// Codes of the wire.
inline constexpr std::size_t registry_codes = static_cast<std::size_t>(rendezvous_errc::refused) - 1;

struct registry_counts {
  // Now.
  std::uint64_t sockets = 0;       ///< admitted ones
  std::uint64_t unregistered = 0;  ///< of those
  std::uint64_t keys = 0;          ///< registered ones
  std::uint64_t legacy_keys = 0;   ///< registered in the compatible mode
  std::uint64_t open_calls = 0;
  std::uint64_t watched = 0;  ///< keys that somebody watches, counted for each who does
  // Since the start.
  std::uint64_t registrations = 0;
  std::uint64_t replacements = 0;
  std::uint64_t works_asked = 0;  ///< challenges with a proof of work
  std::uint64_t calls = 0;
  std::uint64_t calls_accepted = 0;
  std::uint64_t calls_unavailable = 0;
  std::uint64_t calls_cancelled = 0;
  std::uint64_t calls_refused = 0;  ///< over a limit
  std::uint64_t mints_failed = 0;
  std::uint64_t sockets_refused = 0;
  std::uint64_t sockets_dropped = 0;
  std::uint64_t origins_refused = 0;
  std::uint64_t opens_failed = 0;
  std::uint64_t legacy_messages = 0;
  /// `error` frames, by code: the first is already_registered.
  std::array<std::uint64_t, registry_codes> errors{};
};

}  // namespace flowersec::rendezvous
