// The server's half of the WebSocket upgrade: checks in a fixed order, and the answers as text.
// Layer ws, no I/O. Source: RFC 6455 section 4.2; PROTOCOL, "Opening handshake".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "flowersec/ws/origin_policy.h"
#include "flowersec/ws/request_head.h"

namespace flowersec::ws {

/// HTTP status of a refused upgrade: 400, 403 or 405.
enum class refusal : unsigned { bad_request = 400, forbidden = 403, method_not_allowed = 405 };

/// Checks, in this order: Connection has "upgrade" (400), Upgrade has "websocket" (400), GET (405),
/// Sec-WebSocket-Version has 13 (400), Origin (403), Sec-WebSocket-Key is base64 of 16 bytes (400).
/// nullopt when the request may be answered with accept_text(). Path and query are not looked at.
[[nodiscard]] std::optional<refusal> check_upgrade(const request_head& head, const origin_policy& origins);

/// Whether the first two of these checks pass: what fails them is a plain request, and no WebSocket that was refused.
[[nodiscard]] bool asks_for_upgrade(const request_head& head);

/// The value that proves that the server understood `key`: base64(SHA-1(key + GUID)).
[[nodiscard]] std::string sec_websocket_accept(std::string_view key);

/// 101 with Upgrade, Connection and Sec-WebSocket-Accept; no extension, and no subprotocol unless one is named, which
/// `head` offers. `head` has passed check_upgrade().
[[nodiscard]] std::string accept_text(const request_head& head, std::string_view subprotocol = {});

/// The refusal with its reason phrase as body, `Sec-Websocket-Version: 13`, and `Connection: close` unless
/// `keep_alive`.
[[nodiscard]] std::string refusal_text(refusal why, bool keep_alive);

/// Any other plain-text answer in the same form; `body` gets a newline. Used for 400, 404, 431 and 503.
[[nodiscard]] std::string plain_answer_text(unsigned status, std::string_view body, bool keep_alive);

/// An answer without its body, for HEAD.
[[nodiscard]] std::string head_only(std::string answer);

/// 429 in the same form, which invites to try again in a second and closes.
[[nodiscard]] std::string too_many_requests_text(std::string_view body);

}  // namespace flowersec::ws
