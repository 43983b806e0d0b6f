// The bytes that bulk streams carry: byte i is (i ^ (i >> 8) ^ (i >> 16)) & 0xff.
// Layer apps. Every position within 16 MiB can be told from its neighbours' blocks, so that lost, repeated or swapped
// pieces show. Pure functions.
#pragma once

#include <cstdint>

#include "flowersec/base/bytes.h"

namespace flowersec::apps {

/// Writes the bytes from position `offset` on.
void fill_pattern(std::uint64_t offset, mutable_byte_view into) noexcept;

/// Whether `bytes` are what fill_pattern writes there.
[[nodiscard]] bool matches_pattern(std::uint64_t offset, byte_view bytes) noexcept;

}  // namespace flowersec::apps
