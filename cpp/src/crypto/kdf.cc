#include "flowersec/crypto/kdf.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "crypto/openssl.h"

namespace flowersec::crypto {
namespace {

EVP_MAC* hmac_algorithm() {
  static EVP_MAC* const algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  require(algorithm != nullptr);
  return algorithm;
}

/// An HMAC-SHA256 context without a key. Copying it is cheaper than naming the digest again.
EVP_MAC_CTX* new_context() {
  static EVP_MAC_CTX* const model = [] {
    EVP_MAC_CTX* const context = EVP_MAC_CTX_new(hmac_algorithm());
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                 OSSL_PARAM_construct_end()};
    require(context != nullptr && EVP_MAC_CTX_set_params(context, params) == 1);
    return context;
  }();
  return EVP_MAC_CTX_dup(model);
}

const unsigned char* data_of(byte_view bytes) noexcept {
  // OpenSSL takes a null key for "keep the old one"; an empty key is a key.
  static constexpr unsigned char nothing = 0;
  return bytes.empty() ? &nothing : reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace

void hmac_sha256_context::deleter::operator()(evp_mac_ctx_st* context) const noexcept { EVP_MAC_CTX_free(context); }

hmac_sha256_context::hmac_sha256_context(byte_view key) : context_(new_context()) {
  require(context_ != nullptr && EVP_MAC_init(context_.get(), data_of(key), key.size(), nullptr) == 1);
}

hmac_sha256_context& hmac_sha256_context::update(byte_view bytes) {
  require(EVP_MAC_update(context_.get(), data_of(bytes), bytes.size()) == 1);
  return *this;
}

secret_bytes<hmac_sha256_bytes> hmac_sha256_context::finish() {
  secret_bytes<hmac_sha256_bytes> tag;
  std::size_t written = 0;
  auto* const out = reinterpret_cast<unsigned char*>(tag.mutable_view().data());
  require(EVP_MAC_final(context_.get(), out, &written, tag.size) == 1 && written == tag.size);
  require(EVP_MAC_init(context_.get(), nullptr, 0, nullptr) == 1);
  return tag;
}

secret_bytes<hmac_sha256_bytes> hmac_sha256(byte_view key, std::initializer_list<byte_view> pieces) {
  hmac_sha256_context context{key};
  for (const auto piece : pieces) context.update(piece);
  return context.finish();
}

hkdf_sha256 hkdf_sha256::extract(byte_view salt, std::initializer_list<byte_view> pieces) {
  return hkdf_sha256{hmac_sha256(salt, pieces).view()};
}

bool hkdf_sha256::expand(byte_view info, mutable_byte_view into) {
  if (into.size() > max_output_bytes) return false;
  secret_bytes<hmac_sha256_bytes> block;  // T(0) is empty, T(n) = HMAC(PRK, T(n-1) || info || n)
  for (std::uint8_t n = 1; !into.empty(); ++n) {
    if (n > 1) prk_.update(block.view());
    prk_.update(info).update(byte_view{reinterpret_cast<const std::byte*>(&n), 1});
    block = prk_.finish();
    const auto taken = std::min(into.size(), block.size);
    std::copy_n(block.view().begin(), taken, into.begin());
    into = into.subspan(taken);
  }
  return true;
}

}  // namespace flowersec::crypto
