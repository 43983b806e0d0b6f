// What contexts are made of: the files and texts that are taken, and why others are not.
#include "tls/context.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "support/encrypted_key.h"
#include "support/test_certificates.h"

namespace flowersec::tls {
namespace {

using flowersec::testing::encrypted_certificate;
using flowersec::testing::encrypted_form;
using flowersec::testing::terminal_watch;
using flowersec::testing::test_authority;

class tls_context_test : public ::testing::Test {
 protected:
  test_authority authority;
  test_authority::files good = authority.issue("DNS:a");
};

std::size_t trusted(const context_ptr& context) {
  return static_cast<std::size_t>(sk_X509_OBJECT_num(X509_STORE_get0_objects(SSL_CTX_get_cert_store(context.get()))));
}

TEST_F(tls_context_test, what_is_wrong_with_a_servers_files_is_told) {
  const auto other = authority.issue("DNS:b");
  const auto weak = authority.issue_weak("DNS:a");
  EXPECT_TRUE(server_context(good.chain, good.key));
  EXPECT_EQ(server_context(good.chain, other.key).error(), tls_errc::config_invalid) << "of two pairs";
  EXPECT_EQ(server_context(good.key, good.chain).error(), tls_errc::config_invalid) << "swapped";
  EXPECT_EQ(server_context(good.chain + ".none", good.key).error(), tls_errc::config_invalid);
  EXPECT_EQ(server_context(weak.chain, weak.key).error(), tls_errc::certificate_too_weak);
}

TEST_F(tls_context_test, nobody_is_asked_for_a_password) {
  const terminal_watch terminal;
  const auto encrypted = good.key + ".encrypted";
  for (const auto form : {encrypted_form::pkcs8, encrypted_form::traditional}) {
    encrypt_key(good.key, encrypted, form);
    EXPECT_EQ(server_context(good.chain, encrypted).error(), tls_errc::private_key_encrypted);
  }
  EXPECT_EQ(client_context(encrypted_certificate).error(), tls_errc::config_invalid);
  EXPECT_FALSE(terminal.was_asked());
}

TEST_F(tls_context_test, every_certificate_of_a_text_is_trusted_or_none) {
  const auto& first = authority.ca_pem();
  const test_authority another;
  const auto& second = another.ca_pem();
  EXPECT_EQ(trusted(client_context(first).value()), 1U);
  EXPECT_EQ(trusted(client_context("in front\n" + first + "between\n" + second + "behind\n").value()), 2U);
  EXPECT_EQ(client_context("").error(), tls_errc::config_invalid);
  EXPECT_EQ(client_context("no certificate").error(), tls_errc::config_invalid);
  const auto broken = second.substr(0, 100) + second.substr(second.find("-----END"));
  EXPECT_EQ(client_context(broken).error(), tls_errc::config_invalid);
  EXPECT_EQ(client_context(first + broken).error(), tls_errc::config_invalid) << "half of what was meant";
  EXPECT_EQ(client_context(first + encrypted_certificate).error(), tls_errc::config_invalid);
}

TEST_F(tls_context_test, a_file_of_certificates_is_trusted_and_another_is_refused) {
  EXPECT_TRUE(client_context_from_file(good.chain));
  EXPECT_EQ(client_context_from_file(good.key).error(), tls_errc::config_invalid);
  EXPECT_EQ(client_context_from_file(good.chain + ".none").error(), tls_errc::config_invalid);
}

TEST_F(tls_context_test, nothing_older_than_1_2_and_no_unverified_server) {
  const auto server = server_context(good.chain, good.key).value();
  const auto client = client_context(authority.ca_pem()).value();
  for (const auto& context : {server, client}) {
    EXPECT_EQ(SSL_CTX_get_min_proto_version(context.get()), TLS1_2_VERSION);
    EXPECT_TRUE((SSL_CTX_get_options(context.get()) & SSL_OP_NO_RENEGOTIATION) != 0);
  }
  EXPECT_EQ(SSL_CTX_get_verify_mode(client.get()), SSL_VERIFY_PEER);
  EXPECT_EQ(SSL_CTX_get_verify_mode(server.get()), SSL_VERIFY_NONE) << "clients show tokens, not certificates";
}

}  // namespace
}  // namespace flowersec::tls
