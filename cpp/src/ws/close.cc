#include "flowersec/ws/close.h"

#include "flowersec/base/text.h"
#include "flowersec/ws/error.h"

namespace flowersec::ws {
namespace {

/// The longest front of `text` that fits and ends between two characters.
std::string_view cut_between_characters(std::string_view text, std::size_t max_bytes) noexcept {
  if (text.size() <= max_bytes) return text;
  const auto is_inside = [&](std::size_t at) { return (static_cast<unsigned char>(text[at]) & 0xc0u) == 0x80u; };
  while (max_bytes > 0 && is_inside(max_bytes)) --max_bytes;
  return text.substr(0, max_bytes);
}

}  // namespace

byte_buffer encode_close_payload(const close_payload& payload) {
  byte_buffer bytes;
  if (!payload.code) return bytes;
  append_be(bytes, *payload.code);
  append(bytes, cut_between_characters(payload.reason, max_close_reason_bytes));
  return bytes;
}

result<close_payload> parse_close_payload(byte_view bytes) {
  if (bytes.empty()) return close_payload{};
  byte_reader in{bytes};
  const auto code = in.read<std::uint16_t>();
  if (!code) return make_error_code(ws_errc::close_payload_invalid);
  if (!is_valid_close_code(*code)) return make_error_code(ws_errc::close_code_invalid);
  const auto reason = as_text(in.rest());
  if (!is_valid_utf8(reason)) return make_error_code(ws_errc::close_payload_invalid);
  return close_payload{.code = *code, .reason = std::string{reason}};
}

}  // namespace flowersec::ws
