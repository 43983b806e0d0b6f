// AES-256-GCM: known answers, every way to call it, every way it must fail.
#include "flowersec/crypto/aead.h"

#include <gtest/gtest.h>

#include <vector>

#include "support/literals.h"
#include "support/random_sources.h"

namespace flowersec::crypto {
namespace {

using flowersec::testing::hex;
using flowersec::testing::seeded_random;

struct known_answer {
  const char* name;
  byte_buffer key, nonce, aad, plaintext, ciphertext, tag;
};

const std::vector<known_answer>& known_answers() {
  static const std::vector<known_answer> answers{
      {"GCM specification, case 13: nothing",
       byte_buffer(32),
       byte_buffer(12),
       {},
       {},
       {},
       hex("530f8afbc74536b9a963b4f1c4cb738b")},
      {"GCM specification, case 14: one block",
       byte_buffer(32),
       byte_buffer(12),
       {},
       byte_buffer(16),
       hex("cea7403d4d606b6e074ec5d3baf39d18"),
       hex("d0d1c8a799996bf0265b98b5d48ab919")},
      {"GCM specification, case 16: associated data and an odd length",
       hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"), hex("cafebabefacedbaddecaf888"),
       hex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
       hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
           "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"),
       hex("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
           "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"),
       hex("76fc6ece0f4e1768cddf8853bb2d551b")},
      {"record of the protocol: hello, sequence 1",
       hex("a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"), hex("01020304 0000000000000001"),
       hex("46534543 01 00 0000000000000001 00000015"), hex("68656c6c6f"), hex("4c603e99e5"),
       hex("e0ef9b5ec9ce352234be350b40b3e85d")},
  };
  return answers;
}

aead_key_view key_of(const byte_buffer& bytes) { return byte_view{bytes}.first<aead_key_bytes>(); }
aead_nonce_view nonce_of(const byte_buffer& bytes) { return byte_view{bytes}.first<aead_nonce_bytes>(); }
std::span<std::byte, aead_tag_bytes> tag_of(byte_buffer& bytes) {
  return mutable_byte_view{bytes}.first<aead_tag_bytes>();
}

byte_buffer pattern(std::size_t size) {
  byte_buffer bytes(size);
  (void)seeded_random{size + 1}.fill(bytes);
  return bytes;
}

class aead : public ::testing::Test {
 protected:
  const byte_buffer key = pattern(32);
  const byte_buffer nonce = pattern(12);
  const byte_buffer aad = pattern(18);
  byte_buffer tag = byte_buffer(16);
  aes_256_gcm_sealer sealer{key_of(key)};
  aes_256_gcm_opener opener{key_of(key)};

  byte_buffer sealed(const byte_buffer& plaintext) {
    auto data = plaintext;
    EXPECT_TRUE(sealer.seal(nonce_of(nonce), aad, data, tag_of(tag)));
    return data;
  }
};

TEST_F(aead, gives_the_known_answers_in_place_and_between_buffers) {
  for (const auto& answer : known_answers()) {
    aes_256_gcm_sealer seals{key_of(answer.key)};
    auto in_place = answer.plaintext;
    ASSERT_TRUE(seals.seal(nonce_of(answer.nonce), answer.aad, in_place, tag_of(tag))) << answer.name;
    EXPECT_EQ(in_place, answer.ciphertext) << answer.name;
    EXPECT_EQ(tag, answer.tag) << answer.name;

    byte_buffer apart(answer.plaintext.size());
    ASSERT_TRUE(seals.seal(nonce_of(answer.nonce), answer.aad, answer.plaintext, apart, tag_of(tag))) << answer.name;
    EXPECT_EQ(apart, answer.ciphertext) << answer.name;
    EXPECT_EQ(tag, answer.tag) << answer.name;

    aes_256_gcm_opener opens{key_of(answer.key)};
    ASSERT_TRUE(opens.open(nonce_of(answer.nonce), answer.aad, in_place, tag_of(tag))) << answer.name;
    EXPECT_EQ(in_place, answer.plaintext) << answer.name;
    ASSERT_TRUE(opens.open(nonce_of(answer.nonce), answer.aad, answer.ciphertext, apart, tag_of(tag))) << answer.name;
    EXPECT_EQ(apart, answer.plaintext) << answer.name;
  }
}

TEST_F(aead, pieces_give_the_same_record_as_the_whole) {
  const auto plaintext = pattern(1000);
  const auto whole = sealed(plaintext);
  const auto whole_tag = tag;
  for (const std::size_t piece : {1U, 7U, 15U, 16U, 17U, 999U, 1000U}) {
    byte_buffer gathered(plaintext.size());
    sealer.begin(nonce_of(nonce), aad);
    for (std::size_t at = 0; at < plaintext.size(); at += piece) {
      const auto size = std::min(piece, plaintext.size() - at);
      sealer.update(byte_view{plaintext}.subspan(at, size), mutable_byte_view{gathered}.subspan(at, size));
      sealer.update({}, {});
    }
    sealer.finish(tag_of(tag));
    EXPECT_EQ(gathered, whole) << piece;
    EXPECT_EQ(tag, whole_tag) << piece;
  }
}

TEST_F(aead, round_trips_around_block_sizes) {
  for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 31U, 32U, 33U, 255U, 256U, 4095U, 65536U, 1048542U}) {
    const auto plaintext = pattern(size);
    auto data = sealed(plaintext);
    ASSERT_TRUE(opener.open(nonce_of(nonce), aad, data, tag_of(tag))) << size;
    EXPECT_EQ(data, plaintext) << size;
  }
}

