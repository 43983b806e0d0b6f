// Gives back the room that a crowd left behind in a container. Layer tunnel.
// For sweeps, not for every removal: a table moves what is left in it.
#pragma once

#include <cstddef>

namespace flowersec::tunnel {

/// Below this many places a container is too small to matter.
inline constexpr std::size_t least_spare_places = 64;

/// Whether most of `places` are free, so that what is left soon pays for the move.
[[nodiscard]] constexpr bool mostly_free(std::size_t places, std::size_t used) noexcept {
  return places > least_spare_places && used < places / 8;
}

/// For hash tables of abseil. Iterators end.
template <class Table>
void shrink_table(Table& table) {
  if (mostly_free(table.bucket_count(), table.size())) table.rehash(0);
}

/// For vectors. Iterators end.
template <class Vector>
void shrink_vector(Vector& vector) {
  if (mostly_free(vector.capacity(), vector.size())) vector.shrink_to_fit();
}

}  // namespace flowersec::tunnel
