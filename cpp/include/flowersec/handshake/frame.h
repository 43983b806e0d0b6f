// Layout of the FSEH frame.
// Layer handshake. One frame is one binary transport message. Source: PROTOCOL, "Handshake frame".
#pragma once

#include <cstdint>
#include <string_view>

#include "flowersec/base/bytes.h"
#include "flowersec/base/error.h"

namespace flowersec::handshake {

/// Feature bits of this project begin at 0x00010000. A behaviour is used when both sides have set its bit; peers that
/// do not know it ignore it. This one: windows of streams may grow. Source: PROTOCOL, "Wide windows".
inline constexpr std::uint32_t wide_windows_feature = 0x00010000;

inline constexpr std::uint8_t frame_version = 1;
inline constexpr std::size_t header_bytes = 10;

enum class frame_type : std::uint8_t { init = 1, resp = 2, ack = 3 };

struct handshake_limits {
  /// Largest JSON payload, in either direction. Range 2048..1 MiB (an own INIT always fits the lower bound).
  /// Before it is authenticated a peer can make the transport hold one message of this size.
  std::size_t max_payload_bytes = 8192;
};

/// Errors   handshake_errc::bad_limits.
[[nodiscard]] result<void> validate(const handshake_limits& limits) noexcept;

/// Shape    "FSEH", version, type, u32 length, payload. The caller has checked payload.size() against its limit.
[[nodiscard]] byte_buffer encode_frame(frame_type type, std::string_view payload);

struct frame_parts {
  std::uint8_t type;         ///< as sent: whether it is expected depends on the state, and is judged last
  std::string_view payload;  ///< inside the frame; not yet known to be UTF-8
};

/// Errors   handshake_errc::frame_too_short, ::bad_magic, ::unsupported_frame_version, ::payload_too_large,
///          ::size_mismatch, checked in this order.
[[nodiscard]] result<frame_parts> decode_frame(byte_view frame, const handshake_limits& limits) noexcept;

/// The same, then the type. Errors   handshake_errc::unexpected_type.
[[nodiscard]] result<std::string_view> decode_frame(byte_view frame, frame_type expected,
                                                    const handshake_limits& limits) noexcept;

}  // namespace flowersec::handshake
