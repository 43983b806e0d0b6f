// Identity keys: texts, ids, and what becomes of the private half.
#include "flowersec/sealed/key.h"

#include <cstring>
#include <new>

#include "unit/sealed/fixture.h"

namespace flowersec::sealed {
namespace {

using namespace testing;  // NOLINT

TEST(public_keys, what_is_no_key_in_base64url_is_refused) {
  const auto table = testdata("sealed/box_vectors.json");
  for (const auto& row : table.at("bad_keys").as_array()) {
    EXPECT_FALSE(public_key::parse(text_at(row, "text"))) << text_at(row, "name");
  }
}

TEST(public_keys, a_text_reads_back_as_the_same_key) {
  seeded_random random;
  for (int i = 0; i < 20; ++i) {
    const auto key = key_pair::generate(random).value();
    const auto text = key.public_half().text();
    EXPECT_EQ(text.size(), 43u);
    EXPECT_EQ(public_key::parse(text), key.public_half());
    EXPECT_EQ(key.kid().size(), 11u);
    EXPECT_EQ(key.public_half().kid(), key.kid());
  }
}

TEST(public_keys, are_equal_byte_by_byte) {
  std::array<std::byte, key_bytes> bytes{};
  const public_key one{bytes};
  bytes.back() = std::byte{1};
  EXPECT_EQ(one, one);
  EXPECT_NE(one, public_key{bytes});
  EXPECT_NE(one.kid(), public_key{bytes}.kid());
}

TEST(key_pairs, need_randomness) {
  seeded_random dry{1, 0};
  EXPECT_EQ(key_pair::generate(dry).error(), sealed_errc::random_failed);
}

TEST(key_pairs, leave_nothing_of_the_private_half_behind) {
  alignas(key_pair) std::array<std::byte, sizeof(key_pair)> memory{};
  std::array<std::byte, key_bytes> secret;
  seeded_random random{7};
  ASSERT_TRUE(random.fill(secret));
  auto* pair = new (memory.data()) key_pair{key_pair::from_private(secret)};
  const auto is_there = [&] {
    const std::string_view all{reinterpret_cast<const char*>(memory.data()), memory.size()};
    return all.find(std::string_view{reinterpret_cast<const char*>(secret.data()), secret.size()}) !=
           std::string_view::npos;
  };
  EXPECT_TRUE(is_there());
  const auto moved = std::move(*pair);
  EXPECT_FALSE(is_there());
  pair->~key_pair();
  EXPECT_TRUE(std::ranges::equal(moved.private_half(), secret));
}

}  // namespace
}  // namespace flowersec::sealed
