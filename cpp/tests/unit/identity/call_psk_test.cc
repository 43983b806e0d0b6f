// Keys of calls, against values that another implementation computed; and that a thief of one key does not come to
// them.
#include "flowersec/identity/call_psk.h"

#include "identity/psk_parts.h"
#include "support/literals.h"
#include "unit/identity/fixture.h"

namespace flowersec::identity {
namespace {

using namespace testing;  // NOLINT

const boost::json::value& vectors() {
  static const auto all = testdata("identity/derivations.json");
  return all;
}

ephemeral_key ephemeral_at(const boost::json::value& row, std::string_view name) {
  return ephemeral_key{key_pair::from_private(b64u_at(row, name)).value()};
}

std::optional<invitation_secret> invitation_at(const boost::json::value& row) {
  if (row.at("invitation_secret_b64u").is_null()) return std::nullopt;
  const auto bytes = b64u_at(row, "invitation_secret_b64u");
  return invitation_secret{byte_view{bytes}.first<invitation_secret_bytes>()};
}

/// One end of the call of a row: prefix is "caller" or "callee".
std::string derived(const boost::json::value& row, const std::string& own, const std::string& peer, call_role role) {
  const auto self = std::make_shared<identity>(identity_at(row, own + "_private_b64u"));
  contacts known{self};
  const auto* contact = known.add(key_at(row, peer), "peer").value();
  const auto ephemeral = ephemeral_at(row, own + "_eph_private_b64u");
  EXPECT_EQ(ephemeral.key(), key_at(row, own + "_eph"));
  const auto secret = invitation_at(row);
  const auto psk = call_derivation{.own = *self,
                                   .peer = *contact,
                                   .own_ephemeral = ephemeral,
                                   .peer_ephemeral = key_at(row, peer + "_eph"),
                                   .channel_id = text_at(row, "channel_id"),
                                   .invitation = secret ? &*secret : nullptr}
                       .derive(role);
  return psk.value().value().to_base64url();
}

TEST(call_keys, both_ends_come_to_the_key_of_the_shared_table) {
  for (const auto& row : vectors().at("psk_v2").as_array()) {
    SCOPED_TRACE(text_at(row, "name"));
    EXPECT_EQ(derived(row, "caller", "callee", call_role::caller), text_at(row, "psk_b64u"));
    EXPECT_EQ(derived(row, "callee", "caller", call_role::callee), text_at(row, "psk_b64u"));
  }
}

TEST(call_keys, an_end_that_takes_the_other_role_comes_to_another_key) {
  for (const auto& row : vectors().at("psk_v2").as_array()) {
    EXPECT_NE(derived(row, "caller", "callee", call_role::callee), text_at(row, "psk_b64u")) << text_at(row, "name");
  }
}

TEST(call_keys, intermediate_values_are_those_of_the_shared_table) {
  for (const auto& row : vectors().at("psk_v2").as_array()) {
    SCOPED_TRACE(text_at(row, "name"));
    const auto caller = identity_at(row, "caller_private_b64u");
    const auto callee = key_at(row, "callee");
    EXPECT_EQ(encode_base64url(caller.agree(callee).value().view()), text_at(row, "dh_static_b64u"));
    EXPECT_EQ(encode_base64url(ephemeral_at(row, "caller_eph_private_b64u").agree(callee).value().view()),
              text_at(row, "dh_caller_eph_b64u"));
    EXPECT_EQ(encode_base64url(caller.agree(key_at(row, "callee_eph")).value().view()),
              text_at(row, "dh_callee_eph_b64u"));
    const auto own = key_at(row, "caller");
    const auto x = key_at(row, "caller_eph");
    const auto y = key_at(row, "callee_eph");
    EXPECT_EQ(psk_info("flowersec-rv-psk-v2", text_at(row, "channel_id"), {&own, &callee, &x, &y}),
              flowersec::testing::hex_at(row, "info_hex"));
  }
}

TEST(call_keys, the_first_version_has_the_same_building_blocks) {
  for (const auto& row : vectors().at("psk_v1").as_array()) {
    const auto client = key_at(row, "client");
    const auto server = key_at(row, "server");
    const auto info = psk_info("flowersec-rv-psk-v1", text_at(row, "channel_id"), {&client, &server});
    EXPECT_EQ(derive_psk("flowersec-rv-psk-v1", {b64u_at(row, "dh_b64u")}, info).to_base64url(),
              text_at(row, "psk_b64u"))
        << text_at(row, "name");
  }
}

class call : public ::testing::Test {
 protected:
  result<call_psk> derive(std::string_view channel_id) {
    return call_derivation{.own = *self_,
                           .peer = *bob_,
                           .own_ephemeral = own_ephemeral_,
                           .peer_ephemeral = peer_ephemeral_.key(),
                           .channel_id = channel_id}
        .derive(call_role::caller);
  }

