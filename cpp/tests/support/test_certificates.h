// A certificate authority for one test: issues server certificates that are thrown away with it.
// Test support, on OpenSSL.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

struct evp_pkey_st;
struct x509_st;

namespace flowersec::testing {

class test_authority {
 public:
  test_authority();
  ~test_authority();
  test_authority(const test_authority&) = delete;
  test_authority& operator=(const test_authority&) = delete;

  /// The authority's own certificate, to be trusted.
  [[nodiscard]] const std::string& ca_pem() const noexcept { return ca_pem_; }

  struct files {
    std::string chain;
    std::string key;
  };
  /// A certificate for `names` in OpenSSL's notation: "DNS:localhost,IP:127.0.0.1".
  [[nodiscard]] files issue(const std::string& names);
  /// The same with an RSA key of 512 bits.
  [[nodiscard]] files issue_weak(const std::string& names);

 private:
  struct key_and_certificate;
  [[nodiscard]] files issue(const std::string& names, evp_pkey_st* key);
  std::unique_ptr<key_and_certificate> root_;
  std::string ca_pem_;
  std::filesystem::path folder_;
  int issued_ = 0;
};

}  // namespace flowersec::testing
