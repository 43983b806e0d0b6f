// What a supervised connection looks like from outside.
// Layer endpoint. Source: RECONNECT, "States".
#pragma once

#include <cstdint>
#include <string_view>

#include "flowersec/base/error.h"
#include "flowersec/endpoint/session.h"

namespace flowersec::endpoint {

enum class connection_status : std::uint8_t {
  disconnected,  ///< before the first connect, and after disconnect
  connecting,    ///< an attempt is under way, or the wait before one
  connected,     ///< there is a session
  error,         ///< given up: `error` says why, and only connect goes on
};

[[nodiscard]] std::string_view to_string(connection_status status) noexcept;

/// A snapshot.
struct connection_state {
  connection_status status = connection_status::disconnected;
  error_code error;           ///< connecting: the last failure, if there was one; error: the final one; else none
  endpoint::session session;  ///< set while connected
};

}  // namespace flowersec::endpoint
