#include "flowersec/handshake/frame.h"

#include "flowersec/handshake/errc.h"

namespace flowersec::handshake {
namespace {

constexpr std::uint32_t magic = 0x46534548;  // "FSEH"
constexpr std::size_t smallest_max_payload = 2048;
constexpr std::size_t largest_max_payload = std::size_t{1} << 20;

}  // namespace

result<void> validate(const handshake_limits& limits) noexcept {
  if (limits.max_payload_bytes < smallest_max_payload || limits.max_payload_bytes > largest_max_payload) {
    return handshake_errc::bad_limits;
  }
  return {};
}

byte_buffer encode_frame(frame_type type, std::string_view payload) {
  byte_buffer frame;
  frame.reserve(header_bytes + payload.size());
  append_be(frame, magic);
  append_be(frame, frame_version);
  append_be(frame, static_cast<std::uint8_t>(type));
  append_be(frame, static_cast<std::uint32_t>(payload.size()));
  append(frame, payload);
  return frame;
}

result<frame_parts> decode_frame(byte_view frame, const handshake_limits& limits) noexcept {
  if (frame.size() < header_bytes) return handshake_errc::frame_too_short;
  const auto* at = frame.data();
  if (load_be<std::uint32_t>(at) != magic) return handshake_errc::bad_magic;
  if (load_be<std::uint8_t>(at + 4) != frame_version) return handshake_errc::unsupported_frame_version;
  const auto length = load_be<std::uint32_t>(at + 6);
  if (length > limits.max_payload_bytes) return handshake_errc::payload_too_large;
  if (frame.size() - header_bytes != length) return handshake_errc::size_mismatch;
  return frame_parts{load_be<std::uint8_t>(at + 5), as_text(frame.subspan(header_bytes))};
}

result<std::string_view> decode_frame(byte_view frame, frame_type expected, const handshake_limits& limits) noexcept {
  const auto parts = decode_frame(frame, limits);
  if (!parts) return parts.error();
  if (parts->type != static_cast<std::uint8_t>(expected)) return handshake_errc::unexpected_type;
  return parts->payload;
}

}  // namespace flowersec::handshake
