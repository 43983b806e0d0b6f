// Addresses as text. See source.h.
#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "flowersec/base/text.h"
#include "flowersec/tunnel/source.h"

namespace flowersec::tunnel {

namespace {

constexpr unsigned address_bits = 128;
constexpr unsigned mapped_bits = 96;
constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::optional<ip_address> parse_v4(std::string_view text) {
  in_addr parsed{};
  if (::inet_pton(AF_INET, std::string{text}.c_str(), &parsed) != 1) return std::nullopt;
  ip_address address;
  std::ranges::copy(mapped_prefix, address.bytes.begin());
  std::memcpy(address.bytes.data() + mapped_prefix.size(), &parsed, sizeof parsed);
  return address;
}

std::optional<ip_address> parse_v6(std::string_view text) {
  ip_address address;
  const std::string without_zone{text.substr(0, text.find('%'))};
  if (::inet_pton(AF_INET6, without_zone.c_str(), address.bytes.data()) != 1) return std::nullopt;
  return address;
}

std::optional<unsigned> parse_number(std::string_view text, unsigned most) {
  unsigned number = 0;
  const auto* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc{} || parsed.ptr != end || number > most) return std::nullopt;
  return number;
}

/// The text behind an address is empty or a port.
bool is_port_or_nothing(std::string_view text) {
  constexpr unsigned highest_port = 65535;
  return text.empty() || (text.starts_with(':') && parse_number(text.substr(1), highest_port));
}

/// A nul byte would end the text early for inet_pton.
bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

}  // namespace

bool ip_address::is_v4() const noexcept {
  return std::equal(mapped_prefix.begin(), mapped_prefix.end(), bytes.begin());
}

std::optional<ip_address> parse_ip_address(std::string_view text) {
  text = trim(text);
  if (has_nul(text)) return std::nullopt;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos || !is_port_or_nothing(text.substr(close + 1))) return std::nullopt;
    return parse_v6(text.substr(1, close - 1));
  }
  const auto colon = text.find(':');
  if (colon != text.rfind(':')) return parse_v6(text);
  if (colon == std::string_view::npos) return parse_v4(text);
  return is_port_or_nothing(text.substr(colon)) ? parse_v4(text.substr(0, colon)) : std::nullopt;
}

std::string to_text(const ip_address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const auto offset = address.is_v4() ? mapped_prefix.size() : 0;
  ::inet_ntop(address.is_v4() ? AF_INET : AF_INET6, address.bytes.data() + offset, text.data(), text.size());
  return text.data();
}

bool ip_network::contains(const ip_address& other) const noexcept {
  if (address.is_v4() != other.is_v4()) return false;
  const auto whole = prefix_bits / 8;
  if (!std::equal(address.bytes.begin(), address.bytes.begin() + whole, other.bytes.begin())) return false;
  if (prefix_bits % 8 == 0) return true;
  const auto difference = static_cast<unsigned>(address.bytes[whole] ^ other.bytes[whole]);
  return difference >> (8 - prefix_bits % 8) == 0;
}

std::optional<ip_network> parse_ip_network(std::string_view text) {
  text = trim(text);
  if (has_nul(text)) return std::nullopt;
  const auto slash = text.find('/');
  const auto name = text.substr(0, slash);
  const bool v6 = name.find(':') != std::string_view::npos;
  const auto address = v6 && name.find('%') != std::string_view::npos ? std::nullopt
                       : v6                                           ? parse_v6(name)
                                                                      : parse_v4(name);
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return ip_network{*address, address_bits};
  const unsigned before = v6 ? 0 : mapped_bits;
  const auto bits = parse_number(text.substr(slash + 1), address_bits - before);
  if (!bits) return std::nullopt;
  return ip_network{*address, before + *bits};
}

std::string_view to_text(source_bound bound) noexcept {
  return bound == source_bound::connections ? "connections" : "attach rate";
}

}  // namespace flowersec::tunnel
