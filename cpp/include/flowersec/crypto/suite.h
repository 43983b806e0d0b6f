// The two cipher suites of the protocol.
// Layer crypto, no code. Source: PROTOCOL, "Handshake messages".
#pragma once

#include <cstdint>

namespace flowersec::crypto {

/// The numbers are those of the wire. Both suites use HKDF-SHA256 and AES-256-GCM.
enum class suite : std::uint16_t { x25519 = 1, p256 = 2 };

[[nodiscard]] constexpr bool is_known(suite id) noexcept { return id == suite::x25519 || id == suite::p256; }

}  // namespace flowersec::crypto
