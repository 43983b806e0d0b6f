// Secret memory: one owner, wiped, not printable, compared in constant time.
#include "flowersec/crypto/secret.h"

#include <gtest/gtest.h>

#include <ostream>
#include <type_traits>

#include "flowersec/crypto/aead.h"
#include "flowersec/crypto/dh.h"
#include "flowersec/crypto/kdf.h"
#include "flowersec/crypto/sign.h"
#include "support/literals.h"
#include "support/random_sources.h"

namespace flowersec::crypto {
namespace {

using flowersec::testing::b64u;
using flowersec::testing::seeded_random;

template <class T>
concept printable = requires(std::ostream& out, const T& value) {
  out << value;
};

template <class T>
constexpr bool has_one_owner = std::is_nothrow_move_constructible_v<T>&& std::is_nothrow_move_assignable_v<T> &&
                               !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T> && !printable<T>;

static_assert(has_one_owner<secret_bytes<32>>);
static_assert(has_one_owner<psk>);
static_assert(has_one_owner<dh_key_pair>);
static_assert(has_one_owner<ed25519_signing_key>);
static_assert(has_one_owner<hmac_sha256_context>);
static_assert(has_one_owner<hkdf_sha256>);
static_assert(has_one_owner<aes_256_gcm_sealer>);
static_assert(has_one_owner<aes_256_gcm_opener>);

static_assert(sizeof(secret_bytes<32>) == 32, "inline, without an allocation");
static_assert(!std::is_convertible_v<secret_bytes<32>, psk>, "no other secret becomes a PSK by accident");
static_assert(!std::is_convertible_v<psk, byte_view>);
static_assert(!std::is_constructible_v<secret_bytes<32>, secret_bytes<16>>);

const std::string psk_text = "EBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8";

bool is_all_zero(byte_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte each) { return each == std::byte{0}; });
}

secret_bytes<32> sample() {
  secret_bytes<32> secret;
  (void)seeded_random{}.fill(secret.mutable_view());
  return secret;
}

TEST(secret_bytes, starts_all_zero) { EXPECT_TRUE(is_all_zero(secret_bytes<64>{}.view())); }

TEST(secret_bytes, moving_leaves_zeros_behind) {
  auto first = sample();
  const auto second = std::move(first);
  EXPECT_TRUE(is_all_zero(first.view()));  // NOLINT(bugprone-use-after-move): the moved-from state is what is tested
  EXPECT_TRUE(second == sample());
  auto third = sample();
  secret_bytes<32> target;
  target = std::move(third);
  EXPECT_TRUE(is_all_zero(third.view()));  // NOLINT(bugprone-use-after-move)
  EXPECT_TRUE(target == sample());
}

TEST(secret_bytes, assigning_to_itself_keeps_the_bytes) {
  auto secret = sample();
  auto& same = secret;
  secret = std::move(same);
  EXPECT_TRUE(secret == sample());
}

TEST(secret_bytes, are_wiped_on_destruction) {
  alignas(secret_bytes<32>) std::array<std::byte, sizeof(secret_bytes<32>)> memory;
  auto* const secret = new (memory.data()) secret_bytes<32>{sample()};
  EXPECT_FALSE(is_all_zero(memory));
  secret->~secret_bytes();
  EXPECT_TRUE(is_all_zero(memory));
}

TEST(secret_bytes, clone_is_a_second_owner) {
  auto first = sample();
  const auto second = first.clone();
  first.wipe();
  EXPECT_TRUE(second == sample());
}

TEST(constant_time_equal, tells_every_single_bit_apart) {
  const byte_buffer a(33, std::byte{0x5a});
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      auto b = a;
      b[i] ^= std::byte{1} << bit;
      EXPECT_FALSE(constant_time_equal(a, b)) << i << " " << bit;
    }
  }
  EXPECT_TRUE(constant_time_equal(a, byte_buffer(a)));
}

TEST(constant_time_equal, unequal_lengths_are_unequal) {
  const byte_buffer a(32);
  EXPECT_FALSE(constant_time_equal(a, byte_view{a}.first(31)));
  EXPECT_FALSE(constant_time_equal(byte_view{}, a));
  EXPECT_TRUE(constant_time_equal(byte_view{}, byte_view{}));
}

TEST(psk, decodes_its_wire_form) {
  const auto key = psk::from_base64url(psk_text);
  ASSERT_TRUE(key.has_value());
  EXPECT_TRUE(constant_time_equal(key->view(), b64u(psk_text)));
  EXPECT_EQ(key->to_base64url(), psk_text);
  EXPECT_TRUE(key->clone() == *key);
}

TEST(psk, is_exactly_32_bytes) {
  for (std::size_t bytes = 0; bytes <= 66; ++bytes) {
    const auto text = encode_base64url(byte_buffer(bytes, std::byte{7}));
    EXPECT_EQ(psk::from_base64url(text).has_value(), bytes == 32) << bytes;
  }
}

TEST(psk, generated_keys_differ_and_a_dead_random_source_is_reported) {
  seeded_random random;
  const auto first = psk::generate(random);
  const auto second = psk::generate(random);
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(*first == *second);
  seeded_random dead{1, 0};
  EXPECT_FALSE(psk::generate(dead).has_value());
}

TEST(interop_traps, trap_12_base64url_is_without_padding_and_canonical) {
  EXPECT_FALSE(psk::from_base64url(psk_text + "=").has_value()) << "padding";
  for (const char last : {'9', '_', '-', 'z'}) {
    auto text = psk_text;
    text.back() = last;  // '8' is 111100: the two low bits are unused and must stay zero
    EXPECT_EQ(psk::from_base64url(text).has_value(), false) << last;
  }
  for (const char foreign : {'+', '/', ' ', '\n', '\r', '\t', '\0', '='}) {
    auto text = psk_text;
    text[20] = foreign;
    EXPECT_FALSE(psk::from_base64url(text).has_value()) << static_cast<int>(foreign);
  }
  EXPECT_FALSE(psk::from_base64url(" " + psk_text).has_value());
  EXPECT_FALSE(psk::from_base64url(psk_text + "\n").has_value());
}

}  // namespace
}  // namespace flowersec::crypto
