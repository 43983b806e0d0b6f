#include "cli/version.h"

#include <gtest/gtest.h>

namespace flowersec::apps {
namespace {

TEST(version_line, leaves_out_what_is_unknown) {
  EXPECT_EQ(version_line({"dev", "unknown", "unknown"}), "dev");
  EXPECT_EQ(version_line({"v1.2.0", "abc123", "2026-01-02"}), "v1.2.0 (abc123) 2026-01-02");
  EXPECT_EQ(version_line({"v1.2.0", "", "2026-01-02"}), "v1.2.0 2026-01-02");
  EXPECT_EQ(version_line({"unknown", "abc", ""}), "(abc)");
}

}  // namespace
}  // namespace flowersec::apps
