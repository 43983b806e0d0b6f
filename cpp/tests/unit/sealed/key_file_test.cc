// Key files: what is read, what is refused, modes, and that a file is replaced whole or not at all.
#include "flowersec/sealed/key_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "unit/sealed/fixture.h"

namespace flowersec::sealed {
namespace {

using namespace testing;  // NOLINT

constexpr std::string_view first_entry =
    R"({"kid":"873f0ittUa0","private_key_b64u":"kpfW8bQ24Ez8s2ABsLRvPEy_30G-IvqOQ2Y6kRHpjXg","created_at_unix_s":1700000000})";

std::string file_of(std::string_view keys) { return R"({"version":1,"keys":[)" + std::string{keys} + "]}"; }

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  return text.replace(text.find(from), from.size(), to);
}

TEST(key_file_text, one_key_is_read) {
  const auto keys = parse_key_file(file_of(first_entry));
  ASSERT_TRUE(keys) << keys.error().text;
  EXPECT_EQ(keys->current().kid(), "873f0ittUa0");
  EXPECT_EQ(keys->current().public_half().text(), "KOiZFcEslzcVp65XDvZD0Kia7VMFGgtBDq7QFKqDhEE");
  EXPECT_EQ(count(keys->entries().front().created_at), 1700000000);
  EXPECT_EQ(keys->find("873f0ittUa0"), &keys->current());
  EXPECT_EQ(keys->find("873f0ittUa1"), nullptr);
}

TEST(key_file_text, defects_are_named_with_their_place_and_never_with_a_key) {
  struct row {
    const char* name;
    std::string text;
    const char* says;
  };
  const std::string good = file_of(first_entry);
  const std::string both = std::string{first_entry} + ",";
  const row rows[] = {
      {"empty", "", "not one JSON object"},
      {"cut", good.substr(0, good.size() - 1), "not one JSON object"},
      {"something behind it", good + "x", "not one JSON object"},
      {"no version", R"({"keys":[]})", "version is not 1"},
      {"version 2", replaced(good, "\"version\":1", "\"version\":2"), "version is not 1"},
      {"version 0", replaced(good, "\"version\":1", "\"version\":0"), "version is not 1"},
      {"version as text", replaced(good, "\"version\":1", "\"version\":\"1\""), "version is not 1"},
      {"no keys", R"({"version":1})", "keys is not a list"},
      {"keys null", R"({"version":1,"keys":null})", "keys is not a list"},
      {"keys an object", R"({"version":1,"keys":{}})", "keys is not a list"},
      {"no key", file_of(""), "keys: at least one key is needed"},
      {"a key that is no object", file_of("1"), "keys[0]: not an object"},
      {"private key missing", file_of(R"({"kid":"873f0ittUa0","created_at_unix_s":1})"),
       "keys[0]: private_key_b64u is not base64url of 32 bytes"},
      {"private key of 31 bytes", replaced(good, "kpfW8bQ24Ez8s2ABsLRvPEy_30G-IvqOQ2Y6kRHpjXg", std::string(42, 'A')),
       "keys[0]: private_key_b64u is not base64url of 32 bytes"},
      {"private key padded", replaced(good, "jXg\"", "jXg=\""),
       "keys[0]: private_key_b64u is not base64url of 32 bytes"},
      {"private key null", replaced(good, "\"kpfW8bQ24Ez8s2ABsLRvPEy_30G-IvqOQ2Y6kRHpjXg\"", "null"),
       "keys[0]: private_key_b64u is not base64url of 32 bytes"},
      {"kid of another key", replaced(good, "873f0ittUa0", "873f0ittUa4"), "keys[0]: kid is not that of the key"},
      {"kid missing", replaced(good, "\"kid\"", "\"kit\""), "keys[0]: kid is not that of the key"},
      {"time missing", replaced(good, "created_at_unix_s", "created"), "keys[0]: created_at_unix_s is not a time"},
      {"time negative", replaced(good, "1700000000", "-1"), "keys[0]: created_at_unix_s is not a time"},
      {"time with a fraction", replaced(good, "1700000000", "1.5"), "keys[0]: created_at_unix_s is not a time"},
      {"the same key twice", file_of(both + std::string{first_entry}), "keys[1]: duplicate kid"},
  };
  for (const auto& row : rows) {
    const auto keys = parse_key_file(row.text);
    ASSERT_FALSE(keys) << row.name;
    EXPECT_EQ(keys.error().text, row.says) << row.name;
    EXPECT_EQ(keys.error().code, sealed_errc::bad_key_file) << row.name;
  }
}

TEST(key_file_text, unknown_members_are_ignored_and_the_last_duplicate_counts) {
  const auto text = replaced(file_of(first_entry), "\"kid\"", R"("kid":"x","note":{"a":[1]},"kid")");
  EXPECT_TRUE(parse_key_file(replaced(text, "\"version\"", R"("version":7,"x":null,"version")")));
}

TEST(key_file_text, no_truncation_is_accepted) {
  const auto whole = file_of(first_entry);
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(parse_key_file(whole.substr(0, size))) << size;
}

TEST(key_file_text, size_and_number_of_keys_are_limited) {
  auto text = file_of(first_entry);
  text.resize(max_key_file_bytes, ' ');
  EXPECT_TRUE(parse_key_file(text));
  text += ' ';
  EXPECT_EQ(parse_key_file(text).error().text, "more than 65536 bytes");
}

std::vector<keyring::entry> several(std::size_t number) {
  seeded_random random{3};
  std::vector<keyring::entry> entries;
  for (std::size_t i = 0; i < number; ++i) {
    entries.push_back({.key = key_pair::generate(random).value(), .created_at = unix_seconds{static_cast<int>(i)}});
  }
  return entries;
}

TEST(keyrings, are_never_empty_and_hold_no_key_twice) {
  EXPECT_FALSE(keyring::of({}));
  EXPECT_TRUE(keyring::of(several(max_keys)));
  EXPECT_FALSE(keyring::of(several(max_keys + 1)));
  auto twice = several(1);
  twice.push_back(std::move(several(1).front()));
  EXPECT_FALSE(keyring::of(std::move(twice)));
}

/// A folder of its own that goes with the test.
class key_file : public ::testing::Test {
 protected:
  key_file() {
    std::string name = "/tmp/flowersec-keys-XXXXXX";
    folder = ::mkdtemp(name.data());
  }
  ~key_file() override { std::filesystem::remove_all(folder); }

