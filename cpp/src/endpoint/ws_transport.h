// A WebSocket as a session's transport. Layer endpoint, private; on the session's strand.
#pragma once

#include <memory>

#include "flowersec/session/transport.h"
#include "flowersec/ws/message_socket.h"

namespace flowersec::endpoint {

/// `socket` was made with the session's strand as its executor.
[[nodiscard]] std::unique_ptr<::flowersec::session::transport> make_ws_transport(ws::message_socket socket);

}  // namespace flowersec::endpoint
