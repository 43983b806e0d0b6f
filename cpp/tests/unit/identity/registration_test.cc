// Proofs of registration and of work, against values that another implementation computed.
#include "flowersec/identity/registration.h"

#include "flowersec/crypto/kdf.h"
#include "unit/identity/fixture.h"

namespace flowersec::identity {
namespace {

using namespace testing;  // NOLINT

const boost::json::value& vectors() {
  static const auto all = testdata("identity/derivations.json");
  return all;
}

struct challenge_of {
  explicit challenge_of(const boost::json::value& row) : bytes(b64u_at(row, "challenge_b64u")) {}
  [[nodiscard]] challenge_view view() const { return byte_view{bytes}.first<challenge_bytes>(); }
  byte_buffer bytes;
};

TEST(registration_proofs, every_value_of_the_shared_table) {
  for (const auto& row : vectors().at("proofs").as_array()) {
    SCOPED_TRACE(text_at(row, "name"));
    const auto client = identity_at(row, "client_private_b64u");
    const auto registry = identity_at(row, "registry_private_b64u");
    const challenge_of challenge{row};
    const auto dh = client.agree(registry.key()).value();
    EXPECT_EQ(encode_base64url(dh.view()), text_at(row, "dh_b64u"));
    const auto key = registration_key(dh, client.key(), registry.key());
    EXPECT_EQ(encode_base64url(key.view()), text_at(row, "popkey_b64u"));
    for (const bool replace : {false, true}) {
      const auto proof = prove_registration(client, registry.key(), challenge.view(), replace).value();
      EXPECT_EQ(encode_base64url(proof), text_at(row, replace ? "replace_1_b64u" : "replace_0_b64u"));
      EXPECT_TRUE(verify_registration(registry, client.key(), challenge.view(), replace, proof));
      EXPECT_EQ(verify_registration(registry, client.key(), challenge.view(), !replace, proof).error(),
                identity_errc::bad_proof);
    }
  }
}

TEST(registration_proofs, the_first_version_differs_in_the_flag_alone) {
  for (const auto& row : vectors().at("proofs").as_array()) {
    const auto mac = crypto::hmac_sha256(b64u_at(row, "popkey_b64u"),
                                         {as_bytes("flowersec-rv-pop-v1:proof"), b64u_at(row, "challenge_b64u"),
                                          key_at(row, "client").view(), key_at(row, "registry").view()});
    EXPECT_EQ(encode_base64url(mac.view()), text_at(row, "without_replace_b64u")) << text_at(row, "name");
  }
}

TEST(registration_proofs, every_refusal_of_the_shared_table_is_one_and_the_same_error) {
  for (const auto& row : vectors().at("refused_proofs").as_array()) {
    const auto verified =
        verify_registration(identity_at(row, "registry_private_b64u"), key_at(row, "client"), challenge_of{row}.view(),
                            row.at("replace").as_bool(), b64u_at(row, "proof_b64u"));
    ASSERT_FALSE(verified) << text_at(row, "name");
    EXPECT_EQ(verified.error(), identity_errc::bad_proof) << text_at(row, "name");
  }
}

TEST(registration_proofs, any_bit_changed_does_not_verify) {
  const auto& row = vectors().at("proofs").at(0);
  const auto registry = identity_at(row, "registry_private_b64u");
  const challenge_of challenge{row};
  const auto good = b64u_at(row, "replace_0_b64u");
  for (std::size_t bit = 0; bit < 8 * proof_bytes; ++bit) {
    auto changed = good;
    changed[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_FALSE(verify_registration(registry, key_at(row, "client"), challenge.view(), false, changed)) << bit;
  }
}

TEST(registration_proofs, a_destroyed_identity_proves_nothing) {
  auto own = identity_of(client_private);
  own.destroy();
  EXPECT_EQ(prove_registration(own, key_of(server_public), std::array<std::byte, 32>{}, false).error(),
            identity_errc::destroyed);
}

TEST(work, is_found_and_counts_as_in_the_shared_table) {
  for (const auto& row : vectors().at("work").as_array()) {
    const challenge_of challenge{row};
    const auto client = key_at(row, "client");
    const auto bits = static_cast<unsigned>(row.at("bits").as_int64());
    const auto zero_bits = static_cast<unsigned>(row.at("zero_bits").as_int64());
    auto search = work_search::begin(challenge.view(), client, bits).value();
    const auto nonce = search.look(std::uint64_t{1} << 22U);
    ASSERT_TRUE(nonce) << bits;
    EXPECT_EQ(encode_base64url(*nonce), text_at(row, "first_nonce_b64u")) << bits;
    EXPECT_TRUE(is_work(challenge.view(), client, bits, *nonce)) << bits;
    EXPECT_TRUE(is_work(challenge.view(), client, zero_bits, *nonce)) << bits;
    EXPECT_FALSE(is_work(challenge.view(), client, zero_bits + 1, *nonce)) << bits;
  }
  for (const auto& row : vectors().at("refused_work").as_array()) {
    EXPECT_FALSE(is_work(challenge_of{row}.view(), key_at(row, "client"),
                         static_cast<unsigned>(row.at("bits").as_int64()), b64u_at(row, "nonce_b64u")))
        << text_at(row, "name");
  }
}

TEST(work, goes_on_where_it_stopped) {
  const auto& row = vectors().at("work").as_array().back();
  const challenge_of challenge{row};
  auto search = work_search::begin(challenge.view(), key_at(row, "client"), 16).value();
  std::optional<work_nonce> found;
  while (!found) found = search.look(1000);
  EXPECT_EQ(encode_base64url(*found), text_at(row, "first_nonce_b64u"));
}

TEST(work, of_more_than_20_bits_is_nobody_s_to_ask) {
  const std::array<std::byte, challenge_bytes> challenge{};
  EXPECT_TRUE(work_search::begin(challenge, key_of(client_public), max_work_bits));
  EXPECT_EQ(work_search::begin(challenge, key_of(client_public), max_work_bits + 1).error(),
            identity_errc::too_much_work);
}

}  // namespace
}  // namespace flowersec::identity
