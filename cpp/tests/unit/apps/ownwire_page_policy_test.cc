// The Content-Security-Policy of the pages.
#include "ownwire_assets/page_policy.h"

#include <gmock/gmock.h>

#include "ownwire_assets/integrity.h"

namespace flowersec::apps {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

TEST(ownwire_page_policy, entries_of_the_allow_list_become_sources_of_frame_ancestors) {
  const std::pair<const char*, const char*> rows[] = {
      {"shop.example", "https://shop.example:*"},
      {"shop.example:8443", "https://shop.example:8443"},
      {"https://shop.example", "https://shop.example"},
      {"http://localhost:3000", "http://localhost:3000"},
      {"*.shop.example", "https://*.shop.example:*"},
      {"localhost:3000", "https://localhost:3000 http://localhost:3000"},
      {"127.0.0.1", "https://127.0.0.1:* http://127.0.0.1:*"},
      {" shop.example ", "https://shop.example:*"},
      {"null", ""},
      {"", ""},
      {"app://desktop", ""},
      {"[::1]:3000", ""},
      {"a.example; script-src *", ""},
      {"https://a.example,b.example", ""},
      {"https://a.example\r\nX: y", ""},
  };
  for (const auto& [entry, sources] : rows) EXPECT_EQ(frame_ancestors_of(entry), sources) << entry;
}

TEST(ownwire_page_policy, without_a_list_anybody_may_frame_the_page) {
  EXPECT_THAT(page_policy(page_role::chat, "", "", {}), Not(HasSubstr("frame-ancestors")));
}

TEST(ownwire_page_policy, with_a_list_only_those_and_this_origin_may) {
  EXPECT_THAT(page_policy(page_role::chat, "", "", {"a.example", "https://b.example"}),
              EndsWith("; frame-ancestors 'self' https://a.example:* https://b.example"));
  // An entry that no expression says must not open the page to everybody.
  EXPECT_THAT(page_policy(page_role::chat, "", "", {"null"}), EndsWith("; frame-ancestors 'self'"));
}

TEST(ownwire_page_policy, scripts_are_the_pages_own) {
  EXPECT_EQ(page_policy(page_role::chat, "<script type=\"module\" src=\"/js/application.js\"></script>", "", {}),
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; font-src 'self' "
            "https: data:; connect-src 'self' wss: ws://localhost:* ws://127.0.0.1:*; base-uri 'none'; form-action "
            "'none'");
}

TEST(ownwire_page_policy, a_script_in_the_page_is_allowed_by_its_digest) {
  const auto policy = page_policy(
      page_role::example, "<script src=\"/a.js\"></script><script>one()</script><script async>two()</script>", "", {});
  EXPECT_THAT(policy, AllOf(HasSubstr(' ' + script_hash_source("one()") + ' ' + script_hash_source("two()") + ';'),
                            HasSubstr("frame-src 'self'")));
  EXPECT_EQ(page_policy(page_role::chat, "<script>unclosed", "", {}), page_policy(page_role::chat, "", "", {}));
}

TEST(ownwire_page_policy, a_copy_of_the_assets_is_a_source_by_its_origin) {
  EXPECT_THAT(page_policy(page_role::chat, "", "https://cdn.example:8443/own/", {}),
              AllOf(HasSubstr("script-src 'self' https://cdn.example:8443;"),
                    HasSubstr("style-src 'self' https://cdn.example:8443;")));
}

}  // namespace
}  // namespace flowersec::apps
