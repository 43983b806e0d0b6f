#include "flowersec/ws/upgrade.h"

#include <openssl/evp.h>

#include <array>

#include "flowersec/base/text.h"

namespace flowersec::ws {
namespace {

constexpr std::string_view accept_guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 section 1.3
constexpr std::size_t sha1_bytes = 20;

constexpr std::string_view reason_phrase(unsigned status) noexcept {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    default:
      return "Error";
  }
}

/// Base64 of 16 bytes. Stray low bits in the last character pass: they carry nothing and some encoders set them.
bool is_valid_key(std::string_view key) noexcept {
  constexpr std::size_t digits = 22;
  constexpr std::string_view padding = "==";
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return key.size() == digits + padding.size() && key.ends_with(padding) && key.find_first_not_of(alphabet) == digits;
}

std::string plain_text(unsigned status, std::string_view extra_header, std::string_view body, bool keep_alive) {
  std::string text = "HTTP/1.1 " + std::to_string(status) + ' ' + std::string{reason_phrase(status)} + "\r\n";
  text += "Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n";
  text += extra_header;
  text += "Content-Length: " + std::to_string(body.size() + 1) + "\r\n";
  if (!keep_alive) text += "Connection: close\r\n";
  text += "\r\n";
  text += body;
  text += '\n';
  return text;
}

}  // namespace

bool asks_for_upgrade(const request_head& head) {
  return head.list_contains("Connection", "upgrade") && head.list_contains("Upgrade", "websocket");
}

std::optional<refusal> check_upgrade(const request_head& head, const origin_policy& origins) {
  if (!asks_for_upgrade(head)) return refusal::bad_request;
  if (head.method != "GET") return refusal::method_not_allowed;
  if (!head.list_contains("Sec-WebSocket-Version", "13")) return refusal::bad_request;
  if (!origins.allows(head.first("Origin"))) return refusal::forbidden;
  if (!is_valid_key(trim(head.first("Sec-WebSocket-Key").value_or("")))) return refusal::bad_request;
  return std::nullopt;
}

std::string sec_websocket_accept(std::string_view key) {
  const std::string proof = std::string{key}.append(accept_guid);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  // SHA-1 proves only that the server speaks WebSocket; nothing rests on its strength.
  EVP_Digest(proof.data(), proof.size(), digest.data(), nullptr, EVP_sha1(), nullptr);
  std::array<unsigned char, (sha1_bytes + 2) / 3 * 4 + 1> text;
  const auto length = EVP_EncodeBlock(text.data(), digest.data(), sha1_bytes);
  return {reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(length)};
}

std::string accept_text(const request_head& head, std::string_view subprotocol) {
  std::string text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  text += "Sec-WebSocket-Accept: " + sec_websocket_accept(trim(head.first("Sec-WebSocket-Key").value_or("")));
  if (!subprotocol.empty()) text += "\r\nSec-WebSocket-Protocol: " + std::string{subprotocol};
  return text += "\r\n\r\n";
}

std::string refusal_text(refusal why, bool keep_alive) {
  const auto status = static_cast<unsigned>(why);
  return plain_text(status, "Sec-Websocket-Version: 13\r\n", reason_phrase(status), keep_alive);
}

std::string plain_answer_text(unsigned status, std::string_view body, bool keep_alive) {
  return plain_text(status, "", body, keep_alive);
}

std::string head_only(std::string answer) {
  constexpr std::string_view end_of_head = "\r\n\r\n";
  if (const auto end = answer.find(end_of_head); end != answer.npos) answer.resize(end + end_of_head.size());
  return answer;
}

std::string too_many_requests_text(std::string_view body) {
  constexpr unsigned status = 429;
  return plain_text(status, "Retry-After: 1\r\n", body, false);
}

}  // namespace flowersec::ws
