// Layout of the FSEC frame and the words of the record layer.
// Layer record. Pure data: no key, no state. Source: PROTOCOL, "Record layout".
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "flowersec/base/bytes.h"
#include "flowersec/base/error.h"

namespace flowersec::record {

inline constexpr std::uint8_t frame_version = 1;
inline constexpr std::size_t header_bytes = 18;
inline constexpr std::size_t tag_bytes = 16;
/// What sealing adds to a plaintext.
inline constexpr std::size_t overhead_bytes = header_bytes + tag_bytes;
/// Never sent: a direction ends before it, so that no nonce can repeat.
inline constexpr std::uint64_t exhausted_sequence = std::numeric_limits<std::uint64_t>::max();
/// Both directions count from here. The server-finished ping is record 1 of S2C.
inline constexpr std::uint64_t first_sequence = 1;

/// The way a record travels, whoever looks at it.
enum class direction : std::uint8_t { client_to_server = 1, server_to_client = 2 };

/// The flags byte: an enumeration, not a set of bits.
enum class record_kind : std::uint8_t { app = 0, ping = 1, rekey = 2 };

/// Size of the record that `plaintext_bytes` become; known before sealing, so that an outer frame header can be
/// written first.
[[nodiscard]] constexpr std::size_t sealed_bytes(std::size_t plaintext_bytes) noexcept {
  return plaintext_bytes + overhead_bytes;
}

struct record_header {
  record_kind kind = record_kind::app;
  std::uint64_t sequence = 0;
  std::uint32_t ciphertext_bytes = 0;  ///< with the tag

  bool operator==(const record_header&) const = default;
};

/// Shape    "FSEC", version, flags, u64 sequence, u32 length.
void encode_header(const record_header& header, std::span<std::byte, header_bytes> into) noexcept;

/// Reads the header of a whole frame and makes every check that needs no key, in the order of the protocol.
/// Errors   record_errc::too_large, ::too_short, ::bad_magic, ::bad_version, ::bad_flags, ::bad_sequence,
///          ::size_mismatch. Each ends the session.
/// Limits   record_limits::max_record_bytes, before anything else.
[[nodiscard]] result<record_header> check_frame(byte_view frame, std::uint64_t expected_sequence,
                                                std::size_t max_record_bytes) noexcept;

}  // namespace flowersec::record
