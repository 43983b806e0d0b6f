#include "flowersec/ws/mask.h"

namespace flowersec::ws {
namespace {

/// The key as it applies from `offset` on.
mask_key rotated(mask_key key, std::uint64_t offset) noexcept {
  std::rotate(key.begin(), key.begin() + static_cast<std::ptrdiff_t>(offset % key.size()), key.end());
  return key;
}

/// The key eight times over; the compiler makes two registers of it where they are 16 bytes wide.
using lanes = std::uint32_t __attribute__((vector_size(32)));

/// Masks one word and steps over it.
template <class Word>
[[gnu::always_inline]] inline void transfer_word(std::byte*& to, const std::byte*& from, const Word& key) noexcept {
  Word word;
  std::memcpy(&word, from, sizeof word);
  word ^= key;
  std::memcpy(to, &word, sizeof word);
  from += sizeof word;
  to += sizeof word;
}

/// Four words at once. Every load comes before the first store, so `to` may be `from` or lie anywhere below it.
[[gnu::always_inline]] inline void transfer_round(std::byte* to, const std::byte* from, const lanes& key) noexcept {
  lanes a;
  lanes b;
  lanes c;
  lanes d;
  std::memcpy(&a, from, sizeof a);
  std::memcpy(&b, from + sizeof a, sizeof b);
  std::memcpy(&c, from + 2 * sizeof a, sizeof c);
  std::memcpy(&d, from + 3 * sizeof a, sizeof d);
  a ^= key;
  b ^= key;
  c ^= key;
  d ^= key;
  std::memcpy(to, &a, sizeof a);
  std::memcpy(to + sizeof a, &b, sizeof b);
  std::memcpy(to + 2 * sizeof a, &c, sizeof c);
  std::memcpy(to + 3 * sizeof a, &d, sizeof d);
}

/// Masks `count` bytes from `from` to `to`.
[[gnu::always_inline]] inline void transfer_in_lanes(std::byte* to, const std::byte* from, std::size_t count,
                                                     mask_key key) noexcept {
  std::uint32_t packed;
  std::memcpy(&packed, key.data(), sizeof packed);
  const lanes wide = lanes{} + packed;
  const std::uint64_t narrow = (std::uint64_t{packed} << 32) | packed;
  constexpr std::size_t round = 4 * sizeof wide;
  const std::byte* const end = from + count;
  const auto left = [&] { return static_cast<std::size_t>(end - from); };
  for (; left() >= round; from += round, to += round) transfer_round(to, from, wide);
  while (left() >= sizeof wide) transfer_word(to, from, wide);
  while (left() >= sizeof narrow) transfer_word(to, from, narrow);
  for (std::size_t i = 0; from != end; ++i) *to++ = *from++ ^ key[i % key.size()];
}

#ifdef __x86_64__
[[gnu::target("avx2")]] void transfer_with_avx2(std::byte* to, const std::byte* from, std::size_t count,
                                                mask_key key) noexcept {
  transfer_in_lanes(to, from, count, key);
}

const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
#endif

void transfer(std::byte* to, const std::byte* from, std::size_t count, mask_key key) noexcept {
#ifdef __x86_64__
  // Masking is what a relay does beyond copying: registers of twice the width take a third off it.
  if (has_avx2) return transfer_with_avx2(to, from, count, key);
#endif
  transfer_in_lanes(to, from, count, key);
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
