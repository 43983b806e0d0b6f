// The sealed box, against values that two other implementations computed, and everything that must not open.
#include "unit/sealed/fixture.h"

namespace flowersec::sealed {
namespace {

using namespace testing;  // NOLINT

const boost::json::value& vectors() {
  static const auto all = testdata("sealed/box_vectors.json");
  return all;
}

const boost::json::value& worked_values() { return vectors().at("seal").at(0); }

TEST(box, every_vector_is_sealed_to_the_same_bytes_and_opens_again) {
  for (const auto& row : vectors().at("seal").as_array()) {
    SCOPED_TRACE(text_at(row, "name"));
    const auto gateway = pair_of(b64u_at(row, "server_private_b64u"));
    EXPECT_EQ(gateway.public_half().text(), text_at(row, "server_public_b64u"));
    EXPECT_EQ(gateway.kid(), text_at(row, "kid"));
    const auto channel_id = text_at(row, "channel_id");
    const auto psk = psk_of(b64u_at(row, "psk_b64u"));
    fixed_random sealing{b64u_at(row, "sealing_private_b64u")};
    const auto sealed = seal(gateway.public_half(), channel_id, psk, sealing);
    ASSERT_TRUE(sealed);
    EXPECT_EQ(encode_base64url(*sealed), text_at(row, "sealed_b64u"));
    const auto opened = open(gateway, channel_id, *sealed);
    ASSERT_TRUE(opened);
    EXPECT_EQ(*opened, psk);
  }
}

TEST(box, every_refusal_of_the_shared_table_is_one_and_the_same_error) {
  for (const auto& row : vectors().at("refused").as_array()) {
    SCOPED_TRACE(text_at(row, "name"));
    const auto gateway = pair_of(b64u_at(row, "server_private_b64u"));
    const auto sealed = b64u_at(row, "sealed_b64u");
    EXPECT_EQ(open(gateway, text_at(row, "channel_id"), sealed).error(), sealed_errc::not_opened);
  }
}

TEST(box, any_bit_changed_and_any_truncation_does_not_open) {
  const auto gateway = pair_of(b64u_at(worked_values(), "server_private_b64u"));
  const auto channel_id = text_at(worked_values(), "channel_id");
  const auto sealed = b64u_at(worked_values(), "sealed_b64u");
  ASSERT_TRUE(open(gateway, channel_id, sealed));
  for (std::size_t bit = 0; bit < 8 * box_bytes; ++bit) {
    auto changed = sealed;
    changed[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_EQ(open(gateway, channel_id, changed).error(), sealed_errc::not_opened) << "bit " << bit;
  }
  for (std::size_t size = 0; size < box_bytes; ++size) {
    const byte_buffer cut{sealed.begin(), sealed.begin() + static_cast<std::ptrdiff_t>(size)};
    EXPECT_EQ(open(gateway, channel_id, cut).error(), sealed_errc::not_opened) << size << " bytes";
  }
}

TEST(box, nothing_is_sealed_to_a_key_of_small_order) {
  seeded_random random;
  const auto psk = crypto::psk::generate(random).value();
  for (const auto& text : vectors().at("small_order_server_keys_hex").as_array()) {
    const auto bytes = flowersec::testing::hex(std::string{text.as_string()});
    const public_key weak{byte_view{bytes}.first<key_bytes>()};
    EXPECT_EQ(seal(weak, "c", psk, random).error(), sealed_errc::weak_key) << text;
  }
}

TEST(box, the_same_psk_is_sealed_to_another_box_each_time) {
  seeded_random random;
  const auto gateway = key_pair::generate(random).value();
  const auto psk = crypto::psk::generate(random).value();
  const auto first = seal(gateway.public_half(), "c", psk, random).value();
  const auto second = seal(gateway.public_half(), "c", psk, random).value();
  EXPECT_FALSE(std::equal(first.begin(), first.begin() + key_bytes, second.begin()));
  EXPECT_EQ(open(gateway, "c", first).value(), psk);
  EXPECT_EQ(open(gateway, "c", second).value(), psk);
}

TEST(box, the_channel_id_has_1_to_256_bytes) {
  seeded_random random;
  const auto gateway = key_pair::generate(random).value();
  const auto psk = crypto::psk::generate(random).value();
  EXPECT_TRUE(seal(gateway.public_half(), std::string(max_channel_id_bytes, 'c'), psk, random));
  EXPECT_EQ(seal(gateway.public_half(), std::string(max_channel_id_bytes + 1, 'c'), psk, random).error(),
            sealed_errc::bad_channel_id);
  EXPECT_EQ(seal(gateway.public_half(), "", psk, random).error(), sealed_errc::bad_channel_id);
}

TEST(box, without_randomness_nothing_is_sealed) {
  seeded_random random;
  const auto gateway = key_pair::generate(random).value();
  const auto psk = crypto::psk::generate(random).value();
  seeded_random dry{1, 0};
  EXPECT_EQ(seal(gateway.public_half(), "c", psk, dry).error(), sealed_errc::random_failed);
}

}  // namespace
}  // namespace flowersec::sealed
