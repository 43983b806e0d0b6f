#include "cli/help.h"

#include <gmock/gmock.h>

namespace flowersec::apps {
namespace {

using testing::HasSubstr;

struct fixture {
  bool dry = false;
  bool keep = true;
  std::string dir = ".";
  std::string none;
  std::int64_t zero = 0;
  std::int64_t seven = 7;
  std::chrono::nanoseconds wait = std::chrono::minutes{2};
  std::vector<std::string> list;

  program described() {
    return {.name = "tool",
            .summary = "Does a thing.",
            .blocks = {{"Usage", {"tool [flags]"}}, {"Examples", {"tool -dir x", "", "tool -dry"}}},
            .options = {{"wait", &wait, "how long", {"T_WAIT"}},
                        {"dir", &dir, "where", {"T_DIR", "DIR"}},
                        {"dry", &dry, "change nothing"},
                        {"keep", &keep, "keep a|b"},
                        {"list", &list, "items (repeatable)", {"T_LIST"}},
                        {"none", &none, "nothing"},
                        {"zero", &zero, "zero"},
                        {"seven", &seven, "seven"}}};
  }
};

TEST(help_text, is_blocks_then_environment_then_flags_in_alphabetical_order) {
  fixture f;
  EXPECT_EQ(help_text(f.described()),
            "Usage:\n  tool [flags]\n\n"
            "Examples:\n  tool -dir x\n\n  tool -dry\n\n"
            "Env defaults:\n  T_DIR -> -dir\n  DIR -> -dir\n  T_LIST -> -list\n  T_WAIT -> -wait\n\n"
            "Flags:\n"
            "  -dir string\n    \twhere (env T_DIR, else DIR) (default \".\")\n"
            "  -dry\n    \tchange nothing\n"
            "  -keep\n    \tkeep a|b (default true)\n"
            "  -list value\n    \titems (repeatable) (env T_LIST)\n"
            "  -none string\n    \tnothing\n"
            "  -seven int\n    \tseven (default 7)\n"
            "  -version\n    \tprint version and exit\n"
            "  -wait duration\n    \thow long (env T_WAIT) (default 2m0s)\n"
            "  -zero int\n    \tzero\n");
}

TEST(reference_page, has_every_flag_and_escapes_bars) {
  fixture f;
  const auto page = reference_page(f.described());
  EXPECT_THAT(page, testing::StartsWith("# tool\n\nDoes a thing.\n"));
  EXPECT_THAT(page, HasSubstr("| `--dir` | string | `T_DIR`, else `DIR` | `\".\"` | where |\n"));
  EXPECT_THAT(page, HasSubstr("| `--keep` | bool |  | `true` | keep a\\|b |\n"));
  EXPECT_THAT(page, HasSubstr("| `--version` | bool |"));
}

}  // namespace
}  // namespace flowersec::apps
