#include "flowersec/ws/frame.h"

#include <cassert>

namespace flowersec::ws {
namespace {

constexpr std::uint8_t fin_bit = 0x80;
constexpr std::uint8_t reserved_mask = 0x70;
constexpr std::uint8_t opcode_mask = 0x0f;
constexpr std::uint8_t mask_bit = 0x80;
constexpr std::uint8_t length_mask = 0x7f;
constexpr std::uint8_t length_16_bit = 126;
constexpr std::uint8_t length_64_bit = 127;

constexpr bool is_known(std::uint8_t op) noexcept { return op <= 0x2 || (op >= 0x8 && op <= 0xa); }

header_decoding violation(ws_errc error) noexcept {
  return {.result = header_decoding::outcome::violation, .error = error, .header = {}};
}

/// What the first two bytes alone show.
std::optional<ws_errc> check_fixed_part(std::uint8_t first, std::uint8_t second, role sender) noexcept {
  if ((first & reserved_mask) != 0) return ws_errc::reserved_bits;
  const std::uint8_t op = first & opcode_mask;
  if (!is_known(op)) return ws_errc::unknown_opcode;
  if (is_control(static_cast<opcode>(op))) {
    if ((first & fin_bit) == 0) return ws_errc::control_fragmented;
    if ((second & length_mask) > max_control_payload_bytes) return ws_errc::control_too_long;
  }
  const bool masked = (second & mask_bit) != 0;
  if (sender == role::client && !masked) return ws_errc::mask_missing;
  if (sender == role::server && masked) return ws_errc::mask_unexpected;
  return std::nullopt;
}

}  // namespace

header_decoding decode_frame_header(byte_view bytes, role sender) noexcept {
  byte_reader in{bytes};
  const auto fixed = in.read<std::uint16_t>();
  if (!fixed) return {};
  const auto first = static_cast<std::uint8_t>(*fixed >> 8);
  const auto second = static_cast<std::uint8_t>(*fixed);
  if (const auto error = check_fixed_part(first, second, sender)) return violation(*error);

  header_decoding decoded;
  auto& header = decoded.header;
  header.op = static_cast<opcode>(first & opcode_mask);
  header.fin = (first & fin_bit) != 0;
  header.payload_bytes = second & length_mask;
  if (header.payload_bytes == length_16_bit) {
    const auto length = in.read<std::uint16_t>();
    if (!length) return {};
    if (*length < length_16_bit) return violation(ws_errc::length_not_minimal);
    header.payload_bytes = *length;
  } else if (header.payload_bytes == length_64_bit) {
    const auto length = in.read<std::uint64_t>();
    if (!length) return {};
    if (*length > max_frame_payload_bytes) return violation(ws_errc::reserved_bits);
    if (*length <= 0xffff) return violation(ws_errc::length_not_minimal);
    header.payload_bytes = *length;
  }
  if ((second & mask_bit) != 0) {
    const auto key = in.take(sizeof(mask_key));
    if (!key) return {};
    std::copy(key->begin(), key->end(), header.mask.emplace().begin());
  }
  decoded.result = header_decoding::outcome::complete;
  decoded.header_bytes = static_cast<std::uint8_t>(bytes.size() - in.size());
  return decoded;
}

std::size_t encode_frame_header(std::byte* to, const frame_header& header) noexcept {
  std::byte* at = to;
  *at++ = static_cast<std::byte>(static_cast<std::uint8_t>(header.op) | (header.fin ? fin_bit : 0));
  const std::uint8_t mask = header.mask ? mask_bit : 0;
  if (header.payload_bytes < length_16_bit) {
    *at++ = static_cast<std::byte>(mask | header.payload_bytes);
  } else if (header.payload_bytes <= 0xffff) {
    *at++ = static_cast<std::byte>(mask | length_16_bit);
    store_be(at, static_cast<std::uint16_t>(header.payload_bytes));
    at += sizeof(std::uint16_t);
  } else {
    *at++ = static_cast<std::byte>(mask | length_64_bit);
    store_be(at, header.payload_bytes);
    at += sizeof(std::uint64_t);
  }
  if (header.mask) at = std::copy(header.mask->begin(), header.mask->end(), at);
  return static_cast<std::size_t>(at - to);
}

void finish_frame_in_place(mutable_byte_view frame, const frame_header& header) noexcept {
  assert(frame.size() == frame_header_bytes(header.payload_bytes, header.mask.has_value()) + header.payload_bytes);
  const auto used = encode_frame_header(frame.data(), header);
  if (header.mask) apply_mask(frame.subspan(used), *header.mask);
}

byte_buffer make_frame(opcode op, byte_view payload, std::optional<mask_key> mask) {
  const frame_header header{.op = op, .fin = true, .mask = mask, .payload_bytes = payload.size()};
  byte_buffer frame(frame_header_bytes(payload.size(), mask.has_value()));
  append(frame, payload);
  finish_frame_in_place(frame, header);
  return frame;
}

}  // namespace flowersec::ws
