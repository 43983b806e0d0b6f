// The tenants file: what it may say, and the words for what it may not.
#include "tunneld/tenants_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "support/process.h"
#include "tunneld/verifier_file.h"

namespace flowersec::apps {
namespace {

using ::testing::HasSubstr;
using testing_support::temporary_folder;
using testing_support::write_whole_file;

TEST(tenants_file, texts_are_trimmed_and_strangers_ignored) {
  const auto entries =
      parse_tenants(R"({"tenants":[{"id":" r ","aud":"\ta","iss":"i ","issuer_keys_file":" k.json ","x":1},)"
                    R"({"aud":"a","iss":"j","issuer_keys_file":"k.json"}],"y":[]})");
  ASSERT_TRUE(entries.has_value()) << entries.error().text;
  ASSERT_EQ(entries->size(), 2u);
  EXPECT_EQ(entries->at(0).tenant.id, "r");
  EXPECT_EQ(entries->at(0).tenant.audience, "a");
  EXPECT_EQ(entries->at(0).tenant.issuer, "i");
  EXPECT_EQ(entries->at(0).issuer_keys_file, "k.json");
  EXPECT_EQ(entries->at(1).tenant.id, "");
}

TEST(tenants_file, an_id_of_null_is_none_and_no_other_text_may_be_null) {
  const auto entries = parse_tenants(R"({"tenants":[{"id":null,"aud":"a","iss":"i","issuer_keys_file":"k"},)"
                                     R"({"id":null,"aud":"a","iss":"j","issuer_keys_file":"k"}]})");
  ASSERT_TRUE(entries.has_value()) << entries.error().text;
  EXPECT_EQ(entries->at(0).tenant.id, "");
  EXPECT_EQ(entries->at(1).tenant.id, "") << "none may repeat";
  for (const std::string member : {"aud", "iss", "issuer_keys_file"}) {
    std::string text = R"({"tenants":[{"aud":"a","iss":"i","issuer_keys_file":"k"}]})";
    const auto value = text.find(':', text.find('"' + member + '"')) + 1;
    text.replace(value, 3, "null");
    const auto refused = parse_tenants(text);
    ASSERT_TRUE(refused.has_error()) << text;
    EXPECT_THAT(refused.error().text, HasSubstr(member));
  }
}

struct bad_text {
  std::string text;
  std::string problem;
};

std::string one(const std::string& members) { return "{\"tenants\":[{" + members + "}]}"; }

TEST(tenants_file, problems_name_the_tenant_and_the_member) {
  const std::string good = R"("aud":"a","iss":"i","issuer_keys_file":"k")";
  const std::vector<bad_text> rows{
      {"", "TenantsFile"},
      {"[]", "TenantsFile"},
      {"{}", "tenants"},
      {R"({"tenants":{}})", "tenants"},
      {one(good) + "x", "TenantsFile"},
      {R"({"tenants":[]})", "tenants: at least one entry is needed"},
      {R"({"tenants":[)"
       "{" +
           good + R"(},7]})",
       "tenants[1]"},
      {one(R"("iss":"i","issuer_keys_file":"k")"), "aud"},
      {one(R"("aud":1,"iss":"i","issuer_keys_file":"k")"), "aud"},
      {one(R"("aud":"a","iss":null,"issuer_keys_file":"k")"), "iss"},
      {one(R"("aud":"a","iss":"i")"), "issuer_keys_file"},
      {one(R"("id":5,)" + good), "id"},
      {one(R"("aud":" ","iss":"i","issuer_keys_file":"k")"), R"(tenants[0] (aud "", iss "i"): aud is empty)"},
      {one(R"("aud":"a","iss":"","issuer_keys_file":"k")"), R"(tenants[0] (aud "a", iss ""): iss is empty)"},
      {one(R"("aud":"a","iss":"i","issuer_keys_file":"\n")"),
       R"(tenants[0] (aud "a", iss "i"): issuer_keys_file is empty)"},
      {one(R"("aud":"a\u0000","iss":"i","issuer_keys_file":"k")"), "aud has a NUL in it"},
      {R"({"tenants":[{)" + good + "},{" + good + "}]}", R"(tenants[1] (aud "a", iss "i"): duplicate aud and iss)"},
      {R"({"tenants":[{)" + good + R"(},{"aud":" a ","iss":"i","issuer_keys_file":"other"}]})",
       "duplicate aud and iss"},
      {R"({"tenants":[{"id":"t",)" + good + R"(},{"id":"t ","aud":"b","iss":"i","issuer_keys_file":"k"}]})",
       R"(tenants[1] (aud "b", iss "i"): duplicate id "t")"},
  };
  for (const auto& row : rows) {
    const auto entries = parse_tenants(row.text);
    ASSERT_TRUE(entries.has_error()) << row.text;
    EXPECT_THAT(entries.error().text, HasSubstr(row.problem)) << row.text;
  }
}

constexpr const char* good_keys =
    R"({"keys":[{"kid":"k1","pubkey_b64u":"Kay64UG8yvCyLhqU000LxzYeUm0L_hLIl5S8kyKWbdc"}]})";

class tenants_on_disk : public ::testing::Test {
 protected:
  tenants_on_disk() {
    command.tenants_file = folder.file("tenants.json");
    write_whole_file(red_keys, good_keys);
    write_whole_file(blue_keys, good_keys);
    write_whole_file(command.tenants_file, R"({"tenants":[{"aud":"a","iss":"red","issuer_keys_file":")" + red_keys +
                                               R"("},{"id":"b","aud":"a","iss":"blue","issuer_keys_file":")" +
                                               blue_keys + R"("}]})");
  }
  [[nodiscard]] std::string problem() {
    files = {};
    const auto loaded = load_verifier(command, files);
    return loaded ? "" : loaded.error().text;
  }
  temporary_folder folder;
  std::string red_keys = folder.file("red.json");
  std::string blue_keys = folder.file("blue.json");
  tunnel_command command;
  file_watch files;
};

