#include "support/test_certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <vector>

namespace flowersec::testing {
namespace {

/// A test without certificates tests nothing.
template <typename T>
T* must(T* made) {
  if (made == nullptr) std::abort();
  return made;
}

void add_extension(X509& certificate, X509& issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
  auto* extension = must(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  X509_add_ext(&certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

template <typename Write>
std::string to_pem(Write write) {
  BIO* out = must(BIO_new(BIO_s_mem()));
  if (write(out) != 1) std::abort();
  char* text = nullptr;
  const auto size = BIO_get_mem_data(out, &text);
  std::string pem(text, static_cast<std::size_t>(size));
  BIO_free(out);
  return pem;
}

}  // namespace

struct test_authority::key_and_certificate {
  /// Signed by `issuer`, or by itself when there is none. Owns `own`.
  key_and_certificate(const char* name, const key_and_certificate* issuer, long serial, EVP_PKEY* own)
      : key(must(own)), certificate(must(X509_new())) {
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
    constexpr long one_hour = 3600;
    X509_gmtime_adj(X509_getm_notBefore(certificate), -one_hour);
    X509_gmtime_adj(X509_getm_notAfter(certificate), one_hour);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
    const auto& signer = issuer != nullptr ? *issuer : *this;
    X509_set_issuer_name(certificate, X509_get_subject_name(signer.certificate));
  }
  ~key_and_certificate() {
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  key_and_certificate(const key_and_certificate&) = delete;
  key_and_certificate& operator=(const key_and_certificate&) = delete;

  void sign_with(const key_and_certificate& signer) { X509_sign(certificate, signer.key, EVP_sha256()); }
  [[nodiscard]] std::string certificate_pem() const {
    return to_pem([this](BIO* out) { return PEM_write_bio_X509(out, certificate); });
  }

  EVP_PKEY* key;
  X509* certificate;
};

test_authority::test_authority() {
  root_ = std::make_unique<key_and_certificate>("flowersec test authority", nullptr, 1, EVP_EC_gen("P-256"));
  add_extension(*root_->certificate, *root_->certificate, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(*root_->certificate, *root_->certificate, NID_key_usage, "critical,keyCertSign");
  root_->sign_with(*root_);
  ca_pem_ = root_->certificate_pem();
  std::string pattern = (std::filesystem::temp_directory_path() / "flowersec-test-XXXXXX").string();
  folder_ = must(mkdtemp(pattern.data()));
}

test_authority::~test_authority() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

test_authority::files test_authority::issue(const std::string& names) { return issue(names, EVP_EC_gen("P-256")); }

test_authority::files test_authority::issue_weak(const std::string& names) { return issue(names, EVP_RSA_gen(512)); }

test_authority::files test_authority::issue(const std::string& names, EVP_PKEY* key) {
  key_and_certificate leaf{"flowersec test server", root_.get(), 2 + issued_, key};
  add_extension(*leaf.certificate, *root_->certificate, NID_subject_alt_name, names);
  leaf.sign_with(*root_);
  const auto stem = folder_ / std::to_string(issued_++);
  files written{.chain = stem.string() + ".crt", .key = stem.string() + ".key"};
  std::ofstream{written.chain} << leaf.certificate_pem();
  std::ofstream{written.key} << to_pem(
      [&](BIO* out) { return PEM_write_bio_PrivateKey(out, leaf.key, nullptr, nullptr, 0, nullptr, nullptr); });
  return written;
}

}  // namespace flowersec::testing
