// The assets in a folder.
#include "ownwire_assets/extract.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "ownwire_assets/integrity.h"
#include "support/process.h"
#include "unit/apps/ownwire_files.h"

namespace flowersec::apps {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::read_whole_file;
using testing_support::temporary_folder;
using testing_support::write_whole_file;

const asset_set assets{small_files, {.server_keys = {"KEY"}, .custom_css = "/*mine*/"}};

TEST(ownwire_extract, writes_what_is_served_and_says_the_digests_of_scripts) {
  const temporary_folder folder;
  const auto written = extract_assets(assets, folder.file("public"));
  ASSERT_TRUE(written) << written.error().text;
  std::vector<std::string> names;
  for (const auto& one : *written) {
    const auto name = one.path.substr(folder.path().size() + 1);
    const auto* served = assets.find(name.substr(std::string{"public/ownwire_assets"}.size()));
    ASSERT_NE(served, nullptr) << name;
    EXPECT_EQ(read_whole_file(one.path), served->body) << name;
    EXPECT_EQ(one.integrity, served->kind == asset_kind::script ? integrity_of(served->body) : "") << name;
    names.push_back(name);
  }
  EXPECT_THAT(names,
              ElementsAre("public/ownwire_assets/css/style.css", "public/ownwire_assets/js/ownwire_compat.js",
                          "public/ownwire_assets/js/application.js", "public/ownwire_assets/js/ownwire.js",
                          "public/ownwire_assets/js/ownwire_widget.js", "public/ownwire_assets/js/ownwire_nokeys.js",
                          "public/ownwire_assets/assets/chat-icon.png"));
}

TEST(ownwire_extract, overwrites_files_that_are_there) {
  const temporary_folder folder;
  ASSERT_TRUE(extract_assets(assets, folder.path()));
  const auto sheet = folder.file("ownwire_assets/css/style.css");
  write_whole_file(sheet, "something longer than the sheet that belongs here, which must not leave an end behind");
  ASSERT_TRUE(extract_assets(assets, folder.path()));
  EXPECT_EQ(read_whole_file(sheet), assets.find("/css/style.css")->body);
}

TEST(ownwire_extract, says_which_path_it_cannot_write) {
  const temporary_folder folder;
  write_whole_file(folder.file("ownwire_assets"), "a file in the way");
  const auto written = extract_assets(assets, folder.path());
  ASSERT_TRUE(written.has_error());
  EXPECT_THAT(written.error().text, HasSubstr("cannot write " + folder.file("ownwire_assets/css")));
}

TEST(ownwire_extract, lines_have_an_integrity_value_for_scripts_only) {
  EXPECT_EQ(extracted_lines({{"a/css/style.css", ""}, {"a/js/x.js", "sha384-abc"}}),
            "a/css/style.css\na/js/x.js sha384-abc\n");
}

}  // namespace
}  // namespace flowersec::apps
