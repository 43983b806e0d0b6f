// Where connections come from, and how much one source may take.
// Layer tunnel. Addresses are plain data; nothing is resolved. Any thread.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flowersec::tunnel {

/// An IPv6 address; an IPv4 address in its mapped form (RFC 4291, 2.5.5.2).
struct ip_address {
  std::array<std::uint8_t, 16> bytes{};

  [[nodiscard]] bool is_v4() const noexcept;
  [[nodiscard]] auto operator<=>(const ip_address&) const noexcept = default;
};

/// Accepts what proxies write for an address: 192.0.2.1, 192.0.2.1:4711, 2001:db8::1, [2001:db8::1],
/// [2001:db8::1]:4711, and a zone behind an IPv6 address, which is dropped. White space around it is ignored.
[[nodiscard]] std::optional<ip_address> parse_ip_address(std::string_view text);
/// Without port and brackets; IPv4 in its own form.
[[nodiscard]] std::string to_text(const ip_address& address);

/// A block of addresses of one family.
struct ip_network {
  ip_address address;
  unsigned prefix_bits = 128;  ///< of 128, so 96 more than the text says for IPv4

  [[nodiscard]] bool contains(const ip_address& other) const noexcept;
};

/// An address, or an address, a slash and the length of its prefix: 192.0.2.0/24, 2001:db8::/32, ::1. Bits behind the
/// prefix do not count. nullopt for anything else.
[[nodiscard]] std::optional<ip_network> parse_ip_network(std::string_view text);

/// What one source may take. A source is an IPv4 address or the first 64 bits of an IPv6 address: that much, one
/// customer is given at least.
struct source_limits {
  /// Connections at a time, from the accept on; behind a trusted proxy, from the upgrade on. nullopt: no bound.
  std::optional<std::size_t> max_connections;
  /// Upgrades per second, as many at once when there were none for a second. nullopt: no bound.
  std::optional<std::size_t> attaches_per_second;
  /// Peers whose X-Forwarded-For is believed.
  std::vector<ip_network> trusted_proxies;
};

/// Which of them refused.
enum class source_bound : std::uint8_t { connections, attach_rate };

[[nodiscard]] std::string_view to_text(source_bound bound) noexcept;

}  // namespace flowersec::tunnel
