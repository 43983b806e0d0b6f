// The Wycheproof vectors, when they are beside the project. Without them the tables of the other tests stand alone.
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

#include "flowersec/crypto/aead.h"
#include "flowersec/crypto/dh.h"
#include "flowersec/crypto/kdf.h"
#include "flowersec/crypto/sign.h"
#include "flowersec/crypto/verify.h"
#include "support/literals.h"

namespace flowersec::crypto {
namespace {

namespace json = boost::json;
using flowersec::testing::hex;

struct vector_case {
  const json::object& group;
  const json::object& test;

  [[nodiscard]] byte_buffer bytes(std::string_view name) const {
    return hex(std::string_view{test.at({name.data(), name.size()}).as_string()});
  }
  [[nodiscard]] std::int64_t size_of(std::string_view name) const {
    return group.at({name.data(), name.size()}).as_int64();
  }
  [[nodiscard]] std::string_view verdict() const { return test.at("result").as_string(); }
};

class wycheproof : public ::testing::Test {
 protected:
  /// Calls `check` for every vector of the file; returns how many there were.
  int for_each(const std::string& name, const std::function<void(const vector_case&)>& check) {
    const auto path = std::filesystem::path{FLOWERSEC_SOURCE_DIR "/../shared/vectors/wycheproof"} / name;
    std::ifstream file{path};
    if (!file) return 0;
    const auto vectors = json::parse(std::string{std::istreambuf_iterator<char>{file}, {}});
    int count = 0;
    for (const auto& group : vectors.at("testGroups").as_array()) {
      for (const auto& test : group.at("tests").as_array()) {
        SCOPED_TRACE(name + " " + std::to_string(test.at("tcId").as_int64()));
        check({group.as_object(), test.as_object()});
        ++count;
      }
    }
    return count;
  }
};

#define SKIP_WITHOUT_VECTORS(count) \
  if ((count) == 0) GTEST_SKIP() << "the Wycheproof vectors are not beside the project"

TEST_F(wycheproof, aes_256_gcm) {
  int applicable = 0;
  const auto count = for_each("aes_gcm_test.json", [&](const vector_case& vector) {
    if (vector.size_of("keySize") != 256 || vector.size_of("ivSize") != 96 || vector.size_of("tagSize") != 128) return;
    ++applicable;
    const auto key = vector.bytes("key"), iv = vector.bytes("iv"), aad = vector.bytes("aad");
    const auto message = vector.bytes("msg"), ciphertext = vector.bytes("ct"), tag = vector.bytes("tag");
    const auto nonce = byte_view{iv}.first<aead_nonce_bytes>();
    auto opened = ciphertext;
    aes_256_gcm_opener opener{byte_view{key}.first<aead_key_bytes>()};
    const bool verified = opener.open(nonce, aad, opened, byte_view{tag}.first<aead_tag_bytes>());
    EXPECT_EQ(verified, vector.verdict() == "valid");
    if (!verified) return;
    EXPECT_EQ(opened, message);
    byte_buffer made_tag(aead_tag_bytes);
    aes_256_gcm_sealer sealer{byte_view{key}.first<aead_key_bytes>()};
    ASSERT_TRUE(sealer.seal(nonce, aad, opened, mutable_byte_view{made_tag}.first<aead_tag_bytes>()));
    EXPECT_EQ(opened, ciphertext);
    EXPECT_EQ(made_tag, tag);
  });
  SKIP_WITHOUT_VECTORS(count);
  EXPECT_GE(applicable, 50);
}

TEST_F(wycheproof, ecdh_p256) {
  const auto count = for_each("ecdh_secp256r1_ecpoint_test.json", [](const vector_case& vector) {
    auto scalar = vector.bytes("private");
    while (scalar.size() > dh_private_key_bytes && scalar.front() == std::byte{0}) scalar.erase(scalar.begin());
    scalar.insert(scalar.begin(), dh_private_key_bytes - std::min(scalar.size(), dh_private_key_bytes), std::byte{0});
    const auto pair = dh_key_pair::from_private(suite::p256, scalar);
    ASSERT_TRUE(pair.has_value());
    const auto peer = vector.bytes("public");
    const auto secret = pair->agree(peer);
    const bool uncompressed = peer.size() == p256_public_key_bytes && peer.front() == std::byte{4};
    EXPECT_EQ(secret.has_value(), uncompressed && vector.verdict() != "invalid");
    if (secret) {
      EXPECT_EQ(to_buffer(secret->view()), vector.bytes("shared"));
    }
  });
  SKIP_WITHOUT_VECTORS(count);
}

TEST_F(wycheproof, x25519) {
  const auto count = for_each("x25519_test.json", [](const vector_case& vector) {
    const auto pair = dh_key_pair::from_private(suite::x25519, vector.bytes("private"));
    ASSERT_TRUE(pair.has_value());
    const auto secret = pair->agree(vector.bytes("public"));
    const auto shared = vector.bytes("shared");
    const bool weak = shared == byte_buffer(shared_secret_bytes);
    EXPECT_EQ(secret.has_value(), !weak);
    if (secret) {
      EXPECT_EQ(to_buffer(secret->view()), shared);
    }
  });
  SKIP_WITHOUT_VECTORS(count);
}

TEST_F(wycheproof, ed25519) {
  const auto count = for_each("ed25519_test.json", [](const vector_case& vector) {
    const auto bytes = hex(std::string_view{vector.group.at("publicKey").at("pk").as_string()});
    ASSERT_EQ(bytes.size(), ed25519_public_key_bytes);
    ed25519_public_key key;
    std::copy(bytes.begin(), bytes.end(), key.begin());
    EXPECT_EQ(ed25519_verify(vector.bytes("msg"), vector.bytes("sig"), key), vector.verdict() == "valid");
  });
  SKIP_WITHOUT_VECTORS(count);
}

TEST_F(wycheproof, hkdf_sha256) {
  const auto count = for_each("hkdf_sha256_test.json", [](const vector_case& vector) {
    auto kdf = hkdf_sha256::extract(vector.bytes("salt"), {vector.bytes("ikm")});
    byte_buffer output(static_cast<std::size_t>(vector.test.at("size").as_int64()));
    const bool expanded = kdf.expand(vector.bytes("info"), output);
    EXPECT_EQ(expanded, vector.verdict() == "valid");
    if (expanded) {
      EXPECT_EQ(output, vector.bytes("okm"));
    }
  });
  SKIP_WITHOUT_VECTORS(count);
}

TEST_F(wycheproof, hmac_sha256) {
  const auto count = for_each("hmac_sha256_test.json", [](const vector_case& vector) {
    const auto tag = crypto::hmac_sha256(vector.bytes("key"), {vector.bytes("msg")});
    const auto shown = tag.view().first(static_cast<std::size_t>(vector.size_of("tagSize")) / 8);
    EXPECT_EQ(constant_time_equal(shown, vector.bytes("tag")), vector.verdict() == "valid");
  });
  SKIP_WITHOUT_VECTORS(count);
}

}  // namespace
}  // namespace flowersec::crypto
