// What client and server share of the three messages: constants, suites and base64url fields.
// Layer handshake, private. Source: PROTOCOL, "Handshake messages" and "Public keys and shared secret".
#pragma once

#include <string_view>

#include "flowersec/base/base64url.h"
#include "flowersec/crypto/dh.h"
#include "flowersec/handshake/errc.h"
#include "flowersec/handshake/key_schedule.h"
#include "flowersec/messages/e2ee_v1.h"

namespace flowersec::handshake {

namespace e2ee = messages::e2ee::v1;

inline constexpr std::uint8_t init_version = 1;
inline constexpr std::size_t max_channel_id_bytes = 256;
/// The transcript has the length as u16. A server that is told no channel takes ids up to this.
inline constexpr std::size_t max_transcript_channel_id_bytes = 65535;

[[nodiscard]] constexpr e2ee::suite to_wire(crypto::suite suite) noexcept { return static_cast<e2ee::suite>(suite); }
[[nodiscard]] constexpr crypto::suite from_wire(e2ee::suite suite) noexcept {
  return static_cast<crypto::suite>(suite);
}

[[nodiscard]] constexpr bool is_valid_channel_id(std::string_view id) noexcept {
  return !id.empty() && id.size() <= max_channel_id_bytes;
}

/// Canonical base64url of exactly 32 bytes.
[[nodiscard]] inline std::optional<nonce> decode_32_bytes(std::string_view text) noexcept {
  nonce bytes;
  if (!decode_base64url_into(text, bytes)) return std::nullopt;
  return bytes;
}

}  // namespace flowersec::handshake
