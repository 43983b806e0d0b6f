// Public keys, addresses and fingerprints, against the table that both languages share.
#include "flowersec/identity/address.h"
#include "flowersec/identity/public_key.h"
#include "unit/identity/fixture.h"

namespace flowersec::identity {
namespace {

using namespace testing;  // NOLINT

const boost::json::value& vectors() {
  static const auto all = testdata("identity/keys.json");
  return all;
}

TEST(public_keys, come_out_as_they_went_in) {
  for (const auto& row : vectors().at("accepted").as_array()) {
    const auto text = text_at(row, "text");
    const auto key = public_key::parse(text);
    ASSERT_TRUE(key) << text_at(row, "name");
    EXPECT_EQ(key->text(), text);
    EXPECT_EQ(key->short_text(), text.substr(0, 8));
    EXPECT_EQ(public_key::from_bytes(key->view()).value(), *key);
  }
}

TEST(public_keys, every_case_of_the_shared_table_is_refused_for_its_reason) {
  for (const auto& row : vectors().at("refused").as_array()) {
    const auto key = public_key::parse(text_at(row, "text"));
    ASSERT_FALSE(key) << text_at(row, "name");
    EXPECT_EQ(key.error(), errc_named(text_at(row, "error"))) << text_at(row, "name");
  }
}

TEST(public_keys, bytes_of_another_length_are_refused) {
  const auto bytes = b64u(client_public);
  EXPECT_EQ(public_key::from_bytes(byte_view{bytes}.first(31)).error(), identity_errc::bad_length);
  auto longer = bytes;
  longer.push_back(std::byte{});
  EXPECT_EQ(public_key::from_bytes(longer).error(), identity_errc::bad_length);
  EXPECT_EQ(public_key::from_bytes({}).error(), identity_errc::bad_length);
}

TEST(public_keys, what_is_accepted_gives_a_secret_and_what_is_of_small_order_would_not) {
  const auto own = crypto::dh_key_pair::from_private(crypto::suite::x25519, b64u(client_private)).value();
  for (const auto& row : vectors().at("accepted").as_array()) {
    EXPECT_TRUE(own.agree(b64u_at(row, "text"))) << text_at(row, "name");
  }
  for (const auto& row : vectors().at("refused").as_array()) {
    if (text_at(row, "error") != "small_order") continue;
    EXPECT_FALSE(own.agree(b64u_at(row, "text"))) << text_at(row, "name");
  }
}

TEST(fingerprints, are_those_of_the_shared_table_whoever_asks) {
  for (const auto& row : vectors().at("fingerprints").as_array()) {
    const auto a = key_at(row, "a");
    const auto b = key_at(row, "b");
    EXPECT_EQ(pair_fingerprint(a, b), text_at(row, "fingerprint")) << text_at(row, "name");
    EXPECT_EQ(pair_fingerprint(b, a), text_at(row, "fingerprint")) << text_at(row, "name");
  }
}

TEST(addresses, every_case_of_the_shared_table) {
  const auto& table = vectors().at("addresses");
  for (const auto& row : table.at("accepted").as_array()) {
    SCOPED_TRACE(text_at(row, "name"));
    const auto read = parse_address(text_at(row, "text"));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->key.text(), text_at(table, "key"));
    EXPECT_EQ(read->site.has_value(), !row.at("site").is_null());
    if (read->site) {
      EXPECT_EQ(*read->site, text_at(row, "site"));
    }
    const auto again = parse_address(format_address(*read));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->site, read->site);
  }
  for (const auto& row : table.at("refused").as_array()) {
    const auto read = parse_address(text_at(row, "text"));
    ASSERT_FALSE(read) << text_at(row, "name");
    EXPECT_EQ(read.error(), errc_named(text_at(row, "error"))) << text_at(row, "name");
  }
}

}  // namespace
}  // namespace flowersec::identity