  [[nodiscard]] std::string contents() const {
    std::ifstream file{path()};
    return {std::istreambuf_iterator<char>{file}, {}};
  }
  void write(std::string_view text, ::mode_t mode = 0600) const {
    std::ofstream{path()} << text;
    ::chmod(path().c_str(), mode);
  }
  [[nodiscard]] std::filesystem::path path() const { return folder / "ownwire_identity.json"; }
  [[nodiscard]] ::mode_t mode() const {
    struct ::stat about {};
    EXPECT_EQ(::stat(path().c_str(), &about), 0);
    return about.st_mode & 07777;
  }
  [[nodiscard]] std::ptrdiff_t files() const {
    return std::distance(std::filesystem::directory_iterator{folder}, std::filesystem::directory_iterator{});
  }

  std::filesystem::path folder;
  seeded_random random;
};

TEST_F(key_file, is_created_once_with_mode_0600) {
  const auto made = create_key_file(path(), random, unix_seconds{1700000000});
  ASSERT_TRUE(made) << made.error().text;
  EXPECT_EQ(mode(), 0600u);
  EXPECT_EQ(files(), 1);
  const auto before = contents();
  const auto again = create_key_file(path(), random, unix_seconds{1700000001});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, boost::system::errc::file_exists);
  EXPECT_EQ(contents(), before);
  EXPECT_EQ(files(), 1);
  const auto read = read_key_file(path());
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(read->current().kid(), made->current().kid());
  EXPECT_EQ(count(read->entries().front().created_at), 1700000000);
}

TEST_F(key_file, is_replaced_whole_and_keeps_the_order_of_its_keys) {
  write("something else", 0644);
  const auto keys = keyring::of(several(3)).value();
  ASSERT_TRUE(write_key_file(path(), keys));
  EXPECT_EQ(mode(), 0600u);
  EXPECT_EQ(files(), 1);
  const auto read = read_key_file(path());
  ASSERT_TRUE(read) << read.error().text;
  ASSERT_EQ(read->entries().size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(read->entries()[i].key.kid(), keys.entries()[i].key.kid());
}

TEST_F(key_file, the_most_keys_there_can_be_fit_into_a_file) {
  auto entries = several(max_keys);
  for (auto& entry : entries) entry.created_at = unix_seconds{9007199254740991};
  ASSERT_TRUE(write_key_file(path(), keyring::of(std::move(entries)).value()));
  EXPECT_TRUE(read_key_file(path()));
}

TEST_F(key_file, one_that_others_have_rights_to_is_refused) {
  for (const ::mode_t shared : {0640, 0604, 0620, 0602, 0610, 0601, 0644, 0666}) {
    write(file_of(first_entry), shared);
    const auto keys = read_key_file(path());
    ASSERT_FALSE(keys) << std::oct << shared;
    EXPECT_EQ(keys.error().code, sealed_errc::key_file_shared);
    EXPECT_EQ(keys.error().text, path().string() + ": group or others have rights to it; its mode must be 0600");
  }
  for (const ::mode_t own : {0600, 0400}) {
    write(file_of(first_entry), own);
    EXPECT_TRUE(read_key_file(path())) << std::oct << own;
    std::filesystem::remove(path());
  }
}

TEST_F(key_file, what_is_not_a_file_or_is_not_there_is_refused) {
  EXPECT_EQ(read_key_file(path()).error().code, boost::system::errc::no_such_file_or_directory);
  std::filesystem::create_directory(path());
  ::chmod(path().c_str(), 0700);
  EXPECT_EQ(read_key_file(path()).error().code, sealed_errc::bad_key_file);
  std::filesystem::remove(path());
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  EXPECT_EQ(read_key_file(path()).error().code, sealed_errc::bad_key_file);
}

TEST_F(key_file, a_size_at_the_limit_is_read_and_one_more_byte_is_refused) {
  auto text = file_of(first_entry);
  text.resize(max_key_file_bytes, ' ');
  write(text);
  EXPECT_TRUE(read_key_file(path()));
  write(text + ' ');
  EXPECT_EQ(read_key_file(path()).error().code, sealed_errc::bad_key_file);
}

TEST_F(key_file, a_folder_that_is_not_there_is_named_and_nothing_is_left) {
  const auto made = create_key_file(folder / "none" / "keys.json", random, unix_seconds{1});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, boost::system::errc::no_such_file_or_directory);
  EXPECT_TRUE(made.error().text.starts_with((folder / "none" / "keys.json").string() + ": "));
  EXPECT_EQ(files(), 0);
}

TEST_F(key_file, without_randomness_none_is_made) {
  seeded_random dry{1, 0};
  EXPECT_EQ(create_key_file(path(), dry, unix_seconds{1}).error().code, sealed_errc::random_failed);
  EXPECT_EQ(files(), 0);
}

}  // namespace
}  // namespace flowersec::sealed
