// A look at an INIT before any credential is known, for servers that resolve the credential by channel.
// Layer handshake. Nothing seen here is authenticated: it may choose a credential, it may not consume one.
// Source: PROTOCOL, "Endpoint, direct".
#pragma once

#include <string>

#include "flowersec/crypto/dh.h"
#include "flowersec/handshake/errc.h"
#include "flowersec/handshake/frame.h"

namespace flowersec::handshake {

struct init_peek {
  std::string channel_id;
  crypto::suite suite;
  std::uint32_t client_features;
};

/// Checks the structure only. The same frame is given to server_handshake afterwards.
/// Errors   the frame checks, handshake_errc::malformed_message, ::blank_channel_id, ::malformed_channel_id,
///          ::unsupported_init, in this order.
[[nodiscard]] result<init_peek> peek_init(byte_view frame, const handshake_limits& limits);

}  // namespace flowersec::handshake