TEST_F(aead, a_context_serves_many_records) {
  std::vector<byte_buffer> seen;
  for (int i = 0; i < 100; ++i) {
    auto fresh = nonce;
    fresh.back() = static_cast<std::byte>(i);
    auto data = pattern(64);
    ASSERT_TRUE(sealer.seal(nonce_of(fresh), aad, data, tag_of(tag)));
    EXPECT_EQ(std::find(seen.begin(), seen.end(), data), seen.end()) << "each nonce gives another key stream";
    seen.push_back(data);
    ASSERT_TRUE(opener.open(nonce_of(fresh), aad, data, tag_of(tag)));
    EXPECT_EQ(data, pattern(64));
  }
}

TEST_F(aead, refuses_every_flipped_bit_and_wipes_the_plaintext) {
  const auto ciphertext = sealed(pattern(21));
  const auto expect_refused = [&](const byte_buffer& n, const byte_buffer& a, const byte_buffer& c, byte_buffer t) {
    auto data = c;
    EXPECT_FALSE(opener.open(nonce_of(n), a, data, tag_of(t)));
    EXPECT_EQ(data, byte_buffer(c.size())) << "nothing unauthenticated is left";
    byte_buffer apart(c.size(), std::byte{1});
    EXPECT_FALSE(opener.open(nonce_of(n), a, c, apart, tag_of(t)));
    EXPECT_EQ(apart, byte_buffer(c.size()));
  };
  const auto flipped = [](byte_buffer bytes, std::size_t bit) {
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    return bytes;
  };
  for (std::size_t bit = 0; bit < nonce.size() * 8; ++bit) expect_refused(flipped(nonce, bit), aad, ciphertext, tag);
  for (std::size_t bit = 0; bit < aad.size() * 8; ++bit) expect_refused(nonce, flipped(aad, bit), ciphertext, tag);
  for (std::size_t bit = 0; bit < ciphertext.size() * 8; ++bit) {
    expect_refused(nonce, aad, flipped(ciphertext, bit), tag);
  }
  for (std::size_t bit = 0; bit < tag.size() * 8; ++bit) expect_refused(nonce, aad, ciphertext, flipped(tag, bit));
  auto shorter = ciphertext;
  shorter.pop_back();
  expect_refused(nonce, aad, shorter, tag);
  expect_refused(nonce, {}, ciphertext, tag);
}

TEST_F(aead, a_refusal_does_not_disturb_the_next_record) {
  auto data = sealed(pattern(40));
  auto broken = data;
  broken[0] ^= std::byte{1};
  EXPECT_FALSE(opener.open(nonce_of(nonce), aad, broken, tag_of(tag)));
  EXPECT_TRUE(opener.open(nonce_of(nonce), aad, data, tag_of(tag)));
  EXPECT_EQ(data, pattern(40));
}

TEST_F(aead, rekey_replaces_the_key_on_both_sides) {
  const auto old_record = sealed(pattern(40));
  const auto old_tag = tag;
  const auto new_key = pattern(33);
  sealer.rekey(key_of(new_key));
  auto new_record = sealed(pattern(40));
  EXPECT_NE(new_record, old_record);
  auto early = new_record;
  EXPECT_FALSE(opener.open(nonce_of(nonce), aad, early, tag_of(tag))) << "the old key does not open the new record";
  opener.rekey(key_of(new_key));
  EXPECT_TRUE(opener.open(nonce_of(nonce), aad, new_record, tag_of(tag)));
  EXPECT_EQ(new_record, pattern(40));
  auto late = old_record;
  auto late_tag = old_tag;
  EXPECT_FALSE(opener.open(nonce_of(nonce), aad, late, tag_of(late_tag))) << "the new key does not open the old record";
  aes_256_gcm_opener fresh{key_of(new_key)};
  auto again = sealed(pattern(40));
  EXPECT_TRUE(fresh.open(nonce_of(nonce), aad, again, tag_of(tag))) << "rekeying is the same as starting with the key";
}

TEST_F(aead, refuses_buffers_of_unequal_size) {
  const auto plaintext = pattern(16);
  byte_buffer small(15);
  EXPECT_FALSE(sealer.seal(nonce_of(nonce), aad, plaintext, small, tag_of(tag)));
  EXPECT_FALSE(opener.open(nonce_of(nonce), aad, plaintext, small, tag_of(tag)));
  EXPECT_EQ(small, byte_buffer(15)) << "nothing was written";
}

TEST_F(aead, the_tag_may_follow_the_data_in_one_buffer) {
  auto record = pattern(20);
  record.resize(36);
  const mutable_byte_view view{record};
  ASSERT_TRUE(sealer.seal(nonce_of(nonce), aad, view.first(20), view.subspan<20, 16>()));
  ASSERT_TRUE(opener.open(nonce_of(nonce), aad, view.first(20), view.subspan<20, 16>()));
  EXPECT_EQ(to_buffer(view.first(20)), pattern(20));
}

}  // namespace
}  // namespace flowersec::crypto
