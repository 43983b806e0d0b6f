// Invitations: links in and out, and what a host remembers of them.
#include "flowersec/identity/invitation.h"

#include "flowersec/identity/address.h"
#include "unit/identity/fixture.h"

namespace flowersec::identity {
namespace {

using namespace testing;  // NOLINT

const boost::json::value& vectors() {
  static const auto all = testdata("identity/invitations.json");
  return all;
}

invitation first_invitation() { return invitation::parse(text_at(vectors().at("accepted").at(0), "text")).value(); }

TEST(invitation_links, every_link_of_the_shared_table_is_read) {
  for (const auto& row : vectors().at("accepted").as_array()) {
    SCOPED_TRACE(text_at(row, "name"));
    const auto read = invitation::parse(text_at(row, "text"));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->registry_url, text_at(row, "registry_url"));
    EXPECT_EQ(read->registry_key.text(), text_at(row, "registry_key"));
    EXPECT_EQ(read->host_key.text(), text_at(row, "host_key"));
    EXPECT_EQ(encode_base64url(read->secret.view()), text_at(row, "secret_b64u"));
    EXPECT_EQ(read->note(), text_at(row, "note"));
    if (row.at("canonical").as_bool()) {
      EXPECT_EQ(read->fragment(), text_at(row, "text"));
    }
    EXPECT_EQ(invitation::parse(read->fragment()).value().fragment(), read->fragment());
  }
}

TEST(invitation_links, every_refusal_of_the_shared_table) {
  for (const auto& row : vectors().at("refused").as_array()) {
    const auto read = invitation::parse(text_at(row, "text"));
    ASSERT_FALSE(read) << text_at(row, "name");
    EXPECT_EQ(read.error(), identity_errc::bad_invitation) << text_at(row, "name");
  }
}

TEST(invitation_links, no_truncation_is_accepted) {
  const auto whole = first_invitation().fragment();
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(invitation::parse(whole.substr(0, size)));
}

TEST(invitation_links, size_is_limited_with_what_comes_before_the_fragment) {
  const auto fragment = first_invitation().fragment();
  const std::string page(max_link_bytes - fragment.size(), 'p');
  EXPECT_TRUE(invitation::parse(page + fragment));
  EXPECT_FALSE(invitation::parse("p" + page + fragment));
}

TEST(invitation_links, are_made_of_a_registry_and_a_host) {
  seeded_random random;
  const auto registry = key_of(server_public);
  const auto host = key_of(client_public);
  const auto made = invitation::make("WSS://Registry.Example/", registry, host, random).value();
  EXPECT_EQ(made.registry_url, "wss://registry.example/");
  EXPECT_EQ(invitation::parse("https://chat.example/" + made.fragment()).value().note(), made.note());
  EXPECT_NE(invitation::make("wss://a", registry, host, random).value().note(), made.note());
  EXPECT_EQ(invitation::make("http://a", registry, host, random).error(), identity_errc::bad_invitation);
  EXPECT_EQ(invitation::make("wss://a", host, host, random).error(), identity_errc::bad_invitation);
  EXPECT_TRUE(invitation::make("wss://a/" + std::string(max_registry_url_bytes - 8, 'p'), registry, host, random));
  EXPECT_FALSE(invitation::make("wss://a/" + std::string(max_registry_url_bytes - 7, 'p'), registry, host, random));
  seeded_random dry{1, 0};
  EXPECT_EQ(invitation::make("wss://a", registry, host, dry).error(), identity_errc::no_randomness);
}

class given_invitations : public ::testing::Test {
 protected:
  invitation fresh() {
    return invitation::make("wss://a", key_of(server_public), key_of(client_public), random_).value();
  }
  static unix_seconds at(std::int64_t seconds) { return unix_seconds{1700000000 + seconds}; }
  static constexpr std::int64_t day = 24 * 3600;

  seeded_random random_;
  open_invitations open_;
};

TEST_F(given_invitations, are_found_by_their_note_until_they_are_consumed) {
  const auto given = fresh();
  EXPECT_EQ(open_.find(given.note(), at(0)), nullptr);
  ASSERT_TRUE(open_.add(given, at(0)));
  ASSERT_NE(open_.find(given.note(), at(1)), nullptr);
  EXPECT_EQ(*open_.find(given.note(), at(1)), given.secret);
  EXPECT_TRUE(open_.consume(given.note()));
  EXPECT_EQ(open_.find(given.note(), at(1)), nullptr);
  EXPECT_FALSE(open_.consume(given.note()));
}

TEST_F(given_invitations, lapse_after_24_hours) {
  const auto given = fresh();
  ASSERT_TRUE(open_.add(given, at(0)));
  EXPECT_NE(open_.find(given.note(), at(day - 1)), nullptr);
  EXPECT_EQ(open_.find(given.note(), at(day)), nullptr);
}

TEST_F(given_invitations, are_limited_until_some_lapse) {
  ASSERT_TRUE(open_.add(fresh(), at(0)));
  for (std::size_t i = 1; i < max_open_invitations; ++i) ASSERT_TRUE(open_.add(fresh(), at(1)));
  EXPECT_EQ(open_.add(fresh(), at(day - 1)).error(), identity_errc::too_many);
  EXPECT_TRUE(open_.add(fresh(), at(day)));
  EXPECT_EQ(open_.add(fresh(), at(day)).error(), identity_errc::too_many);
}

TEST_F(given_invitations, lapse_when_the_clock_was_set_back_by_a_day) {
  const auto given = fresh();
  ASSERT_TRUE(open_.add(given, at(day)));
  EXPECT_NE(open_.find(given.note(), at(1)), nullptr);
  EXPECT_EQ(open_.find(given.note(), at(0)), nullptr);
}

TEST_F(given_invitations, are_put_back_once_and_up_to_their_limit) {
  const auto given = fresh();
  ASSERT_TRUE(open_.restore(given.secret, at(0)));
  EXPECT_EQ(open_.restore(given.secret, at(1)).error(), identity_errc::bad_invitation);
  EXPECT_NE(open_.find(given.note(), at(day - 1)), nullptr);
  EXPECT_EQ(open_.find(given.note(), at(day)), nullptr);
  while (open_.size() < max_open_invitations) ASSERT_TRUE(open_.restore(fresh().secret, at(0)));
  EXPECT_EQ(open_.restore(fresh().secret, at(0)).error(), identity_errc::too_many);
}

TEST_F(given_invitations, notes_that_are_none_find_nothing) {
  ASSERT_TRUE(open_.add(first_invitation(), at(0)));
  ASSERT_NE(open_.find(first_invitation().note(), at(0)), nullptr);
  for (const auto& row : vectors().at("refused_notes").as_array()) {
    EXPECT_EQ(open_.find(text_at(row, "text"), at(0)), nullptr) << text_at(row, "name");
    EXPECT_FALSE(open_.consume(text_at(row, "text"))) << text_at(row, "name");
  }
}

}  // namespace
}  // namespace flowersec::identity