TEST_F(tenants_on_disk, are_loaded_with_their_keys) {
  const auto loaded = load_verifier(command, files);
  ASSERT_TRUE(loaded.has_value()) << loaded.error().text;
  ASSERT_EQ((*loaded)->loaded().size(), 2u);
  EXPECT_EQ((*loaded)->loaded()[1].tenant_id, "b");
  EXPECT_EQ((*loaded)->loaded()[1].key_ids, std::vector<std::string>{"k1"});
}

TEST_F(tenants_on_disk, a_bad_keyset_is_named_with_its_tenant_and_entry) {
  write_whole_file(blue_keys, R"({"keys":[{"kid":"k1","pubkey_b64u":"AAAA"}]})");
  EXPECT_EQ(problem(), "bad tenants file " + command.tenants_file +
                           R"(: tenants[1] (aud "a", iss "blue"): issuer_keys_file: bad keyset file )" + blue_keys +
                           R"(: keys[0] (kid "k1"): pubkey_b64u stands for 3 bytes instead of 32)");
}

TEST_F(tenants_on_disk, a_missing_keyset_is_named_and_watched) {
  std::filesystem::remove(blue_keys);
  EXPECT_EQ(problem(), "bad tenants file " + command.tenants_file +
                           R"(: tenants[1] (aud "a", iss "blue"): issuer_keys_file: cannot read )" + blue_keys +
                           ": No such file or directory");
  EXPECT_FALSE(files.changed());
  write_whole_file(blue_keys, good_keys);
  EXPECT_FALSE(files.changed());
  EXPECT_TRUE(files.changed());
  EXPECT_EQ(problem(), "");
}

TEST_F(tenants_on_disk, every_file_is_watched) {
  for (const auto& path : {command.tenants_file, red_keys, blue_keys}) {
    ASSERT_EQ(problem(), "");
    write_whole_file(path, testing_support::read_whole_file(path) + "\n");
    EXPECT_FALSE(files.changed());
    EXPECT_TRUE(files.changed()) << path;
  }
}

TEST_F(tenants_on_disk, a_missing_tenants_file_is_named) {
  std::filesystem::remove(command.tenants_file);
  EXPECT_EQ(problem(), "cannot read " + command.tenants_file + ": No such file or directory");
}

TEST_F(tenants_on_disk, sizes_are_bounded) {
  const auto text = testing_support::read_whole_file(command.tenants_file);
  write_whole_file(command.tenants_file, text + std::string(1048576 - text.size(), ' '));
  EXPECT_EQ(problem(), "");
  write_whole_file(command.tenants_file, text + std::string(1048577 - text.size(), ' '));
  EXPECT_THAT(problem(), HasSubstr("more than 1048576 bytes"));
}

}  // namespace
}  // namespace flowersec::apps
