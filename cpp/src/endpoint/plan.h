// Everything that is checked before a connection is tried, in the order of the lifecycle, and what comes of it.
// Layer endpoint, private. Pure: no network. Source: PROTOCOL, "Client through a tunnel" steps 1 to 6 and its siblings.
#pragma once

#include <optional>
#include <string>

#include "flowersec/endpoint/connect.h"
#include "flowersec/endpoint/direct_listener.h"
#include "flowersec/session/machine.h"
#include "flowersec/ws/connect.h"

namespace flowersec::endpoint {

/// What a connection attempt does, step by step.
struct connect_plan {
  endpoint::path path;
  endpoint::role role;
  std::string channel_id;
  ws::url url;
  ws::connect_options socket;
  /// What is said before the handshake: the attach message of a tunnel, the open message of public-key mode.
  std::optional<messages::sensitive_text> first_text;
  ::flowersec::session::machine_options machine;
};

/// Errors   as async_connect and async_attach_server, stage validate.
[[nodiscard]] result<connect_plan> plan_tunnel(const channel_init_grant& grant, role as,
                                               const connect_options& options);
[[nodiscard]] result<connect_plan> plan_direct(const direct_connect_info& info, const connect_options& options);
[[nodiscard]] result<connect_plan> plan_sealed(const sealed_connect_info& info, const connect_options& options);

/// The machine of a server that knows its credential.
[[nodiscard]] ::flowersec::session::machine_options plan_server(const common_options& options,
                                                                std::optional<std::string> channel_id,
                                                                const crypto::psk& psk, unix_seconds init_exp,
                                                                crypto::suite suite);

/// Errors   validate/invalid_option.
[[nodiscard]] result<void> check(path on, const common_options& options);

/// Largest WebSocket message of a session.
[[nodiscard]] std::size_t max_message_bytes(const session_options& options) noexcept;

[[nodiscard]] inline error_code failure(path on, stage where, endpoint_errc what) {
  return make_error({.path = on, .stage = where, .code = what});
}

}  // namespace flowersec::endpoint
