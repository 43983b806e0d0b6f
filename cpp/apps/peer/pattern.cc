#include "peer/pattern.h"

#include <algorithm>

namespace flowersec::apps {
namespace {

constexpr std::size_t row_bytes = 256;

/// Within a row of 256 only the lowest eight bits of i change: one byte serves the others.
std::uint8_t row_key(std::uint64_t offset) noexcept {
  return static_cast<std::uint8_t>((offset >> 8) ^ (offset >> 16));
}

/// Calls piece(bytes of one row, position of the first within the row, key of the row).
template <class Bytes, class Piece>
bool for_each_row(std::uint64_t offset, Bytes bytes, Piece piece) {
  while (!bytes.empty()) {
    const auto at = static_cast<std::size_t>(offset % row_bytes);
    const auto count = std::min(row_bytes - at, bytes.size());
    if (!piece(bytes.first(count), at, row_key(offset))) return false;
    bytes = bytes.subspan(count);
    offset += count;
  }
  return true;
}

}  // namespace

void fill_pattern(std::uint64_t offset, mutable_byte_view into) noexcept {
  for_each_row(offset, into, [](mutable_byte_view row, std::size_t at, std::uint8_t key) {
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = static_cast<std::byte>((at + i) ^ key);
    return true;
  });
}

bool matches_pattern(std::uint64_t offset, byte_view bytes) noexcept {
  return for_each_row(offset, bytes, [](byte_view row, std::size_t at, std::uint8_t key) {
    unsigned difference = 0;
    for (std::size_t i = 0; i < row.size(); ++i)
      difference |= std::to_integer<unsigned>(row[i]) ^ (((at + i) ^ key) & 0xff);
    return difference == 0;
  });
}

}  // namespace flowersec::apps
