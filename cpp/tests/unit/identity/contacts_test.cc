// Contacts: who can be one, what changes, and what is noticed about keys and names.
#include "flowersec/identity/contacts.h"

#include "unit/identity/fixture.h"

namespace flowersec::identity {
namespace {

using namespace testing;  // NOLINT

class contact_list : public ::testing::Test {
 protected:
  public_key fresh_key() { return identity::generate(random_).value().key(); }

  seeded_random random_;
  std::shared_ptr<identity> self_ = shared_of(client_private);
  contacts known_{self_};
  public_key bob_ = key_of(server_public);
};

TEST_F(contact_list, the_secret_is_computed_once_when_one_is_added) {
  const auto* added = known_.add(bob_, "Bob").value();
  EXPECT_EQ(encode_base64url(added->dh.view()), "i2gt7qMYBs1vEZaPlc8tHzaXxvSVcwpmPRu_69TdFxM");
  EXPECT_EQ(added->policy, contact_policy::allow);
  EXPECT_FALSE(added->verified);
  self_->destroy();
  EXPECT_EQ(known_.get(bob_), added);
  EXPECT_EQ(known_.find("Bob"), added);
  EXPECT_EQ(known_.add(fresh_key(), "Eve").error(), identity_errc::destroyed);
}

TEST_F(contact_list, the_own_key_is_no_contact) {
  EXPECT_EQ(known_.add(self_->key(), "me").error(), identity_errc::own_key);
  ASSERT_TRUE(known_.add(bob_, "Bob"));
  EXPECT_EQ(known_.replace_key("Bob", self_->key()).error(), identity_errc::own_key);
  EXPECT_EQ(known_.find("Bob")->key, bob_);
}

TEST_F(contact_list, each_key_and_each_name_is_there_once) {
  ASSERT_TRUE(known_.add(bob_, "Bob"));
  EXPECT_EQ(known_.add(bob_, "Bob").error(), identity_errc::key_known);
  EXPECT_EQ(known_.add(bob_, "Robert").error(), identity_errc::key_known);
  EXPECT_EQ(known_.add(fresh_key(), "Bob").error(), identity_errc::key_changed);
  EXPECT_EQ(known_.size(), 1U);
}

TEST_F(contact_list, a_changed_key_is_noticed_and_loses_the_verified_mark) {
  const auto other = fresh_key();
  EXPECT_EQ(known_.check(bob_, "Bob"), acquaintance::unknown);
  ASSERT_TRUE(known_.add(bob_, "Bob", contact_policy::block, true));
  EXPECT_EQ(known_.check(bob_, "Bob"), acquaintance::known);
  EXPECT_EQ(known_.check(bob_, "Robert"), acquaintance::renamed);
  EXPECT_EQ(known_.check(other, "Bob"), acquaintance::key_changed);
  const auto* changed = known_.replace_key("Bob", other).value();
  EXPECT_EQ(changed->key, other);
  EXPECT_FALSE(changed->verified);
  EXPECT_EQ(changed->policy, contact_policy::block);
  EXPECT_EQ(changed->dh, self_->agree(other).value());
  EXPECT_EQ(known_.get(bob_), nullptr);
  EXPECT_EQ(known_.get(other), changed);
}

TEST_F(contact_list, a_key_is_replaced_only_where_there_is_one_and_by_one_that_is_not_known) {
  EXPECT_EQ(known_.replace_key("Bob", bob_).error(), identity_errc::unknown_contact);
  ASSERT_TRUE(known_.add(bob_, "Bob"));
  EXPECT_EQ(known_.replace_key("Bob", bob_).error(), identity_errc::key_known);
}

TEST_F(contact_list, policy_mark_and_name_change) {
  ASSERT_TRUE(known_.add(bob_, "Bob"));
  const auto carol = fresh_key();
  ASSERT_TRUE(known_.add(carol, "Carol"));
  EXPECT_TRUE(known_.set_policy(bob_, contact_policy::block));
  EXPECT_TRUE(known_.set_verified(bob_, true));
  EXPECT_EQ(known_.get(bob_)->policy, contact_policy::block);
  EXPECT_TRUE(known_.get(bob_)->verified);
  EXPECT_TRUE(known_.rename(bob_, "Robert"));
  EXPECT_TRUE(known_.rename(bob_, known_.get(bob_)->name));
  EXPECT_EQ(known_.find("Bob"), nullptr);
  EXPECT_EQ(known_.find("Robert")->key, bob_);
  EXPECT_EQ(known_.rename(bob_, "Carol").error(), identity_errc::key_changed);
  EXPECT_EQ(known_.rename(bob_, "").error(), identity_errc::bad_name);
}

TEST_F(contact_list, a_removed_one_is_gone_and_others_stay_in_their_order) {
  const auto carol = fresh_key();
  ASSERT_TRUE(known_.add(carol, "Carol"));
  ASSERT_TRUE(known_.add(bob_, "Bob"));
  ASSERT_TRUE(known_.add(fresh_key(), "Ada"));
  EXPECT_TRUE(known_.remove(carol));
  const auto all = known_.list();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0]->name, "Bob");
  EXPECT_EQ(all[1]->name, "Ada");
  EXPECT_TRUE(known_.add(carol, "Carol"));
}

TEST_F(contact_list, nothing_is_done_to_a_stranger) {
  EXPECT_EQ(known_.remove(bob_).error(), identity_errc::unknown_contact);
  EXPECT_EQ(known_.rename(bob_, "Bob").error(), identity_errc::unknown_contact);
  EXPECT_EQ(known_.set_policy(bob_, contact_policy::block).error(), identity_errc::unknown_contact);
  EXPECT_EQ(known_.set_verified(bob_, true).error(), identity_errc::unknown_contact);
}

TEST_F(contact_list, is_limited) {
  for (std::size_t i = 0; i < max_contacts; ++i) ASSERT_TRUE(known_.add(fresh_key(), std::to_string(i)));
  EXPECT_EQ(known_.add(bob_, "Bob").error(), identity_errc::too_many);
  known_.wipe();
  EXPECT_EQ(known_.size(), 0U);
  EXPECT_TRUE(known_.list().empty());
  EXPECT_TRUE(known_.add(bob_, "Bob"));
}

TEST_F(contact_list, names_are_those_of_the_shared_table) {
  const auto table = testdata("identity/keys.json");
  for (const auto& name : table.at("names").at("accepted").as_array()) {
    EXPECT_TRUE(is_valid_name(std::string{name.as_string()})) << name;
  }
  for (const auto& row : table.at("names").at("refused").as_array()) {
    EXPECT_EQ(known_.add(bob_, text_at(row, "text")).error(), identity_errc::bad_name) << text_at(row, "name");
  }
  EXPECT_FALSE(is_valid_name("\xff"));
}

}  // namespace
}  // namespace flowersec::identity
