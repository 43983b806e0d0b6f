// Everything a WebSocket can end with, at the codec and at the socket.
// Layer ws. Knows nothing of Flowersec. Source: RFC 6455; PROTOCOL, "Ping, pong, close".
#pragma once

#include <cstdint>
#include <optional>

#include "flowersec/base/error.h"

namespace flowersec::ws {

enum class ws_errc {
  // What the peer broke. Each ends the connection; the peer is told close_code_for().
  reserved_bits = 1,        ///< RSV1..3 or the top bit of a 64-bit length is set
  unknown_opcode,           ///< 3..7 or 11..15
  control_fragmented,       ///< a control frame without FIN
  control_too_long,         ///< a control frame announcing more than 125 bytes
  length_not_minimal,       ///< a length written in a longer form than it needs
  mask_missing,             ///< a client's frame without a mask
  mask_unexpected,          ///< a server's frame with a mask
  continuation_unexpected,  ///< a continuation frame outside a fragmented message
  continuation_expected,    ///< a new data frame inside a fragmented message
  close_payload_invalid,    ///< one byte, or a reason that is not UTF-8
  close_code_invalid,       ///< a code that must not appear on the wire
  message_too_big,          ///< over the limit of this connection; close code 1009

  // How a connection ended.
  closed_by_peer,  ///< a close frame arrived; its code and reason are kept
  abrupt_end,      ///< the transport ended without a close frame; normal for some implementations
  closed_locally,  ///< this side closed or aborted
  peer_silent,     ///< a keep-alive ping was not answered in time

  // Why a connection was not opened. None of them leaves a socket open.
  url_invalid,                ///< not an absolute ws or wss URL with a host and without user-info
  upgrade_invalid,            ///< the server's answer is not a valid 101
  extension_selected,         ///< the server selected an extension that was not offered
  subprotocol_selected,       ///< the server selected a subprotocol that was not requested
  upgrade_declined,           ///< server role: the request was refused and answered
  request_invalid,            ///< server role: the bytes are not an HTTP request; answered with 400
  request_too_large,          ///< server role: the header block is over the limit; answered with 431
  header_invalid,             ///< an extra header of the caller is not a valid field or is owned by the upgrade
  tls_config_invalid,         ///< certificate, key or CA could not be loaded
  private_key_encrypted,      ///< a PEM file needs a password; nobody is asked for one
  certificate_untrusted,      ///< the server's certificate does not lead to a trusted one
  certificate_host_mismatch,  ///< it is trusted but made for another host
  tls_failed,                 ///< any other failure of TLS
  random_failed,              ///< the system has no randomness for masks or the upgrade key
};

[[nodiscard]] const char* describe(ws_errc code) noexcept;
[[nodiscard]] error_code make_error_code(ws_errc code) noexcept;

/// What to tell the peer that caused `code`: 1002, 1009, or nullopt when it is not the peer's doing.
[[nodiscard]] std::optional<std::uint16_t> close_code_for(ws_errc code) noexcept;

/// A client's upgrade was answered with this HTTP status instead of 101. Category "flowersec.ws.upgrade",
/// value = status.
[[nodiscard]] error_code upgrade_refused(unsigned status) noexcept;
/// The status inside such an error.
[[nodiscard]] std::optional<unsigned> refused_status(const error_code& error) noexcept;

}  // namespace flowersec::ws

FLOWERSEC_REGISTER_ERRC(flowersec::ws::ws_errc)
