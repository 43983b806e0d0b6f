// Ed25519: known answers, refusals, and what may be loaded as a key.
#include <gtest/gtest.h>

#include <vector>

#include "flowersec/crypto/sign.h"
#include "flowersec/crypto/verify.h"
#include "support/literals.h"
#include "support/random_sources.h"

namespace flowersec::crypto {
namespace {

using flowersec::testing::hex;
using flowersec::testing::seeded_random;

struct known_answer {
  const char* name;
  byte_buffer seed, public_key, message, signature;
};

const std::vector<known_answer>& known_answers() {
  static const std::vector<known_answer> answers{
      {"RFC 8032, test 1",
       hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),
       hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
       {},
       hex("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595"
           "b"
           "be24655141438e7a100b")},
      {"RFC 8032, test 2", hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"),
       hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"), hex("72"),
       hex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb43"
           "0"
           "2aeeb00d291612bb0c00")},
      {"RFC 8032, test 3", hex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"),
       hex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"), hex("af82"),
       hex("6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716"
           "e"
           "d28dc027beceea1ec40a")},
  };
  return answers;
}

ed25519_signing_key key_of(const byte_buffer& seed) {
  return ed25519_signing_key::from_seed(byte_view{seed}.first<ed25519_seed_bytes>());
}

ed25519_public_key public_key_of(const byte_buffer& bytes) {
  ed25519_public_key key;
  std::copy(bytes.begin(), bytes.end(), key.begin());
  return key;
}

TEST(ed25519, gives_the_known_answers) {
  for (const auto& answer : known_answers()) {
    const auto key = key_of(answer.seed);
    EXPECT_EQ(to_buffer(key.public_key()), answer.public_key) << answer.name;
    EXPECT_EQ(to_buffer(key.sign(answer.message)), answer.signature) << answer.name;
    EXPECT_TRUE(ed25519_verify(answer.message, answer.signature, key.public_key())) << answer.name;
  }
}

TEST(ed25519, refuses_every_flipped_bit) {
  const auto& answer = known_answers()[2];
  const auto key = public_key_of(answer.public_key);
  for (std::size_t bit = 0; bit < answer.signature.size() * 8; ++bit) {
    auto signature = answer.signature;
    signature[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_FALSE(ed25519_verify(answer.message, signature, key)) << "signature bit " << bit;
  }
  for (std::size_t bit = 0; bit < answer.public_key.size() * 8; ++bit) {
    auto bytes = answer.public_key;
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_FALSE(ed25519_verify(answer.message, answer.signature, public_key_of(bytes))) << "key bit " << bit;
  }
  EXPECT_FALSE(ed25519_verify(hex("af83"), answer.signature, key));
  EXPECT_FALSE(ed25519_verify({}, answer.signature, key));
  EXPECT_FALSE(ed25519_verify(hex("af8200"), answer.signature, key));
}

TEST(ed25519, refuses_signatures_of_any_other_length) {
  const auto& answer = known_answers()[0];
  const auto key = public_key_of(answer.public_key);
  for (const std::size_t size : {0U, 1U, 32U, 63U, 65U, 128U}) {
    auto signature = answer.signature;
    signature.resize(size);
    EXPECT_FALSE(ed25519_verify(answer.message, signature, key)) << size;
  }
}

TEST(ed25519, refuses_a_malleable_signature) {
  // S + L stands for the same scalar as S; RFC 8032, 5.1.7 demands S < L.
  const auto& answer = known_answers()[1];
  const auto group_order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  auto signature = answer.signature;
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry += std::to_integer<unsigned>(signature[32 + i]) + std::to_integer<unsigned>(group_order[i]);
    signature[32 + i] = static_cast<std::byte>(carry & 0xff);
    carry >>= 8;
  }
  ASSERT_EQ(carry, 0U);
  EXPECT_FALSE(ed25519_verify(answer.message, signature, public_key_of(answer.public_key)));
}

TEST(ed25519, nothing_verifies_under_a_key_of_small_order) {
  const std::vector<byte_buffer> weak{byte_buffer(32),
                                      hex("0100000000000000000000000000000000000000000000000000000000000000"),
                                      hex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
                                      hex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
                                      hex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")};
  // With A = 0 the equation S B = R + h A holds for S = 0 and R the neutral element, whatever the message.
  auto signature = byte_buffer(64);
  signature[0] = std::byte{1};
  for (const auto& key : weak) EXPECT_FALSE(ed25519_verify(as_bytes("any"), signature, public_key_of(key)));
  EXPECT_FALSE(ed25519_verify(as_bytes("any"), byte_buffer(64), public_key_of(byte_buffer(32))));
}

TEST(ed25519_signing_key, private_form_is_seed_then_public_key) {
  const auto& answer = known_answers()[0];
  const auto exported = key_of(answer.seed).private_key();
  auto expected = answer.seed;
  append(expected, answer.public_key);
  EXPECT_EQ(to_buffer(exported.view()), expected);
  const auto again = ed25519_signing_key::from_private_key(exported.view());
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(to_buffer(again->sign(answer.message)), answer.signature);
}

TEST(ed25519_signing_key, halves_that_do_not_belong_together_are_refused) {
  auto mixed = known_answers()[0].seed;
  append(mixed, known_answers()[1].public_key);
  EXPECT_EQ(ed25519_signing_key::from_private_key(mixed).error(), crypto_errc::bad_private_key);
  auto flipped = to_buffer(key_of(known_answers()[0].seed).private_key().view());
  flipped[63] ^= std::byte{0x80};
  EXPECT_EQ(ed25519_signing_key::from_private_key(flipped).error(), crypto_errc::bad_private_key);
}

TEST(ed25519_signing_key, private_form_is_64_bytes) {
  for (const std::size_t size : {0U, 31U, 32U, 63U, 65U, 96U}) {
    EXPECT_EQ(ed25519_signing_key::from_private_key(byte_buffer(size)).error(), crypto_errc::bad_length) << size;
  }
}

TEST(ed25519_signing_key, generated_keys_differ_and_a_dead_random_source_is_reported) {
  seeded_random random;
  const auto first = ed25519_signing_key::generate(random).value();
  const auto second = ed25519_signing_key::generate(random).value();
  EXPECT_NE(first.public_key(), second.public_key());
  seeded_random dead{1, 0};
  EXPECT_EQ(ed25519_signing_key::generate(dead).error(), crypto_errc::no_randomness);
}

TEST(ed25519_signing_key, moves_with_its_public_half) {
  auto first = key_of(known_answers()[0].seed);
  const auto second = std::move(first);
  EXPECT_EQ(to_buffer(second.public_key()), known_answers()[0].public_key);
  EXPECT_EQ(to_buffer(second.sign({})), known_answers()[0].signature);
}

}  // namespace
}  // namespace flowersec::crypto
