#include "flowersec/ws/error.h"

namespace flowersec::ws {

/// HTTP status of a refused upgrade, as a category of its own.
enum class upgrade_status : int {};

const char* describe(upgrade_status /*status*/) noexcept { return "server refused the WebSocket upgrade"; }

namespace {

constexpr errc_category<ws_errc> ws_category{"flowersec.ws"};
constexpr errc_category<upgrade_status> upgrade_category{"flowersec.ws.upgrade"};

}  // namespace

const char* describe(ws_errc code) noexcept {
  switch (code) {
    case ws_errc::reserved_bits:
      return "reserved bits are set";
    case ws_errc::unknown_opcode:
      return "unknown opcode";
    case ws_errc::control_fragmented:
      return "control frame is fragmented";
    case ws_errc::control_too_long:
      return "control frame is too long";
    case ws_errc::length_not_minimal:
      return "length is not in its shortest form";
    case ws_errc::mask_missing:
      return "frame is not masked";
    case ws_errc::mask_unexpected:
      return "frame is masked";
    case ws_errc::continuation_unexpected:
      return "continuation without a message";
    case ws_errc::continuation_expected:
      return "new message inside a fragmented one";
    case ws_errc::close_payload_invalid:
      return "close payload is malformed";
    case ws_errc::close_code_invalid:
      return "close code must not be sent";
    case ws_errc::message_too_big:
      return "message is too big";
    case ws_errc::closed_by_peer:
      return "closed by the peer";
    case ws_errc::abrupt_end:
      return "connection ended without a close frame";
    case ws_errc::closed_locally:
      return "closed on this side";
    case ws_errc::peer_silent:
      return "peer did not answer a keep-alive ping";
    case ws_errc::url_invalid:
      return "not a ws or wss URL";
    case ws_errc::upgrade_invalid:
      return "server's answer to the upgrade is not valid";
    case ws_errc::extension_selected:
      return "server selected an extension that was not offered";
    case ws_errc::subprotocol_selected:
      return "server selected a subprotocol that was not requested";
    case ws_errc::upgrade_declined:
      return "upgrade request was refused";
    case ws_errc::request_invalid:
      return "not an HTTP request";
    case ws_errc::request_too_large:
      return "request header block is too large";
    case ws_errc::header_invalid:
      return "extra request header is not allowed";
    case ws_errc::tls_config_invalid:
      return "TLS certificate, key or CA cannot be used";
    case ws_errc::private_key_encrypted:
      return "a PEM file is encrypted, and no password is asked for";
    case ws_errc::certificate_untrusted:
      return "server certificate is not trusted";
    case ws_errc::certificate_host_mismatch:
      return "server certificate is for another host";
    case ws_errc::tls_failed:
      return "TLS failed";
    case ws_errc::random_failed:
      return "no randomness available";
  }
  return "unknown WebSocket error";
}

error_code make_error_code(ws_errc code) noexcept { return {static_cast<int>(code), ws_category}; }

std::optional<std::uint16_t> close_code_for(ws_errc code) noexcept {
  if (code == ws_errc::message_too_big) return 1009;
  if (code >= ws_errc::reserved_bits && code <= ws_errc::close_code_invalid) return 1002;
  return std::nullopt;
}

error_code upgrade_refused(unsigned status) noexcept { return {static_cast<int>(status), upgrade_category}; }

std::optional<unsigned> refused_status(const error_code& error) noexcept {
  if (error.category() != upgrade_category) return std::nullopt;
  return static_cast<unsigned>(error.value());
}

}  // namespace flowersec::ws
