// The bytes that bulk streams carry: byte i is (i ^ (i >> 8) ^ (i >> 16)) & 0xff.
// Layer apps. Every position within 16 MiB can be told from its neighbours' blocks, so that lost, repeated or swapped
// pieces show. Pure functions.
#pragma once

#include <cstdint>
#include <string>

#include "flowersec/base/bytes.h"
#include "flowersec/crypto/hash.h"

namespace flowersec::apps {

/// Writes the bytes from position `offset` on.
void fill_pattern(std::uint64_t offset, mutable_byte_view into) noexcept;

/// Whether `bytes` are what fill_pattern writes there.
[[nodiscard]] bool matches_pattern(std::uint64_t offset, byte_view bytes) noexcept;

/// Lower-case hex of the SHA-256 of the first `count` bytes.
[[nodiscard]] std::string pattern_sha256(std::uint64_t count);

}  // namespace flowersec::apps
