// The WebSocket frame header: a strict decoder and an encoder.
// Layer ws, no I/O, no allocation. Knows nothing of messages: see message_reader. Source: RFC 6455 section 5.2.
#pragma once

#include <cstdint>
#include <optional>

#include "flowersec/base/bytes.h"
#include "flowersec/ws/error.h"
#include "flowersec/ws/mask.h"

namespace flowersec::ws {

enum class opcode : std::uint8_t {
  continuation = 0x0,
  text = 0x1,
  binary = 0x2,
  close = 0x8,
  ping = 0x9,
  pong = 0xa,
};

[[nodiscard]] constexpr bool is_control(opcode op) noexcept { return (static_cast<unsigned>(op) & 0x8u) != 0; }

/// Which side of the connection. A client's frames are masked, a server's are not.
enum class role : std::uint8_t { client, server };

[[nodiscard]] constexpr role peer_of(role own) noexcept { return own == role::client ? role::server : role::client; }

inline constexpr std::size_t max_frame_header_bytes = 14;
inline constexpr std::size_t max_control_payload_bytes = 125;
/// Largest payload a frame can announce: 2^63 - 1.
inline constexpr std::uint64_t max_frame_payload_bytes = 0x7fff'ffff'ffff'ffff;

struct frame_header {
  opcode op = opcode::binary;
  bool fin = true;
  std::optional<mask_key> mask;
  std::uint64_t payload_bytes = 0;

  friend bool operator==(const frame_header&, const frame_header&) = default;
};

/// Outcome of decoding: complete (`header`, `header_bytes` of input used), need_more, or violation (`error`; the
/// connection must end).
struct header_decoding {
  enum class outcome : std::uint8_t { complete, need_more, violation };
  outcome result = outcome::need_more;
  std::uint8_t header_bytes = 0;
  ws_errc error{};
  frame_header header;
};

/// Decodes the header at the front of `bytes`, as sent by `sender`.
/// Shape    2 bytes, then 0, 2 or 8 bytes of length, then 4 bytes of mask key when the sender is a client.
/// Errors   reserved_bits, unknown_opcode, control_fragmented, control_too_long, length_not_minimal, mask_missing,
///          mask_unexpected. Reported as early as the bytes show them. Continuation rules are the reader's.
[[nodiscard]] header_decoding decode_frame_header(byte_view bytes, role sender) noexcept;

/// Bytes that encode_frame_header writes for a payload of this size: 2, 4 or 10, plus 4 with a mask.
[[nodiscard]] constexpr std::size_t frame_header_bytes(std::uint64_t payload_bytes, bool masked) noexcept {
  const std::size_t length_bytes = payload_bytes < 126 ? 0 : payload_bytes <= 0xffff ? 2 : 8;
  return 2 + length_bytes + (masked ? 4 : 0);
}

/// Writes the header in its shortest form to `to`, which has room for frame_header_bytes(), at most 14.
/// Returns the bytes written.
std::size_t encode_frame_header(std::byte* to, const frame_header& header) noexcept;

/// Completes a frame in place. `frame` is header room of exactly frame_header_bytes() followed by the payload,
/// which is masked when `header.mask` is set. `header.payload_bytes` equals the size of that payload.
void finish_frame_in_place(mutable_byte_view frame, const frame_header& header) noexcept;

/// One whole frame in an own buffer, for short ones: control frames and the attach message.
[[nodiscard]] byte_buffer make_frame(opcode op, byte_view payload, std::optional<mask_key> mask);

}  // namespace flowersec::ws
