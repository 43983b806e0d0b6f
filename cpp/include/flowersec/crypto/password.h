// A key from a passphrase: Argon2id, version 1.3, one lane.
// Layer crypto, part `password`, on libsodium. Blocks for as long as its cost says: not for a thread that serves
// others. Source: RFC 9106.
#pragma once

#include "flowersec/base/error.h"
#include "flowersec/crypto/error.h"
#include "flowersec/crypto/secret.h"

namespace flowersec::crypto {

inline constexpr std::size_t password_salt_bytes = 16;
inline constexpr std::size_t password_key_bytes = 32;

/// What one guess costs. A text from elsewhere can make us spend this much, so whoever reads one checks is_valid().
struct password_cost {
  /// Range 1..16.
  std::uint32_t passes = 3;
  /// Range 8..262144 (256 MiB), all of it in use while the key is computed.
  std::uint32_t memory_kib = 65536;

  [[nodiscard]] constexpr bool is_valid() const noexcept {
    return passes >= 1 && passes <= 16 && memory_kib >= 8 && memory_kib <= 262144;
  }
  friend bool operator==(const password_cost&, const password_cost&) = default;
};

/// Errors   bad_length: the cost is outside its range; no_memory.
[[nodiscard]] result<secret_bytes<password_key_bytes>> key_from_password(
    std::string_view passphrase, std::span<const std::byte, password_salt_bytes> salt, password_cost cost);

}  // namespace flowersec::crypto
