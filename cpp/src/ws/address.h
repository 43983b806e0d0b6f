// Where a user comes from: the peer's address, or what a trusted proxy says it is.
// Layer ws, part `front`, private, no I/O. Source: PROTOCOL, "OwnWire, public WebSocket".
#pragma once

#include <boost/asio/ip/address.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flowersec/ws/header_list.h"
#include "ws/visitors.h"

namespace flowersec::ws {

/// An IPv4 address as itself, also when it came over a socket for both families.
[[nodiscard]] boost::asio::ip::address unmapped(const boost::asio::ip::address& any);

/// Addresses as a list of networks. An IPv4 address that came over IPv6 is the IPv4 address.
class network_list {
 public:
  /// Entries are addresses or address/prefix. nullopt: one of them is neither.
  [[nodiscard]] static std::optional<network_list> parse(const std::vector<std::string>& entries);

  [[nodiscard]] bool contains(const boost::asio::ip::address& address) const noexcept;

 private:
  struct network {
    boost::asio::ip::address_v6 base;  // IPv4 mapped
    unsigned prefix;
  };
  std::vector<network> networks_;
};

/// The address of a user: the peer's, unless that is a trusted proxy; then the rightmost entry of X-Forwarded-For that
/// is not one. A header that is no list of addresses is believed up to where it stops being one.
/// Counted are IPv4 addresses whole and IPv6 addresses by their first 64 bits, which one household has.
[[nodiscard]] visitor_address address_of_visitor(const boost::asio::ip::address& peer, const header_list& head,
                                                 const network_list& trusted);

/// The same, nullopt when that is a trusted proxy itself: nobody knows whose the connection is.
[[nodiscard]] std::optional<visitor_address> address_behind_proxies(const boost::asio::ip::address& peer,
                                                                    const header_list& head,
                                                                    const network_list& trusted);

/// What address_of_visitor says of an address that was told in so many words; what is no address is counted as it
/// stands.
[[nodiscard]] visitor_address address_as_told(std::string_view text);

}  // namespace flowersec::ws
