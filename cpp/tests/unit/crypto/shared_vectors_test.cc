// The values of testdata/crypto, which TypeScript computes as well.
#include <gtest/gtest.h>

#include "flowersec/crypto/aead.h"
#include "flowersec/crypto/dh.h"
#include "flowersec/crypto/hash.h"
#include "flowersec/crypto/kdf.h"
#include "flowersec/crypto/sign.h"
#include "flowersec/crypto/verify.h"
#include "support/testdata.h"

namespace flowersec::crypto {
namespace {

using flowersec::testing::hex_at;
using flowersec::testing::testdata;
using flowersec::testing::text_at;

suite suite_of(const boost::json::value& row) { return static_cast<suite>(row.at("suite").as_int64()); }

dh_key_pair key_pair(const boost::json::value& row, std::string_view name) {
  return dh_key_pair::from_private(suite_of(row), hex_at(row, name)).value();
}

byte_buffer copy_of(byte_view bytes) { return {bytes.begin(), bytes.end()}; }

TEST(shared_crypto_vectors, both_sides_agree_on_the_secret) {
  const auto file = testdata("crypto/dh.json");
  ASSERT_FALSE(file.at("agreements").as_array().empty());
  for (const auto& row : file.at("agreements").as_array()) {
    SCOPED_TRACE(text_at(row, "name"));
    const auto a = key_pair(row, "private_a_hex");
    const auto b = key_pair(row, "private_b_hex");
    EXPECT_EQ(copy_of(a.public_key()), hex_at(row, "public_a_hex"));
    EXPECT_EQ(copy_of(b.public_key()), hex_at(row, "public_b_hex"));
    EXPECT_EQ(copy_of(a.agree(b.public_key()).value().view()), hex_at(row, "shared_hex"));
    EXPECT_EQ(copy_of(b.agree(a.public_key()).value().view()), hex_at(row, "shared_hex"));
  }
  for (const auto& row : file.at("same_secret").as_array()) {
    SCOPED_TRACE(text_at(row, "name"));
    const auto shared = key_pair(row, "private_hex").agree(hex_at(row, "public_hex"));
    EXPECT_EQ(copy_of(shared.value().view()), hex_at(row, "shared_hex"));
  }
}

TEST(shared_crypto_vectors, bad_public_keys_are_refused) {
  const auto file = testdata("crypto/dh.json");
  ASSERT_FALSE(file.at("refused").as_array().empty());
  byte_buffer one(32, std::byte{0});
  one.back() = std::byte{1};
  for (const auto& row : file.at("refused").as_array()) {
    const auto own = dh_key_pair::from_private(suite_of(row), one).value();
    EXPECT_FALSE(own.agree(hex_at(row, "public_hex")).has_value()) << text_at(row, "name");
  }
}

TEST(shared_crypto_vectors, hashes_and_tags) {
  const auto file = testdata("crypto/hash.json");
  ASSERT_FALSE(file.at("sha256").as_array().empty());
  for (const auto& row : file.at("sha256").as_array()) {
    EXPECT_EQ(copy_of(sha256(hex_at(row, "message_hex"))), hex_at(row, "digest_hex"));
  }
  ASSERT_FALSE(file.at("hmac_sha256").as_array().empty());
  for (const auto& row : file.at("hmac_sha256").as_array()) {
    const auto message = hex_at(row, "message_hex");
    EXPECT_EQ(copy_of(hmac_sha256(hex_at(row, "key_hex"), {message}).view()), hex_at(row, "tag_hex"))
        << text_at(row, "name");
  }
}

TEST(shared_crypto_vectors, sealing_and_opening) {
  const auto file = testdata("crypto/aes_256_gcm.json");
  ASSERT_FALSE(file.at("cases").as_array().empty());
  for (const auto& row : file.at("cases").as_array()) {
    SCOPED_TRACE(text_at(row, "name"));
    const auto key = hex_at(row, "key_hex");
    const auto nonce = hex_at(row, "nonce_hex");
    const auto aad = hex_at(row, "aad_hex");
    const auto plaintext = hex_at(row, "plaintext_hex");
    const auto sealed = hex_at(row, "sealed_hex");
    const aead_nonce_view n{byte_view{nonce}.first<aead_nonce_bytes>()};
    auto data = plaintext;
    std::array<std::byte, aead_tag_bytes> tag{};
    aes_256_gcm_sealer sealer{byte_view{key}.first<aead_key_bytes>()};
    ASSERT_TRUE(sealer.seal(n, aad, mutable_byte_view{data}, tag));
    auto made = data;
    made.insert(made.end(), tag.begin(), tag.end());
    EXPECT_EQ(made, sealed);
    aes_256_gcm_opener opener{byte_view{key}.first<aead_key_bytes>()};
    EXPECT_TRUE(opener.open(n, aad, mutable_byte_view{data}, tag));
    EXPECT_EQ(data, plaintext);
  }
}

TEST(shared_crypto_vectors, signatures) {
  const auto file = testdata("crypto/ed25519.json");
  const auto verifies = [](const boost::json::value& row) {
    const auto bytes = hex_at(row, "public_hex");
    ed25519_public_key key;
    std::copy(bytes.begin(), bytes.end(), key.begin());
    return ed25519_verify(hex_at(row, "message_hex"), hex_at(row, "signature_hex"), key);
  };
  ASSERT_FALSE(file.at("cases").as_array().empty());
  for (const auto& row : file.at("cases").as_array()) {
    SCOPED_TRACE(text_at(row, "name"));
    const auto seed = hex_at(row, "seed_hex");
    const auto key = ed25519_signing_key::from_seed(byte_view{seed}.first<ed25519_seed_bytes>());
    EXPECT_EQ(copy_of(key.public_key()), hex_at(row, "public_hex"));
    EXPECT_EQ(copy_of(key.sign(hex_at(row, "message_hex"))), hex_at(row, "signature_hex"));
    EXPECT_TRUE(verifies(row));
  }
  ASSERT_GE(file.at("refused").as_array().size(), 40U);
  for (const auto& row : file.at("refused").as_array()) EXPECT_FALSE(verifies(row)) << text_at(row, "name");
}

TEST(shared_crypto_vectors, derived_keys) {
  const auto file = testdata("crypto/hkdf_sha256.json");
  const auto derive = [](const boost::json::value& row, std::size_t bytes) {
    auto kdf = hkdf_sha256::extract(hex_at(row, "salt_hex"), {hex_at(row, "ikm_hex")});
    byte_buffer output(bytes);
    EXPECT_TRUE(kdf.expand(hex_at(row, "info_hex"), output));
    return output;
  };
  ASSERT_FALSE(file.at("cases").as_array().empty());
  for (const auto& row : file.at("cases").as_array()) {
    const auto expected = hex_at(row, "okm_hex");
    EXPECT_EQ(derive(row, expected.size()), expected) << text_at(row, "name");
  }
  const auto& longest = file.at("longest");
  const auto output = derive(longest, longest.at("okm_bytes").to_number<std::size_t>());
  EXPECT_EQ(copy_of(byte_view{output}.first(32)), hex_at(longest, "okm_begins_hex"));
  EXPECT_EQ(copy_of(byte_view{output}.last(32)), hex_at(longest, "okm_ends_hex"));
}

}  // namespace
}  // namespace flowersec::crypto
