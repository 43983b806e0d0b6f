// Where a program is told to listen: host:port, as people write it.
// Layer apps. Blocking, for start-up.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <string>
#include <string_view>

#include "flowersec/base/error.h"

namespace flowersec::apps {

/// 0 to 65535, in digits.
[[nodiscard]] bool is_port(std::string_view text);

/// IPv6 in brackets; no host means every interface.
/// Errors   `malformed` when there is no port, or none of 0 to 65535; the resolver's.
[[nodiscard]] result<boost::asio::ip::tcp::endpoint> resolve_listen_address(boost::asio::io_context& context,
                                                                            const std::string& listen,
                                                                            error_code malformed);

/// host:port, IPv6 in brackets.
[[nodiscard]] std::string to_text(const boost::asio::ip::tcp::endpoint& bound);

}  // namespace flowersec::apps
