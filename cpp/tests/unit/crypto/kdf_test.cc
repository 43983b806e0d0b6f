// SHA-256, HMAC and HKDF: known answers of the RFCs and of the protocol's key schedule.
#include "flowersec/crypto/kdf.h"

#include <gtest/gtest.h>

#include <vector>

#include "flowersec/crypto/hash.h"
#include "support/literals.h"

namespace flowersec::crypto {
namespace {

using flowersec::testing::b64u;
using flowersec::testing::hex;

template <std::size_t N>
byte_buffer copy_of(const secret_bytes<N>& secret) {
  return to_buffer(secret.view());
}

TEST(sha256, gives_the_known_answers) {
  EXPECT_EQ(to_buffer(sha256({})), hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
  EXPECT_EQ(to_buffer(sha256(as_bytes("abc"))),
            hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
  EXPECT_EQ(to_buffer(sha256(as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))),
            hex("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"));
}

TEST(sha384, gives_the_known_answers) {
  EXPECT_EQ(to_buffer(sha384({})),
            hex("38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd5"
                "1ad2f14898b95b"));
  EXPECT_EQ(to_buffer(sha384(as_bytes("abc"))),
            hex("cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"));
}

TEST(sha256, pieces_give_the_same_digest_and_finish_starts_anew) {
  byte_buffer bytes(300, std::byte{0x61});
  sha256_hasher hasher;
  for (const std::size_t piece : {1U, 55U, 63U, 64U, 65U, 299U, 300U}) {
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      hasher.update(byte_view{bytes}.subspan(at, std::min(piece, bytes.size() - at)));
    }
    EXPECT_EQ(hasher.finish(), sha256(bytes)) << piece;
  }
  EXPECT_EQ(hasher.finish(), sha256({}));
}

struct hmac_answer {
  const char* name;
  byte_buffer key, message, tag;
};

const std::vector<hmac_answer>& hmac_answers() {
  static const std::vector<hmac_answer> answers{
      {"RFC 4231, case 1", byte_buffer(20, std::byte{0x0b}), to_buffer(as_bytes("Hi There")),
       hex("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")},
      {"RFC 4231, case 2", to_buffer(as_bytes("Jefe")), to_buffer(as_bytes("what do ya want for nothing?")),
       hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")},
      {"RFC 4231, case 3", byte_buffer(20, std::byte{0xaa}), byte_buffer(50, std::byte{0xdd}),
       hex("773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe")},
      {"RFC 4231, case 6: a key longer than a block", byte_buffer(131, std::byte{0xaa}),
       to_buffer(as_bytes("Test Using Larger Than Block-Size Key - Hash Key First")),
       hex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")},
      {"empty key, empty message", {}, {}, hex("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")},
  };
  return answers;
}

TEST(hmac_sha256, gives_the_known_answers) {
  for (const auto& answer : hmac_answers()) {
    EXPECT_EQ(copy_of(hmac_sha256(answer.key, {answer.message})), answer.tag) << answer.name;
  }
}

TEST(hmac_sha256, pieces_are_concatenated) {
  for (const auto& answer : hmac_answers()) {
    const byte_view message{answer.message};
    for (std::size_t cut = 0; cut <= message.size(); ++cut) {
      EXPECT_EQ(copy_of(hmac_sha256(answer.key, {message.first(cut), message.subspan(cut)})), answer.tag)
          << answer.name << " cut at " << cut;
    }
  }
}

TEST(hmac_sha256, a_context_keeps_its_key_from_message_to_message) {
  for (const auto& answer : hmac_answers()) {
    hmac_sha256_context context{answer.key};
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(copy_of(context.update(answer.message).finish()), answer.tag) << answer.name << ", message " << i;
    }
  }
}

TEST(hkdf_sha256, gives_the_known_answers) {
  auto first = hkdf_sha256::extract(hex("000102030405060708090a0b0c"), {byte_buffer(22, std::byte{0x0b})});
  byte_buffer output(42);
  ASSERT_TRUE(first.expand(hex("f0f1f2f3f4f5f6f7f8f9"), output));
  EXPECT_EQ(output, hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"))
      << "RFC 5869, case 1";
  auto third = hkdf_sha256::extract({}, {byte_buffer(22, std::byte{0x0b})});
  ASSERT_TRUE(third.expand(byte_view{}, output));
  EXPECT_EQ(output, hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"))
      << "RFC 5869, case 3: no salt, no info";
  hkdf_sha256 from_prk{hex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5")};
  ASSERT_TRUE(from_prk.expand(hex("f0f1f2f3f4f5f6f7f8f9"), output));
  EXPECT_EQ(output, hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"))
      << "RFC 5869, case 1, from its PRK";
}

TEST(hkdf_sha256, shorter_outputs_are_beginnings_of_longer_ones) {
  auto kdf = hkdf_sha256::extract(as_bytes("salt"), {as_bytes("secret")});
  byte_buffer longest(hkdf_sha256::max_output_bytes);
  ASSERT_TRUE(kdf.expand(as_bytes("info"), longest));
  for (const std::size_t size : {0U, 1U, 4U, 31U, 32U, 33U, 64U, 8159U}) {
    byte_buffer output(size);
    ASSERT_TRUE(kdf.expand(as_bytes("info"), output));
    EXPECT_EQ(output, to_buffer(byte_view{longest}.first(size))) << size;
  }
}

TEST(hkdf_sha256, refuses_more_than_255_blocks_and_writes_nothing) {
  auto kdf = hkdf_sha256::extract(as_bytes("salt"), {as_bytes("secret")});
  byte_buffer output(hkdf_sha256::max_output_bytes + 1, std::byte{0x77});
  EXPECT_FALSE(kdf.expand(as_bytes("info"), output));
  EXPECT_EQ(output, byte_buffer(output.size(), std::byte{0x77}));
}

// The P-256 key schedule of the protocol: PSK 10..2f, the shared secret of the scalars 1 and 2.
const std::string psk_text = "EBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8";
const std::string shared_secret = "fPJ7GI0DT36KUjgDBLUaw8CJaeJ38hs1pgtI_EdmmXg";
const std::string transcript_hash = "aXiRFjnPfSDPD7Va-o_-tln9w9RLbmx5qZGtqTQZpWk";

TEST(interop_traps, trap_10_hkdf_salt_is_the_psk_and_ikm_is_secret_then_transcript) {
  auto kdf = hkdf_sha256::extract(b64u(psk_text), {b64u(shared_secret), b64u(transcript_hash)});
  EXPECT_EQ(copy_of(kdf.expand<32>("flowersec-e2ee-v1:c2s:key")), b64u("N43tNz4ZKHJ-i_YnEyOS8wopsLzewOGdG9tWlmdDnXo"));
  EXPECT_EQ(copy_of(kdf.expand<32>("flowersec-e2ee-v1:s2c:key")), b64u("yhI4fiB4UKjSNeQz2FEwhuvfmI7MH0N0rlQS_GQ4vYY"));
  EXPECT_EQ(copy_of(kdf.expand<4>("flowersec-e2ee-v1:c2s:nonce_prefix")), b64u("05-spg"));
  EXPECT_EQ(copy_of(kdf.expand<4>("flowersec-e2ee-v1:s2c:nonce_prefix")), b64u("8sVFVw"));
  EXPECT_EQ(copy_of(kdf.expand<32>("flowersec-e2ee-v1:rekey_base")),
            b64u("KGeve3v5gkAKdvJBHiivxEhOlS0BkTrhQn9Dyl6XfCA"));

  auto swapped = hkdf_sha256::extract(b64u(psk_text), {b64u(transcript_hash), b64u(shared_secret)});
  EXPECT_NE(copy_of(swapped.expand<32>("flowersec-e2ee-v1:c2s:key")),
            copy_of(kdf.expand<32>("flowersec-e2ee-v1:c2s:key")));
}

TEST(hmac_sha256, gives_the_auth_tag_of_the_handshake_vector) {
  byte_buffer timestamp(8);
  store_be<std::uint64_t>(timestamp.data(), 1700000000);
  EXPECT_EQ(copy_of(hmac_sha256(b64u(psk_text), {b64u(transcript_hash), timestamp})),
            b64u("jP4CF597UEQ68-bJpDuU9EwLQW20Z5f2IBtD7P_83WQ"));
}

}  // namespace
}  // namespace flowersec::crypto
