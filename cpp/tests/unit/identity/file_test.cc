// Identity files: what is read, what is refused, passphrases, modes, and that a file is replaced whole or not at all.
#include "flowersec/identity/file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "unit/identity/fixture.h"

namespace flowersec::identity {
namespace {

using namespace testing;  // NOLINT

constexpr crypto::password_cost cheap{.passes = 1, .memory_kib = 8};

const boost::json::value& vectors() {
  static const auto all = testdata("identity/files.json");
  return all;
}

void expect_stored(const stored_identity& stored, const boost::json::value& row) {
  EXPECT_EQ(stored.self->key().text(), text_at(row, "public_key"));
  const auto& expected = row.at("contacts").as_array();
  const auto all = stored.known.list();
  ASSERT_EQ(all.size(), expected.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i]->key.text(), text_at(expected[i], "public_key"));
    EXPECT_EQ(all[i]->name, text_at(expected[i], "name"));
    EXPECT_EQ(all[i]->policy == contact_policy::block, text_at(expected[i], "policy") == "block");
    EXPECT_EQ(all[i]->verified, expected[i].at("verified").as_bool());
    EXPECT_EQ(all[i]->dh, stored.self->agree(all[i]->key).value());
  }
  const auto* given = row.as_object().if_contains("invitations");
  ASSERT_EQ(stored.open.size(), given == nullptr ? 0 : given->as_array().size());
  for (std::size_t i = 0; i < stored.open.size(); ++i) {
    const auto& entry = stored.open.list()[i];
    EXPECT_EQ(encode_base64url(entry.secret.view()), text_at(given->at(i), "secret_b64u"));
    EXPECT_EQ(count(entry.given), given->at(i).at("given").as_int64());
    const auto* name = given->at(i).as_object().if_contains("name");
    EXPECT_EQ(entry.guest_name, name == nullptr ? "" : std::string{name->as_string()});
    EXPECT_EQ(entry.note, invitation_note(entry.secret));
  }
}

TEST(identity_texts, every_text_of_the_shared_table_is_read) {
  for (const auto& row : vectors().at("plain").as_array()) {
    SCOPED_TRACE(text_at(row, "name"));
    const auto stored = import_identity(text_at(row, "text"), std::nullopt);
    ASSERT_TRUE(stored) << stored.error().text;
    expect_stored(*stored, row);
  }
  for (const auto& row : vectors().at("sealed").as_array()) {
    SCOPED_TRACE(text_at(row, "name"));
    const auto stored = import_identity(text_at(row, "text"), text_at(row, "passphrase"));
    ASSERT_TRUE(stored) << stored.error().text;
    expect_stored(*stored, row);
  }
}

TEST(identity_texts, every_refusal_of_the_shared_table_and_none_says_a_key) {
  for (const auto& row : vectors().at("refused_plain").as_array()) {
    const auto stored = import_identity(text_at(row, "text"), std::nullopt);
    ASSERT_FALSE(stored) << text_at(row, "name");
    EXPECT_EQ(stored.error().code, identity_errc::bad_file) << text_at(row, "name");
    EXPECT_EQ(stored.error().text.find(client_private.substr(0, 8)), std::string::npos);
  }
  for (const auto& row : vectors().at("refused_sealed").as_array()) {
    std::string given;
    if (row.at("passphrase").is_string()) given = text_at(row, "passphrase");
    const optional_passphrase with =
        row.at("passphrase").is_null() ? optional_passphrase{} : optional_passphrase{given};
    const auto stored = import_identity(text_at(row, "text"), with);
    ASSERT_FALSE(stored) << text_at(row, "name");
    EXPECT_EQ(stored.error().code, errc_named(text_at(row, "error"))) << text_at(row, "name");
  }
}

TEST(identity_texts, defects_are_named_with_their_place) {
  auto text = text_at(vectors().at("plain").at(0), "text");
  text.replace(text.find("\"block\""), 7, "\"blink\"");
  EXPECT_EQ(import_identity(text, std::nullopt).error().text, "contacts[1]: policy is neither allow nor block");
}

