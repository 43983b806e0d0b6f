// What is served, made of files and settings.
#include "ownwire_assets/assets.h"

#include <gmock/gmock.h>

#include "flowersec/base/bytes.h"
#include "ownwire_assets/integrity.h"
#include "unit/apps/ownwire_files.h"

namespace flowersec::apps {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const asset_settings two_keys{.server_keys = {"KEY-A", "KEY_B"}};

std::string body_of(const asset_set& assets, std::string_view path) {
  const auto* found = assets.find(path);
  return found == nullptr ? "no " + std::string{path} : found->body;
}

TEST(ownwire_integrity, is_sha384_in_padded_base64_as_browsers_write_it) {
  // From the W3C's Subresource Integrity, 3.1.
  EXPECT_EQ(integrity_of("alert('Hello, world.');"),
            "sha384-H8BRh8j48O9oYatfu5AZzq6A9RINhZO5H16dQZngK7T62em8MUt1FLm52t+eX6xO");
  // From the W3C's CSP 3, 2.3.1, computed with openssl dgst -sha256.
  EXPECT_EQ(script_hash_source("alert('Hello, world.');"), "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='");
}

TEST(ownwire_integrity, tags_are_found_in_lists_weak_or_not) {
  const auto tag = entity_tag_of("text");
  EXPECT_THAT(tag, StartsWith("\""));
  EXPECT_TRUE(names_tag(tag, tag));
  EXPECT_TRUE(names_tag("W/" + tag, tag));
  EXPECT_TRUE(names_tag("\"other\", " + tag, tag));
  EXPECT_TRUE(names_tag(" * ", tag));
  EXPECT_FALSE(names_tag("", tag));
  EXPECT_FALSE(names_tag("\"other\",W/\"more\"", tag));
  EXPECT_FALSE(names_tag(tag.substr(1), tag));
}

TEST(ownwire_assets, have_every_stated_path) {
  const asset_set assets{small_files, two_keys};
  for (const auto* path :
       {"/", "/embed_example.html", "/css/style.css", "/js/application.js", "/js/ownwire.js", "/js/ownwire_widget.js",
        "/js/ownwire_compat.js", "/js/ownwire_nokeys.js", "/assets/chat-icon.png"}) {
    EXPECT_NE(assets.find(path), nullptr) << path;
  }
  EXPECT_EQ(assets.find("/index.html"), nullptr);
  EXPECT_EQ(assets.find("/html/index.html"), nullptr);
  EXPECT_EQ(assets.find(""), nullptr);
}

TEST(ownwire_assets, scripts_carry_the_keys_and_each_others_integrity_as_served) {
  const asset_set assets{small_files, two_keys};
  const auto compat = integrity_of("compat()");
  const auto application = "keys=\"KEY-A,KEY_B\";compat=\"" + compat + '"';
  EXPECT_EQ(body_of(assets, "/js/application.js"), application);
  EXPECT_EQ(assets.find("/js/application.js")->integrity, integrity_of(application));
  EXPECT_EQ(body_of(assets, "/js/ownwire.js"), "SDK=\"KEY-A,KEY_B\";compat=\"" + compat + '"');
  EXPECT_EQ(body_of(assets, "/js/ownwire_widget.js"),
            "W=\"KEY-A,KEY_B\";compat=\"" + compat + "\";application=\"" + integrity_of(application) + '"');
}

TEST(ownwire_assets, the_variant_without_keys_does_not_change_with_them) {
  const asset_set before{small_files, two_keys};
  const asset_set after{small_files, {.server_keys = {"KEY-C"}}};
  EXPECT_EQ(body_of(before, "/js/ownwire_nokeys.js"), "SDK=\"\";compat=\"" + integrity_of("compat()") + '"');
  EXPECT_EQ(before.find("/js/ownwire_nokeys.js")->integrity, after.find("/js/ownwire_nokeys.js")->integrity);
  EXPECT_NE(before.find("/js/ownwire.js")->entity_tag, after.find("/js/ownwire.js")->entity_tag);
}

TEST(ownwire_assets, custom_css_is_the_last_part_of_the_sheet_behind_a_newline) {
  const asset_set plain{small_files, two_keys};
  EXPECT_EQ(body_of(plain, "/css/style.css"), ".chat { color: black }");
  const asset_set styled{small_files, {.server_keys = {}, .custom_css = ".chat{}\n/*end*/"}};
  EXPECT_EQ(body_of(styled, "/css/style.css"), ".chat { color: black }\n.chat{}\n/*end*/");
}

TEST(ownwire_assets, an_assets_url_changes_both_references_and_nothing_else) {
  const asset_set assets{small_files, {.server_keys = {}, .assets_url = "https://cdn.example/a&b/"}};
  EXPECT_EQ(body_of(assets, "/"),
            "<link rel=\"stylesheet\" href=\"https://cdn.example/a&amp;b/css/style.css\">"
            "<script type=\"module\" src=\"https://cdn.example/a&amp;b/js/application.js\"></script>"
            "<p>\"/js/other.js\" /css/style.css</p>");
  EXPECT_EQ(body_of(assets, "/embed_example.html"), small_files[7].contents);
  EXPECT_EQ(body_of(asset_set{small_files, two_keys}, "/"), small_files[6].contents);
}

}  // namespace
}  // namespace flowersec::apps
