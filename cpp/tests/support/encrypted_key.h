// A private key that needs a password, made from one that does not.
// Test support, on OpenSSL.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ui.h>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

namespace flowersec::testing {

/// The two ways to write one: PKCS #8, and the older form with "Proc-Type: 4,ENCRYPTED" inside.
enum class encrypted_form : unsigned char { pkcs8, traditional };

/// Writes the key of the PEM file `from` to `to`, under a password that nobody is told.
inline void encrypt_key(const std::string& from, const std::string& to, encrypted_form form) {
  using file = std::unique_ptr<std::FILE, decltype(&std::fclose)>;
  const file plain{std::fopen(from.c_str(), "r"), &std::fclose};
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{
      plain ? PEM_read_PrivateKey(plain.get(), nullptr, nullptr, nullptr) : nullptr, &EVP_PKEY_free};
  const std::unique_ptr<BIO, decltype(&BIO_free)> out{BIO_new_file(to.c_str(), "w"), &BIO_free};
  if (!key || !out) throw std::runtime_error("cannot encrypt " + from);
  unsigned char password[] = "nobody is told";
  constexpr int password_bytes = sizeof password - 1;
  const auto write = form == encrypted_form::pkcs8 ? &PEM_write_bio_PrivateKey : &PEM_write_bio_PrivateKey_traditional;
  if (write(out.get(), key.get(), EVP_aes_256_cbc(), password, password_bytes, nullptr, nullptr) != 1) {
    throw std::runtime_error("cannot encrypt " + from);
  }
}

/// Takes the terminal's place while it lives, and tells whether OpenSSL wanted to ask somebody.
class terminal_watch {
 public:
  terminal_watch() : before_(UI_get_default_method()), ours_(UI_create_method("watched terminal")) {
    asked_ = false;
    UI_method_set_opener(ours_, [](UI*) {
      asked_ = true;
      return 0;
    });
    UI_set_default_method(ours_);
  }
  ~terminal_watch() {
    UI_set_default_method(before_);
    UI_destroy_method(ours_);
  }
  terminal_watch(const terminal_watch&) = delete;
  terminal_watch& operator=(const terminal_watch&) = delete;

  [[nodiscard]] static bool was_asked() noexcept { return asked_; }

 private:
  const UI_METHOD* before_;
  UI_METHOD* ours_;
  static inline bool asked_ = false;
};

/// PEM allows it for certificates too, and a reader that finds one asks for a password just the same.
inline constexpr const char* encrypted_certificate =
    "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF\n\n"
    "AAAAAAAAAAAAAAAAAAAAAA==\n-----END CERTIFICATE-----\n";

}  // namespace flowersec::testing
