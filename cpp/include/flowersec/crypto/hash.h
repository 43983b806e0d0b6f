// SHA-256, and SHA-384 for integrity values.
// Layer crypto, part `hash`, on OpenSSL (its SHA-NI path is three to five times libsodium's). FIPS 180-4.
#pragma once

#include <array>
#include <memory>

#include "flowersec/base/bytes.h"

struct evp_md_ctx_st;

namespace flowersec::crypto {

inline constexpr std::size_t sha256_bytes = 32;
using sha256_digest = std::array<std::byte, sha256_bytes>;

[[nodiscard]] sha256_digest sha256(byte_view bytes);

inline constexpr std::size_t sha384_bytes = 48;
using sha384_digest = std::array<std::byte, sha384_bytes>;

[[nodiscard]] sha384_digest sha384(byte_view bytes);

/// SHA-256 over bytes that arrive in pieces. finish() leaves the hasher ready for a new message.
class sha256_hasher {
 public:
  sha256_hasher();

  sha256_hasher& update(byte_view bytes);
  [[nodiscard]] sha256_digest finish();

 private:
  struct deleter {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, deleter> context_;
};

}  // namespace flowersec::crypto
