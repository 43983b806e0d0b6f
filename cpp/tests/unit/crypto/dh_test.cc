// Key agreement: known answers of both curves, and every public key that must be refused.
#include "flowersec/crypto/dh.h"

#include <gtest/gtest.h>

#include <vector>

#include "support/literals.h"
#include "support/random_sources.h"

namespace flowersec::crypto {
namespace {

using flowersec::testing::b64u;
using flowersec::testing::hex;
using flowersec::testing::seeded_random;

const byte_buffer one = hex("0000000000000000000000000000000000000000000000000000000000000001");
const byte_buffer order_minus_1 = hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550");
const byte_buffer order = hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");

struct agreement {
  const char* name;
  suite id;
  byte_buffer private_a, public_a, private_b, public_b, shared;
};

const std::vector<agreement>& agreements() {
  static const std::vector<agreement> all{
      {"RFC 7748, 6.1", suite::x25519, hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"),
       hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"),
       hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"),
       hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"),
       hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")},
      {"RFC 5903, 8.1", suite::p256, hex("c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433"),
       hex("04 dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
           "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3"),
       hex("c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53"),
       hex("04 d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
           "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab"),
       hex("d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de")},
      {"protocol vector handshake_p256_basic", suite::p256, one,
       b64u("BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"),
       b64u("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAI"),
       b64u("BHzyexiNA09-ilI4AwS1GsPAiWnid_IbNaYLSPxHZpl4B3dVENuO0EApPZrGn3Qw27p9reY86YIpngS3nSJ4c9E"),
       b64u("fPJ7GI0DT36KUjgDBLUaw8CJaeJ38hs1pgtI_EdmmXg")},
  };
  return all;
}

/// Every small-order u-coordinate, the non-canonical ones and those with the top bit set included.
const std::vector<byte_buffer>& small_order_points() {
  static const std::vector<byte_buffer> points{
      byte_buffer(32),
      hex("0100000000000000000000000000000000000000000000000000000000000000"),
      hex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
      hex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
      hex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
      hex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
      hex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
      hex("0000000000000000000000000000000000000000000000000000000000000080"),
      hex("0100000000000000000000000000000000000000000000000000000000000080"),
      hex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880"),
      hex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11d7"),
      hex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
      hex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
      hex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
  };
  return points;
}

dh_key_pair pair_of(suite id, const byte_buffer& private_key) {
  return dh_key_pair::from_private(id, private_key).value();
}

error_code refusal(const dh_key_pair& pair, const byte_buffer& peer) {
  const auto secret = pair.agree(peer);
  return secret ? error_code{} : secret.error();
}

TEST(dh, gives_the_known_answers_from_either_side) {
  for (const auto& each : agreements()) {
    const auto a = pair_of(each.id, each.private_a);
    const auto b = pair_of(each.id, each.private_b);
    EXPECT_EQ(to_buffer(a.public_key()), each.public_a) << each.name;
    EXPECT_EQ(to_buffer(b.public_key()), each.public_b) << each.name;
    EXPECT_TRUE(is_valid_public_key(each.id, each.public_a)) << each.name;
    EXPECT_EQ(to_buffer(a.agree(each.public_b).value().view()), each.shared) << each.name;
    EXPECT_EQ(to_buffer(b.agree(each.public_a).value().view()), each.shared) << each.name;
  }
}

TEST(dh, generated_pairs_agree) {
  seeded_random random;
  for (const auto id : {suite::x25519, suite::p256}) {
    const auto a = dh_key_pair::generate(id, random).value();
    const auto b = dh_key_pair::generate(id, random).value();
    EXPECT_EQ(a.id(), id);
    EXPECT_EQ(a.public_key().size(), public_key_bytes(id));
    EXPECT_NE(to_buffer(a.public_key()), to_buffer(b.public_key()));
    EXPECT_TRUE(a.agree(b.public_key()).value() == b.agree(a.public_key()).value());
  }
}

TEST(dh, a_dead_random_source_is_reported) {
  for (const auto id : {suite::x25519, suite::p256}) {
    seeded_random dead{1, 0};
    EXPECT_EQ(dh_key_pair::generate(id, dead).error(), crypto_errc::no_randomness);
  }
}

/// Gives scalars that are out of range before a good one.
class unlucky_random final : public random_source {
 public:
  [[nodiscard]] bool fill(mutable_byte_view into) noexcept override {
    const std::array<const byte_buffer*, 4> draws{&zero_, &order, &all_ones_, &one};
    std::copy(draws[draw_]->begin(), draws[draw_]->end(), into.begin());
    return ++draw_ <= draws.size();
  }
  [[nodiscard]] std::size_t draws() const noexcept { return draw_; }

 private:
  const byte_buffer zero_ = byte_buffer(32);
  const byte_buffer all_ones_ = byte_buffer(32, std::byte{0xff});
  std::size_t draw_ = 0;
};

TEST(dh, p256_generation_draws_again_for_scalars_out_of_range) {
  unlucky_random random;
  const auto pair = dh_key_pair::generate(suite::p256, random).value();
  EXPECT_EQ(random.draws(), 4U);
  EXPECT_EQ(to_buffer(pair.public_key()), to_buffer(pair_of(suite::p256, one).public_key()));
}

TEST(dh, private_keys_are_32_bytes_and_p256_scalars_in_range) {
  for (const auto id : {suite::x25519, suite::p256}) {
    for (const std::size_t size : {0U, 31U, 33U, 64U, 65U}) {
      EXPECT_EQ(dh_key_pair::from_private(id, byte_buffer(size, std::byte{1})).error(), crypto_errc::bad_length)
          << size;
    }
  }
  EXPECT_TRUE(dh_key_pair::from_private(suite::p256, one).has_value());
  EXPECT_TRUE(dh_key_pair::from_private(suite::p256, order_minus_1).has_value());
  EXPECT_EQ(dh_key_pair::from_private(suite::p256, byte_buffer(32)).error(), crypto_errc::bad_private_key);
  EXPECT_EQ(dh_key_pair::from_private(suite::p256, order).error(), crypto_errc::bad_private_key);
  EXPECT_EQ(dh_key_pair::from_private(suite::p256, byte_buffer(32, std::byte{0xff})).error(),
            crypto_errc::bad_private_key);
}

TEST(dh, an_unknown_suite_has_no_keys) {
  EXPECT_EQ(dh_key_pair::from_private(static_cast<suite>(3), one).error(), crypto_errc::bad_private_key);
  EXPECT_FALSE(is_valid_public_key(static_cast<suite>(0), byte_buffer(32)));
  EXPECT_FALSE(is_known(static_cast<suite>(0)));
  EXPECT_FALSE(is_known(static_cast<suite>(3)));
}

TEST(interop_traps, trap_11_an_all_zero_x25519_result_is_refused) {
  const auto pair = pair_of(suite::x25519, b64u("dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo"));
  for (const auto& point : small_order_points()) {
    EXPECT_EQ(refusal(pair, point), crypto_errc::weak_shared_secret) << as_text(point);
  }
}

TEST(interop_traps, trap_11_only_65_byte_points_of_p256_are_accepted) {
  const auto& vector = agreements()[2];
  const auto pair = pair_of(suite::p256, vector.private_a);
  const auto& good = vector.public_b;
  EXPECT_FALSE(refusal(pair, good));

  byte_buffer compressed = to_buffer(byte_view{good}.first(33));
  for (const unsigned prefix : {2U, 3U, 4U}) {
    compressed[0] = static_cast<std::byte>(prefix);
    EXPECT_EQ(refusal(pair, compressed), crypto_errc::bad_length) << "compressed, " << prefix;
  }
  EXPECT_EQ(refusal(pair, byte_buffer(1)), crypto_errc::bad_length) << "infinity";
  EXPECT_EQ(refusal(pair, {}), crypto_errc::bad_length);
  for (const unsigned prefix : {0U, 1U, 2U, 3U, 5U, 6U, 7U, 0xffU}) {
    auto hybrid = good;
    hybrid[0] = static_cast<std::byte>(prefix);
    EXPECT_EQ(refusal(pair, hybrid), crypto_errc::bad_public_key) << "prefix " << prefix;
    EXPECT_FALSE(is_valid_public_key(suite::p256, hybrid)) << "prefix " << prefix;
  }
}

TEST(dh, p256_points_must_lie_on_the_curve) {
  const auto& vector = agreements()[2];
  const auto pair = pair_of(suite::p256, vector.private_a);
  for (std::size_t i = 1; i < p256_public_key_bytes; ++i) {
    auto off_curve = vector.public_b;
    off_curve[i] ^= std::byte{1};
    EXPECT_EQ(refusal(pair, off_curve), crypto_errc::bad_public_key) << "byte " << i;
  }
  byte_buffer zeros(65);
  zeros[0] = std::byte{4};
  EXPECT_EQ(refusal(pair, zeros), crypto_errc::bad_public_key) << "(0, 0)";
  EXPECT_EQ(refusal(pair, byte_buffer(65, std::byte{0xff})), crypto_errc::bad_public_key);
  // X = p + 5 is congruent to a point with X = 5, but is not its encoding.
  const auto above_field =
      hex("04 ffffffff00000001000000000000000000000001000000000000000000000004"
          "0000000000000000000000000000000000000000000000000000000000000000");
  EXPECT_EQ(refusal(pair, above_field), crypto_errc::bad_public_key);
}

TEST(dh, public_keys_of_the_wrong_length_are_refused) {
  for (const auto id : {suite::x25519, suite::p256}) {
    const auto pair = pair_of(id, one);
    for (std::size_t size = 0; size <= 70; ++size) {
      if (size == public_key_bytes(id)) continue;
      EXPECT_EQ(refusal(pair, byte_buffer(size, std::byte{4})), crypto_errc::bad_length) << size;
      EXPECT_FALSE(is_valid_public_key(id, byte_buffer(size, std::byte{4}))) << size;
    }
  }
}

TEST(dh, the_top_bit_of_an_x25519_key_is_masked) {
  const auto& vector = agreements()[0];
  auto masked = vector.public_b;
  masked.back() |= std::byte{0x80};
  EXPECT_EQ(to_buffer(pair_of(suite::x25519, vector.private_a).agree(masked).value().view()), vector.shared);
}

TEST(dh, shared_secrets_are_left_padded) {
  // Found by search: the X coordinate of this point begins with a zero byte.
  seeded_random random;
  const auto base = pair_of(suite::p256, one);
  for (int i = 0; i < 2000; ++i) {
    const auto pair = dh_key_pair::generate(suite::p256, random).value();
    if (pair.public_key()[1] != std::byte{0}) continue;
    EXPECT_EQ(to_buffer(pair.agree(base.public_key()).value().view()), to_buffer(pair.public_key().subspan(1, 32)))
        << "times the generator, the secret is the own X coordinate";
    return;
  }
  FAIL() << "no X coordinate with a leading zero among 2000";
}

}  // namespace
}  // namespace flowersec::crypto
