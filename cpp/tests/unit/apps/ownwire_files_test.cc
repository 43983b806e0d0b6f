// The files that ownwire reads: identity keys, PSK.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "ownwire/psk_file.h"
#include "serving/identity_keys.h"
#include "support/process.h"

namespace flowersec::apps {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing_support::read_whole_file;
using testing_support::temporary_folder;
using testing_support::write_whole_file;

constexpr unix_seconds now{1'790'000'000};

TEST(ownwire_identity, a_key_file_is_made_once_and_read_from_then_on) {
  const temporary_folder folder;
  const auto path = folder.file("ownwire_identity.json");
  const auto first = load_identity(path, true, system_random(), now);
  ASSERT_TRUE(first) << first.error().text;
  EXPECT_TRUE(first->is_new);
  struct stat about {};
  ASSERT_EQ(::stat(path.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 07777, 0600U);
  const auto again = load_identity(path, true, system_random(), now);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->is_new);
  EXPECT_EQ(public_texts(*again->keys), public_texts(*first->keys));
  EXPECT_THAT(key_lines(*again->keys), MatchesRegex("[-_A-Za-z0-9]{43} [-_A-Za-z0-9]{11}\n"));
}

TEST(ownwire_identity, without_leave_no_key_is_made_and_the_flags_are_named) {
  const temporary_folder folder;
  const auto path = folder.file("none.json");
  const auto refused = load_identity(path, false, system_random(), now);
  ASSERT_TRUE(refused.has_error());
  EXPECT_THAT(refused.error().text, AllOf(HasSubstr(path), HasSubstr("--identity-key"), HasSubstr("--new-key")));
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

TEST(ownwire_identity, a_file_that_is_no_key_file_is_never_replaced) {
  const temporary_folder folder;
  const auto path = folder.file("keys.json");
  write_whole_file(path, "{}");
  ::chmod(path.c_str(), 0600);
  const auto refused = load_identity(path, true, system_random(), now);
  ASSERT_TRUE(refused.has_error());
  EXPECT_THAT(refused.error().text, HasSubstr("keys.json"));
  EXPECT_EQ(read_whole_file(path), "{}");
}

TEST(ownwire_identity, a_file_that_others_can_read_is_refused) {
  const temporary_folder folder;
  const auto path = folder.file("keys.json");
  ASSERT_TRUE(load_identity(path, true, system_random(), now));
  ::chmod(path.c_str(), 0640);
  EXPECT_TRUE(load_identity(path, true, system_random(), now).has_error());
}

class psk_file : public testing::Test {
 protected:
  std::string read(const std::string& contents, mode_t mode = 0600) {
    const auto path = folder.file("psk.json");
    write_whole_file(path, contents);
    ::chmod(path.c_str(), mode);
    const auto found = read_psk_file(path);
    return found ? found->channel_id + ' ' + found->psk.to_base64url() : found.error().text;
  }

  const std::string psk = std::string(42, 'B') + 'A';
  temporary_folder folder;
};

TEST_F(psk_file, has_the_channel_and_the_psk) {
  EXPECT_EQ(read("{\"channel_id\":\"link\",\"e2ee_psk_b64u\":\"" + psk + "\",\"ws_url\":\"wss://x\"}\n"),
            "link " + psk);
}

TEST_F(psk_file, that_is_wrong_is_named_without_what_is_in_it) {
  const std::pair<std::string, const char*> rows[] = {
      {"[]", "not a JSON object"},
      {"{\"e2ee_psk_b64u\":\"" + psk + "\"}", "channel_id is missing"},
      {"{\"channel_id\":\"link\"}", "e2ee_psk_b64u is missing"},
      {"{\"channel_id\":\"\",\"e2ee_psk_b64u\":\"" + psk + "\"}", "1 to 256 bytes"},
      {"{\"channel_id\":\" link\",\"e2ee_psk_b64u\":\"" + psk + "\"}", "white space"},
      {"{\"channel_id\":\"" + std::string(257, 'a') + "\",\"e2ee_psk_b64u\":\"" + psk + "\"}", "1 to 256 bytes"},
      {"{\"channel_id\":\"link\",\"e2ee_psk_b64u\":\"" + psk + "=\"}", "not base64url of 32 bytes"},
  };
  for (const auto& [contents, complaint] : rows) {
    EXPECT_THAT(read(contents),
                AllOf(HasSubstr("invalid --internal-psk-file: "), HasSubstr(complaint), Not(HasSubstr(psk))))
        << contents;
  }
  EXPECT_THAT(read("{\"channel_id\":\"" + std::string(256, 'a') + "\",\"e2ee_psk_b64u\":\"" + psk + "\"}"),
              HasSubstr(psk));
}

TEST_F(psk_file, that_others_can_read_is_read_all_the_same) {
  EXPECT_THAT(read("{\"channel_id\":\"link\",\"e2ee_psk_b64u\":\"" + psk + "\"}", 0644), HasSubstr(psk));
}

}  // namespace
}  // namespace flowersec::apps
