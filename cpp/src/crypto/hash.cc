#include "flowersec/crypto/hash.h"

#include <openssl/evp.h>

#include "crypto/openssl.h"

namespace flowersec::crypto {
namespace {

// Fetched once: an implicit fetch per hash costs more than hashing 64 bytes.
const EVP_MD* sha256_algorithm() {
  static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  require(algorithm != nullptr);
  return algorithm;
}

}  // namespace

sha256_digest sha256(byte_view bytes) { return sha256_hasher{}.update(bytes).finish(); }

sha384_digest sha384(byte_view bytes) {
  sha384_digest digest;
  require(EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), nullptr, EVP_sha384(),
                     nullptr) == 1);
  return digest;
}

void sha256_hasher::deleter::operator()(evp_md_ctx_st* context) const noexcept { EVP_MD_CTX_free(context); }

sha256_hasher::sha256_hasher() : context_(EVP_MD_CTX_new()) {
  require(context_ != nullptr && EVP_DigestInit_ex2(context_.get(), sha256_algorithm(), nullptr) == 1);
}

sha256_hasher& sha256_hasher::update(byte_view bytes) {
  require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
  return *this;
}

sha256_digest sha256_hasher::finish() {
  sha256_digest digest;
  require(EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr) == 1);
  require(EVP_DigestInit_ex2(context_.get(), nullptr, nullptr) == 1);
  return digest;
}

}  // namespace flowersec::crypto
