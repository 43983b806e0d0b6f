#include "ws/address.h"

#include <algorithm>
#include <charconv>

#include "flowersec/base/error.h"
#include "flowersec/base/text.h"

namespace flowersec::ws {

namespace asio = boost::asio;
using asio::ip::address;
using asio::ip::address_v6;

namespace {

constexpr unsigned mapped_bits = 96;
constexpr unsigned address_bits = 128;

address_v6 as_v6(const address& any) {
  return any.is_v4() ? asio::ip::make_address_v6(asio::ip::v4_mapped, any.to_v4()) : any.to_v6();
}

std::optional<address> parse_address(std::string_view text) {
  // An IPv6 entry may stand in brackets, and some proxies add a port.
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    text = text.substr(1, end - 1);
  } else if (std::ranges::count(text, ':') == 1) {
    text = text.substr(0, text.find(':'));
  }
  error_code failed;
  const auto parsed = asio::ip::make_address(text, failed);
  if (failed || (parsed.is_v6() && parsed.to_v6().scope_id() != 0)) return std::nullopt;
  return unmapped(parsed);
}

bool same_prefix(const address_v6& a, const address_v6& b, unsigned bits) noexcept {
  const auto left = a.to_bytes();
  const auto right = b.to_bytes();
  for (std::size_t i = 0; i < left.size() && bits != 0; ++i) {
    const unsigned now = std::min(bits, 8U);
    if (((left[i] ^ right[i]) >> (8U - now)) != 0) return false;
    bits -= now;
  }
  return true;
}

visitor_address describe(const address& any) {
  if (any.is_v4()) return {.counted = any.to_string(), .shown = any.to_string()};
  auto bytes = any.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  return {.counted = address_v6{bytes}.to_string() + "/64", .shown = any.to_string()};
}

/// The entries of all fields of that name, as one list.
std::vector<std::string_view> forwarded_for(const header_list& head) {
  std::vector<std::string_view> entries;
  for (const auto& field : head.fields) {
    if (!ascii_iequals(field.name, "X-Forwarded-For")) continue;
    auto rest = field.value;
    while (true) {
      const auto comma = rest.find(',');
      entries.push_back(trim(rest.substr(0, comma)));
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return entries;
}

/// A trusted one where the header says no other.
address nearest_of(const address& peer, const header_list& head, const network_list& trusted) {
  auto nearest = unmapped(peer);
  if (!trusted.contains(nearest)) return nearest;
  const auto entries = forwarded_for(head);
  for (auto at = entries.rbegin(); at != entries.rend(); ++at) {
    const auto named = parse_address(*at);
    if (!named) break;
    nearest = *named;
    if (!trusted.contains(nearest)) break;
  }
  return nearest;
}

}  // namespace

address unmapped(const address& any) {
  if (!any.is_v6() || !any.to_v6().is_v4_mapped()) return any;
  return asio::ip::make_address_v4(asio::ip::v4_mapped, any.to_v6());
}

std::optional<network_list> network_list::parse(const std::vector<std::string>& entries) {
  network_list list;
  for (const auto& entry : entries) {
    const auto text = trim(entry);
    const auto slash = text.find('/');
    error_code failed;
    const auto base = asio::ip::make_address(text.substr(0, slash), failed);
    if (failed) return std::nullopt;
    unsigned prefix = base.is_v4() ? address_bits - mapped_bits : address_bits;
    if (slash != std::string_view::npos) {
      const auto digits = text.substr(slash + 1);
      unsigned given = 0;
      const auto [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), given);
      if (wrong != std::errc{} || end != digits.data() + digits.size() || given > prefix) return std::nullopt;
      prefix = given;
    }
    if (base.is_v4()) prefix += mapped_bits;
    list.networks_.push_back({.base = as_v6(base), .prefix = prefix});
  }
  return list;
}

bool network_list::contains(const address& any) const noexcept {
  const auto wanted = as_v6(any);
  return std::ranges::any_of(networks_, [&](const network& net) { return same_prefix(net.base, wanted, net.prefix); });
}

visitor_address address_of_visitor(const address& peer, const header_list& head, const network_list& trusted) {
  return describe(nearest_of(peer, head, trusted));
}

std::optional<visitor_address> address_behind_proxies(const address& peer, const header_list& head,
                                                      const network_list& trusted) {
  const auto nearest = nearest_of(peer, head, trusted);
  if (trusted.contains(nearest)) return std::nullopt;
  return describe(nearest);
}

visitor_address address_as_told(std::string_view text) {
  const auto parsed = parse_address(text);
  return parsed ? describe(*parsed) : visitor_address{.counted = std::string{text}, .shown = std::string{text}};
}

}  // namespace flowersec::ws
