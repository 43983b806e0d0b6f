// One internal client, between its connection and the hub: on a WebSocket in clear, or on a stream of an encrypted
// session.
// Layer ownwire, private, on Asio. Runs on the core's strand.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "flowersec/endpoint/session.h"
#include "flowersec/ws/message_socket.h"
#include "ownwire/core.h"

namespace flowersec::ownwire {

/// `socket` is upgraded, on the core's strand. Returns when the connection is over.
boost::asio::awaitable<void> serve_client(std::shared_ptr<core> owner, ws::message_socket socket, dialect how,
                                          std::string remote_addr);

/// Waits for the stream ownwire/internal for hello_timeout; JSON frames of the compatible dialect. `arriving`: what the
/// core expects.
boost::asio::awaitable<void> serve_client(std::shared_ptr<core> owner, endpoint::session session,
                                          std::shared_ptr<farewell> arriving, const gateway_limits& limits,
                                          std::string remote_addr);

}  // namespace flowersec::ownwire
