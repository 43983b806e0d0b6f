// The AES-GCM nonce of a record.
// Layer record, private. Source: PROTOCOL, "Record protection": 4-byte prefix of the direction, then u64be(sequence).
#pragma once

#include <algorithm>

#include "flowersec/crypto/aead.h"
#include "flowersec/record/keys.h"

namespace flowersec::record {

[[nodiscard]] inline std::array<std::byte, crypto::aead_nonce_bytes> make_nonce(const nonce_prefix& prefix,
                                                                                std::uint64_t sequence) noexcept {
  std::array<std::byte, crypto::aead_nonce_bytes> nonce;
  static_assert(std::tuple_size_v<nonce_prefix> + sizeof sequence == nonce.size());
  std::copy(prefix.begin(), prefix.end(), nonce.begin());
  store_be(nonce.data() + prefix.size(), sequence);
  return nonce;
}

}  // namespace flowersec::record
