// The client's half of the WebSocket upgrade: request text and the check of the answer.
// Layer ws, no I/O. Source: RFC 6455 section 4.1; PROTOCOL, "Opening handshake".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flowersec/base/random.h"
#include "flowersec/ws/connect.h"
#include "ws/response_head.h"

namespace flowersec::ws {

/// Value for Sec-WebSocket-Key: base64 of 16 random bytes. Errors: random_failed.
[[nodiscard]] result<std::string> make_upgrade_key(random_source& random);

/// Errors   header_invalid: a name or subprotocol that is no token, a value with control characters, a header of the
///          upgrade itself.
[[nodiscard]] result<std::string> upgrade_request_text(const url& target, std::string_view key,
                                                       const std::optional<std::string>& origin,
                                                       const std::vector<extra_header>& headers,
                                                       const std::optional<std::string>& subprotocol = {});

/// Success only for a 101 that proves to have understood `key` and selects nothing but `offered`, or nothing.
/// Errors   upgrade_refused(status), upgrade_invalid, extension_selected, subprotocol_selected.
[[nodiscard]] error_code check_upgrade_response(const response_head& head, std::string_view key,
                                                const std::optional<std::string>& offered = {});

/// The subprotocol that a checked answer selects; empty for none.
[[nodiscard]] std::string selected_subprotocol(const response_head& head);

}  // namespace flowersec::ws
