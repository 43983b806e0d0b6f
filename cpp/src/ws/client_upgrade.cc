#include "ws/client_upgrade.h"

#include <openssl/evp.h>

#include <array>

#include "flowersec/base/text.h"
#include "flowersec/ws/upgrade.h"

namespace flowersec::ws {
namespace {

constexpr unsigned switching_protocols = 101;

bool is_token(std::string_view name) noexcept {
  constexpr std::string_view symbols = "!#$%&'*+-.^_`|~";  // RFC 9110 section 5.6.2
  return !name.empty() && std::ranges::all_of(name, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           symbols.find(c) != std::string_view::npos;
  });
}

/// No control characters: above all no line break that would start a header of the caller's making.
bool is_field_value(std::string_view value) noexcept {
  return std::ranges::all_of(value, [](unsigned char c) { return (c >= 0x20 && c != 0x7f) || c == '\t'; });
}

bool belongs_to_upgrade(std::string_view name) {
  const auto lower = ascii_lower(name);
  return lower == "host" || lower == "origin" || lower == "connection" || lower == "upgrade" ||
         lower == "content-length" || lower == "transfer-encoding" || lower.starts_with("sec-websocket-");
}

}  // namespace

result<std::string> make_upgrade_key(random_source& random) {
  constexpr std::size_t key_bytes = 16;
  std::array<std::byte, key_bytes> key;
  if (!random.fill(key)) return make_error_code(ws_errc::random_failed);
  std::array<unsigned char, (key_bytes + 2) / 3 * 4 + 1> text;
  const auto length =
      EVP_EncodeBlock(text.data(), reinterpret_cast<const unsigned char*>(key.data()), static_cast<int>(key.size()));
  return std::string{reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(length)};
}

result<std::string> upgrade_request_text(const url& target, std::string_view key,
                                         const std::optional<std::string>& origin,
                                         const std::vector<extra_header>& headers,
                                         const std::optional<std::string>& subprotocol) {
  const auto invalid = make_error_code(ws_errc::header_invalid);
  std::string text = "GET " + target.target + " HTTP/1.1\r\nHost: " + target.host_header() +
                     "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Key: " +
                     std::string{key} + "\r\n";
  if (origin) {
    if (!is_field_value(*origin)) return invalid;
    text += "Origin: " + *origin + "\r\n";
  }
  if (subprotocol) {
    if (!is_token(*subprotocol)) return invalid;
    text += "Sec-WebSocket-Protocol: " + *subprotocol + "\r\n";
  }
  for (const auto& header : headers) {
    if (!is_token(header.name) || belongs_to_upgrade(header.name) || !is_field_value(header.value)) return invalid;
    text += header.name + ": " + header.value + "\r\n";
  }
  return text += "\r\n";
}

error_code check_upgrade_response(const response_head& head, std::string_view key,
                                  const std::optional<std::string>& offered) {
  if (head.status != switching_protocols) return upgrade_refused(head.status);
  if (!head.list_contains("Upgrade", "websocket") || !head.list_contains("Connection", "upgrade") ||
      trim(head.first("Sec-WebSocket-Accept").value_or("")) != sec_websocket_accept(key)) {
    return make_error_code(ws_errc::upgrade_invalid);
  }
  if (!is_blank(head.first("Sec-WebSocket-Extensions").value_or(""))) {
    return make_error_code(ws_errc::extension_selected);
  }
  const auto selected = selected_subprotocol(head);
  if (!selected.empty() && selected != offered) return make_error_code(ws_errc::subprotocol_selected);
  return {};
}

std::string selected_subprotocol(const response_head& head) {
  return std::string{trim(head.first("Sec-WebSocket-Protocol").value_or(""))};
}

}  // namespace flowersec::ws
