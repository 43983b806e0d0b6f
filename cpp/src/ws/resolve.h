// Name resolution that a cancellation leaves at once: Asio's own waits for getaddrinfo().
// Layer ws, private.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "flowersec/base/error.h"

namespace flowersec::ws {

using endpoint_list = std::vector<boost::asio::ip::tcp::endpoint>;

/// IP literals are not looked up.
[[nodiscard]] boost::asio::awaitable<std::tuple<error_code, endpoint_list>> resolve(std::string host,
                                                                                    std::uint16_t port);

}  // namespace flowersec::ws