TEST(identity_texts, what_is_written_is_the_first_of_the_table) {
  const auto text = text_at(vectors().at("plain").at(0), "text");
  seeded_random random;
  const auto stored = import_identity(text, std::nullopt).value();
  EXPECT_EQ(export_identity(stored.known, std::nullopt, random).value().view(), text + "\n");
}

TEST(identity_texts, open_invitations_are_written_and_read_again) {
  const auto& rows = vectors().at("plain").as_array();
  const auto& row =
      *std::ranges::find(rows, "two open invitations", [](const auto& each) { return text_at(each, "name"); });
  const auto stored = import_identity(text_at(row, "text"), std::nullopt).value();
  seeded_random random;
  const identity_contents all{stored.known, stored.open};
  EXPECT_EQ(export_identity(all, std::nullopt, random).value().view(), text_at(row, "text") + "\n");
  const auto sealed = export_identity(all, "x", random, cheap).value();
  EXPECT_EQ(sealed.view().find("invitations"), std::string::npos);
  expect_stored(import_identity(sealed.view(), "x").value(), row);
}

TEST(identity_texts, sealed_ones_open_with_their_passphrase_alone_and_differ_each_time) {
  const auto stored = import_identity(text_at(vectors().at("plain").at(0), "text"), std::nullopt).value();
  seeded_random random;
  const auto first = export_identity(stored.known, "open sesame", random, cheap).value();
  const auto second = export_identity(stored.known, "open sesame", random, cheap).value();
  EXPECT_NE(first.view(), second.view());
  EXPECT_EQ(first.view().find("Bob"), std::string::npos);
  expect_stored(import_identity(first.view(), "open sesame").value(), vectors().at("plain").at(0));
  EXPECT_EQ(import_identity(first.view(), "open sesam").error().code, identity_errc::wrong_passphrase);
}

TEST(identity_texts, the_default_cost_opens_again) {
  const contacts known{shared_of(client_private)};
  seeded_random random;
  const auto text = export_identity(known, "x", random).value();
  EXPECT_NE(text.view().find(R"("passes":3,"memory_kib":65536)"), std::string::npos);
  EXPECT_EQ(import_identity(text.view(), "x").value().self->key().text(), client_public);
}

TEST(identity_texts, passphrases_and_costs_have_limits) {
  const contacts known{shared_of(client_private)};
  seeded_random random;
  EXPECT_TRUE(export_identity(known, std::string(max_passphrase_bytes, 'x'), random, cheap));
  EXPECT_EQ(export_identity(known, std::string(max_passphrase_bytes + 1, 'x'), random, cheap).error(),
            identity_errc::bad_passphrase);
  EXPECT_EQ(export_identity(known, "", random, cheap).error(), identity_errc::bad_passphrase);
  EXPECT_TRUE(export_identity(known, "x", random, {.passes = 16, .memory_kib = 8}));
  EXPECT_FALSE(export_identity(known, "x", random, {.passes = 17, .memory_kib = 8}));
  EXPECT_FALSE(export_identity(known, "x", random, {.passes = 0, .memory_kib = 8}));
  EXPECT_FALSE(export_identity(known, "x", random, {.passes = 1, .memory_kib = 7}));
  EXPECT_FALSE(export_identity(known, "x", random, {.passes = 1, .memory_kib = 262145}));
  seeded_random dry{1, 1};
  EXPECT_EQ(export_identity(known, "x", dry, cheap).error(), identity_errc::no_randomness);
}

TEST(identity_texts, a_destroyed_identity_is_not_exported) {
  const auto self = shared_of(client_private);
  const contacts known{self};
  self->destroy();
  seeded_random random;
  EXPECT_EQ(export_identity(known, std::nullopt, random).error(), identity_errc::destroyed);
}

TEST(identity_texts, the_largest_list_of_contacts_fits_also_sealed_and_one_contact_more_does_not) {
  contacts known{shared_of(client_private)};
  seeded_random random;
  for (std::size_t i = 0; i < max_contacts; ++i) {
    // Quotes are the longest that a name can be in JSON.
    const auto number = std::to_string(i);
    const auto name = std::string(max_name_bytes - number.size(), '"') + number;
    ASSERT_TRUE(known.add(identity::generate(random).value().key(), name, contact_policy::allow));
  }
  const auto text = export_identity(known, "x", random, cheap).value();
  EXPECT_LE(text.view().size(), max_identity_file_bytes);
  EXPECT_EQ(import_identity(text.view(), "x").value().known.size(), max_contacts);
  std::string more{export_identity(known, std::nullopt, random).value().view()};
  const auto extra =
      R"({"public_key":")" + std::string{server_public} + R"(","name":"Bob","policy":"allow","verified":false},)";
  more.insert(more.find('[') + 1, extra);
  EXPECT_EQ(import_identity(more, std::nullopt).error().code, identity_errc::bad_file);
}

