// Secrets and messages of the original, against the vectors of its texts, the wrong one included.
#include "flowersec/identity/legacy.h"

#include "unit/identity/fixture.h"

namespace flowersec::identity {
namespace {

using namespace testing;  // NOLINT

const boost::json::value& vectors() {
  static const auto all = testdata("identity/legacy.json");
  return all;
}

legacy_secret secret_at(const boost::json::value& row) {
  const auto bytes = b64u_at(row, "secret_b64u");
  return legacy_secret{byte_view{bytes}.first<crypto::secretbox_key_bytes>()};
}

std::string secret_text(std::string_view private_key, std::string_view peer) {
  const auto secret = legacy_secret_of(identity_of(private_key), key_of(peer)).value();
  return encode_base64url(secret.view());
}

TEST(legacy_secrets, are_those_of_the_sets_from_both_sides) {
  for (const auto& row : vectors().at("sets").as_array()) {
    EXPECT_EQ(secret_text(text_at(row, "client_private_b64u"), text_at(row, "server")), text_at(row, "box_b64u"));
    EXPECT_EQ(secret_text(text_at(row, "server_private_b64u"), text_at(row, "client")), text_at(row, "box_b64u"));
  }
}

TEST(legacy_secrets, the_wrong_one_comes_out_only_with_public_bytes_as_private_key) {
  const auto& wrong = vectors().at("wrong");
  EXPECT_EQ(secret_text(text_at(wrong, "as_private_b64u"), text_at(wrong, "server")), text_at(wrong, "box_b64u"));
  const auto& set = vectors().at("sets").at(1);
  EXPECT_NE(secret_text(text_at(set, "client_private_b64u"), text_at(wrong, "server")), text_at(wrong, "box_b64u"));
}

TEST(legacy_messages, every_row_of_the_shared_table_is_sealed_and_opened) {
  for (const auto& row : vectors().at("messages").as_array()) {
    SCOPED_TRACE(text_at(row, "name"));
    const auto secret = secret_at(row);
    const auto nonce = b64u_at(row, "nonce_b64u");
    const auto fixed = byte_view{nonce}.first<crypto::secretbox_nonce_bytes>();
    EXPECT_EQ(legacy_seal(secret, fixed, text_at(row, "clear")), text_at(row, "message_b64u"));
    EXPECT_EQ(legacy_open(secret, fixed, text_at(row, "message_b64u")), text_at(row, "clear"));
  }
}

TEST(legacy_messages, every_refusal_of_the_shared_table) {
  for (const auto& row : vectors().at("refused").as_array()) {
    const auto nonce = b64u_at(row, "nonce_b64u");
    const auto fixed = byte_view{nonce}.first<crypto::secretbox_nonce_bytes>();
    EXPECT_FALSE(legacy_open(secret_at(row), fixed, text_at(row, "message_b64u"))) << text_at(row, "name");
  }
}

TEST(legacy_messages, what_is_not_base64url_or_not_utf8_is_refused) {
  const auto& row = vectors().at("messages").at(1);
  const auto secret = secret_at(row);
  const auto nonce = b64u_at(row, "nonce_b64u");
  const auto fixed = byte_view{nonce}.first<crypto::secretbox_nonce_bytes>();
  EXPECT_FALSE(legacy_open(secret, fixed, text_at(row, "message_b64u") + "="));
  EXPECT_FALSE(legacy_open(secret, fixed, legacy_seal(secret, fixed, "\xff")));
}

}  // namespace
}  // namespace flowersec::identity