  seeded_random random_;
  std::shared_ptr<identity> self_ = shared_of(client_private);
  contacts known_{self_};
  const contact* bob_ = known_.add(key_of(server_public), "Bob").value();
  ephemeral_key own_ephemeral_ = ephemeral_key::generate(random_).value();
  ephemeral_key peer_ephemeral_ = ephemeral_key::generate(random_).value();
};

TEST_F(call, needs_a_channel_id_of_1_to_256_bytes) {
  EXPECT_TRUE(derive(std::string(max_channel_id_bytes, 'c')));
  for (const auto& row : vectors().at("refused_channel_ids").as_array()) {
    EXPECT_EQ(derive(text_at(row, "channel_id")).error(), identity_errc::bad_channel_id) << text_at(row, "name");
  }
}

TEST_F(call, needs_the_private_key_although_the_contact_has_its_secret) {
  self_->destroy();
  EXPECT_EQ(derive("c").error(), identity_errc::destroyed);
}

// Key-compromise impersonation: who stole a and plays B towards A lacks DH(x, B), x being A's and b being B's.
TEST_F(call, a_thief_of_the_own_key_cannot_pose_as_a_contact_towards_its_owner) {
  const auto psk = derive("c").value();
  const auto thief_identity = shared_of(client_private);
  contacts thief_contacts{thief_identity};
  const auto* bob = thief_contacts.add(key_of(server_public), "Bob").value();
  // Everything that follows from a, the thief's own y, and what was sent: A, B, X, Y.
  const auto with_stolen = thief_identity->agree(own_ephemeral_.key()).value();
  const auto with_own = peer_ephemeral_.agree(thief_identity->key()).value();
  const auto of_both = peer_ephemeral_.agree(own_ephemeral_.key()).value();
  const auto info =
      psk_info("flowersec-rv-psk-v2", "c", {&self_->key(), &bob->key, &own_ephemeral_.key(), &peer_ephemeral_.key()});
  for (const auto* guess : {&with_stolen, &with_own, &of_both, &bob->dh}) {
    EXPECT_NE(derive_psk("flowersec-rv-psk-v2", {bob->dh.view(), guess->view(), with_own.view()}, info), psk.value());
  }
}

TEST_F(call, a_registry_that_swaps_the_ephemeral_keys_only_separates_the_two) {
  const auto honest = derive("c").value();
  const auto swapped = call_derivation{.own = *self_,
                                       .peer = *bob_,
                                       .own_ephemeral = own_ephemeral_,
                                       .peer_ephemeral = ephemeral_key::generate(random_).value().key(),
                                       .channel_id = "c"}
                           .derive(call_role::caller)
                           .value();
  EXPECT_NE(honest.value(), swapped.value());
}

// The type is the promise: nothing but the derivation makes one.
TEST(call_key_type, is_made_by_the_derivation_alone) {
  EXPECT_FALSE((std::is_constructible_v<call_psk, crypto::psk>));
  EXPECT_FALSE((std::is_convertible_v<crypto::psk, call_psk>));
  EXPECT_FALSE(std::is_default_constructible_v<call_psk>);
  EXPECT_FALSE(std::is_copy_constructible_v<call_psk>);
}

}  // namespace
}  // namespace flowersec::identity
