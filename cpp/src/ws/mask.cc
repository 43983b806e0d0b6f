#include "flowersec/ws/mask.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace flowersec::ws {
namespace {

/// The key as it applies from `offset` on.
mask_key rotated(mask_key key, std::uint64_t offset) noexcept {
  std::rotate(key.begin(), key.begin() + static_cast<std::ptrdiff_t>(offset % key.size()), key.end());
  return key;
}

/// Machine words that are one multiple of the key long; loads and stores take any alignment.
#ifdef __SSE2__
struct word {
  using type = __m128i;
  static type load(const std::byte* from) noexcept { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)); }
  static void store(std::byte* to, type value) noexcept { _mm_storeu_si128(reinterpret_cast<__m128i*>(to), value); }
  static type spread(std::uint32_t key) noexcept { return _mm_set1_epi32(static_cast<int>(key)); }
  static type mix(type value, type key) noexcept { return _mm_xor_si128(value, key); }
};
#else
struct word {
  using type = std::uint64_t;
  static type load(const std::byte* from) noexcept {
    type value;
    std::memcpy(&value, from, sizeof value);
    return value;
  }
  static void store(std::byte* to, type value) noexcept { std::memcpy(to, &value, sizeof value); }
  static type spread(std::uint32_t key) noexcept { return (type{key} << 32) | key; }
  static type mix(type value, type key) noexcept { return value ^ key; }
};
#endif

/// Masks `count` bytes from `from` to `to`. Every load of a round comes before its first store, so `to` may be
/// `from` or lie anywhere below it.
void transfer(std::byte* to, const std::byte* from, std::size_t count, mask_key key) noexcept {
  constexpr std::size_t width = sizeof(word::type);
  std::uint32_t packed;
  std::memcpy(&packed, key.data(), sizeof packed);
  const auto spread = word::spread(packed);
  for (; count >= 4 * width; count -= 4 * width, from += 4 * width, to += 4 * width) {
    const auto a = word::load(from);
    const auto b = word::load(from + width);
    const auto c = word::load(from + 2 * width);
    const auto d = word::load(from + 3 * width);
    word::store(to, word::mix(a, spread));
    word::store(to + width, word::mix(b, spread));
    word::store(to + 2 * width, word::mix(c, spread));
    word::store(to + 3 * width, word::mix(d, spread));
  }
  for (; count >= width; count -= width, from += width, to += width) {
    word::store(to, word::mix(word::load(from), spread));
  }
  for (std::size_t i = 0; i < count; ++i) to[i] = from[i] ^ key[i % key.size()];
}

}  // namespace

void apply_mask(mutable_byte_view bytes, mask_key key, std::uint64_t offset) noexcept {
  transfer(bytes.data(), bytes.data(), bytes.size(), rotated(key, offset));
}

void move_down_masked(std::byte* to, byte_view from, mask_key key, std::uint64_t offset) noexcept {
  transfer(to, from.data(), from.size(), rotated(key, offset));
}

std::optional<mask_key> mask_key_source::next() noexcept {
  if (left_ == 0) {
    if (!random_.fill(std::as_writable_bytes(std::span{pool_}))) return std::nullopt;
    left_ = pool_.size();
  }
  return pool_[--left_];
}

}  // namespace flowersec::ws
