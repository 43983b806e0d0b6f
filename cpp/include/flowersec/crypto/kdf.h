// HMAC-SHA256 and HKDF-SHA256 with keyed contexts: one context per key, any number of messages.
// Layer crypto, part `kdf`, on OpenSSL. Source: RFC 2104, RFC 5869.
#pragma once

#include <initializer_list>
#include <memory>
#include <string_view>

#include "flowersec/base/bytes.h"
#include "flowersec/crypto/secret.h"

struct evp_mac_ctx_st;

namespace flowersec::crypto {

inline constexpr std::size_t hmac_sha256_bytes = 32;

/// HMAC under one key. Move-only; the key lives in the context and is wiped with it.
class hmac_sha256_context {
 public:
  explicit hmac_sha256_context(byte_view key);

  hmac_sha256_context& update(byte_view bytes);
  /// The tag over all bytes since the last finish; the context is then ready for another message under the same key.
  [[nodiscard]] secret_bytes<hmac_sha256_bytes> finish();

 private:
  struct deleter {
    void operator()(evp_mac_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_mac_ctx_st, deleter> context_;
};

/// One tag over the concatenation of `pieces`.
[[nodiscard]] secret_bytes<hmac_sha256_bytes> hmac_sha256(byte_view key, std::initializer_list<byte_view> pieces);

/// The expanding half of HKDF: holds a PRK and gives any number of outputs from it.
class hkdf_sha256 {
 public:
  /// RFC 5869, 2.2. The input keying material is the concatenation of `pieces`.
  [[nodiscard]] static hkdf_sha256 extract(byte_view salt, std::initializer_list<byte_view> pieces);
  /// Starts from a PRK computed elsewhere.
  explicit hkdf_sha256(byte_view prk) : prk_(prk) {}

  /// RFC 5869, 2.3. At most 255 * 32 bytes; false, with nothing written, for more.
  [[nodiscard]] bool expand(byte_view info, mutable_byte_view into);
  template <std::size_t N>
  [[nodiscard]] secret_bytes<N> expand(std::string_view info) {
    static_assert(N > 0 && N <= max_output_bytes);
    secret_bytes<N> output;
    (void)expand(as_bytes(info), output.mutable_view());
    return output;
  }

  static constexpr std::size_t max_output_bytes = 255 * hmac_sha256_bytes;

 private:
  hmac_sha256_context prk_;
};

}  // namespace flowersec::crypto