TEST(identity_texts, size_is_limited) {
  auto text = text_at(vectors().at("plain").at(0), "text");
  text.resize(max_identity_file_bytes, ' ');
  EXPECT_TRUE(import_identity(text, std::nullopt));
  text += ' ';
  EXPECT_EQ(import_identity(text, std::nullopt).error().text, "more than 1048576 bytes");
}

/// A folder of its own that goes with the test.
class identity_file : public ::testing::Test {
 protected:
  identity_file() {
    std::string name = "/tmp/flowersec-identity-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder");
    folder_ = name;
    path_ = folder_ / "me.json";
  }
  ~identity_file() override { std::filesystem::remove_all(folder_); }

  file_result<void> write(overwrite old, optional_passphrase with = std::nullopt) {
    return write_identity_file(path_, known_, with, old, random_, cheap);
  }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator{folder_}, {}));
  }

  seeded_random random_;
  contacts known_{shared_of(client_private)};
  std::filesystem::path folder_;
  std::filesystem::path path_;
};

TEST_F(identity_file, is_written_for_its_owner_alone_and_read_again) {
  ASSERT_TRUE(known_.add(key_of(server_public), "Bob"));
  ASSERT_TRUE(write(overwrite::no));
  struct ::stat about {};
  ASSERT_EQ(::stat(path_.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0600U);
  EXPECT_EQ(files(), 1U);
  EXPECT_EQ(read_identity_file(path_, std::nullopt).value().known.find("Bob")->key.text(), server_public);
}

TEST_F(identity_file, is_replaced_only_when_that_is_said) {
  ASSERT_TRUE(write(overwrite::no));
  ASSERT_TRUE(known_.add(key_of(server_public), "Bob"));
  EXPECT_EQ(write(overwrite::no).error().code, boost::system::errc::file_exists);
  EXPECT_EQ(read_identity_file(path_, std::nullopt).value().known.size(), 0U);
  ASSERT_TRUE(write(overwrite::yes, "secret"));
  EXPECT_EQ(files(), 1U);
  EXPECT_EQ(read_identity_file(path_, "secret").value().known.size(), 1U);
  EXPECT_EQ(read_identity_file(path_, std::nullopt).error().code, identity_errc::passphrase_needed);
}

TEST_F(identity_file, that_others_can_read_is_refused_with_its_path) {
  ASSERT_TRUE(write(overwrite::no));
  for (const auto mode : {0640U, 0604U, 0620U, 0601U}) {
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
    const auto read = read_identity_file(path_, std::nullopt);
    EXPECT_EQ(read.error().code, identity_errc::file_shared) << mode;
    EXPECT_TRUE(read.error().text.starts_with(path_.string())) << read.error().text;
  }
  ASSERT_EQ(::chmod(path_.c_str(), 0400), 0);
  EXPECT_TRUE(read_identity_file(path_, std::nullopt));
}

TEST_F(identity_file, that_is_missing_no_file_or_too_large_is_refused) {
  EXPECT_EQ(read_identity_file(path_, std::nullopt).error().code, boost::system::errc::no_such_file_or_directory);
  EXPECT_EQ(read_identity_file(folder_, std::nullopt).error().code, identity_errc::bad_file);
  std::ofstream{path_} << std::string(max_identity_file_bytes + 1, ' ');
  ASSERT_EQ(::chmod(path_.c_str(), 0600), 0);
  EXPECT_EQ(read_identity_file(path_, std::nullopt).error().code, identity_errc::bad_file);
  path_ = folder_ / "missing" / "me.json";
  EXPECT_EQ(write(overwrite::yes).error().code, boost::system::errc::no_such_file_or_directory);
}

}  // namespace
}  // namespace flowersec::identity
