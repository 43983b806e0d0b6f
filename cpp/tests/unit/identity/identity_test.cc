// Identities: generation, the way in and out of private keys, and their end.
#include "flowersec/identity/identity.h"

#include "unit/identity/fixture.h"

namespace flowersec::identity {
namespace {

using namespace testing;  // NOLINT

TEST(identities, have_the_public_keys_and_secrets_of_the_vectors_from_both_sides) {
  const auto vectors = testdata("identity/legacy.json");
  for (const auto& row : vectors.at("sets").as_array()) {
    const auto client = identity_at(row, "client_private_b64u");
    const auto server = identity_at(row, "server_private_b64u");
    EXPECT_EQ(client.key().text(), text_at(row, "client"));
    EXPECT_EQ(server.key().text(), text_at(row, "server"));
    EXPECT_EQ(encode_base64url(client.agree(server.key()).value().view()), text_at(row, "raw_b64u"));
    EXPECT_EQ(encode_base64url(server.agree(client.key()).value().view()), text_at(row, "raw_b64u"));
  }
}

TEST(identities, generated_ones_come_back_from_what_they_export) {
  seeded_random random;
  const auto made = identity::generate(random).value();
  const auto again = identity::from_private(made.export_private().value().view()).value();
  EXPECT_EQ(again.key(), made.key());
  EXPECT_NE(identity::generate(random).value().key(), made.key());
}

TEST(identities, need_32_bytes_and_randomness) {
  EXPECT_EQ(identity::from_private(byte_buffer(31)).error(), identity_errc::bad_length);
  EXPECT_EQ(identity::from_private(byte_buffer(33)).error(), identity_errc::bad_length);
  EXPECT_TRUE(identity::from_private(byte_buffer(32)));
  seeded_random dry{1, 0};
  EXPECT_EQ(identity::generate(dry).error(), identity_errc::no_randomness);
  EXPECT_EQ(ephemeral_key::generate(dry).error(), identity_errc::no_randomness);
}

TEST(identities, a_destroyed_one_keeps_its_public_key_and_nothing_else) {
  auto own = identity_of(client_private);
  own.destroy();
  EXPECT_EQ(own.key().text(), client_public);
  EXPECT_EQ(own.agree(key_of(server_public)).error(), identity_errc::destroyed);
  EXPECT_EQ(own.export_private().error(), identity_errc::destroyed);
  own.destroy();
}

TEST(identities, cannot_be_copied) {
  EXPECT_FALSE(std::is_copy_constructible_v<identity>);
  EXPECT_FALSE(std::is_copy_constructible_v<key_pair>);
  EXPECT_FALSE(std::is_copy_constructible_v<ephemeral_key>);
  EXPECT_TRUE(std::is_nothrow_move_constructible_v<identity>);
}

}  // namespace
}  // namespace flowersec::identity
