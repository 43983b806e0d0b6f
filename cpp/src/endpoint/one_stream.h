// For clients whose session has one stream, which they open: with a gateway, with a registry. Layer endpoint, private.
// Threads: any.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>

#include "flowersec/endpoint/session.h"

namespace flowersec::endpoint {

/// Resets every stream that the peer opens, so that it cannot make us hold what it says there. Keeps no session alive.
void refuse_streams(const session& of);

/// When the stream is gone: whether the session is over as well, because the peer said that it is going away. Told on
/// `where`, soon.
void ask_draining(const session& of, boost::asio::any_io_executor where, std::function<void(bool)> answer);

}  // namespace flowersec::endpoint
