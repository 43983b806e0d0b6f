// Content types, beyond those of the shared table.
#include "controlplane/media_type.h"

#include <gtest/gtest.h>

namespace flowersec::controlplane {
namespace {

TEST(media_type, json_with_sound_parameters) {
  for (const auto* value :
       {"application/json", " application/json ", "APPLICATION/json", "application/json;", "application/json ;\t",
        "application/json;a=b", "application/json ; a = b", "application/json;a=\"b;c\"", "application/json;a=\"\\\"\"",
        "application/json;a=\"\"", "application/json;a=b; c=d;"}) {
    EXPECT_TRUE(is_json_media_type(value)) << value;
  }
}

TEST(media_type, anything_else) {
  for (const auto* value :
       {"", ";", "json", "application/", "application/json/x", "application /json", "application/json x",
        "application/json;;", "application/json;a", "application/json;a=", "application/json;a=b c",
        "application/json;a=\"b", "application/json;a=\"b\\", "application/json;a=\"b\"c", "application/json;=b",
        "application/json;a=b;A=c", "application/json,application/json", "text/json"}) {
    EXPECT_FALSE(is_json_media_type(value)) << value;
  }
}

}  // namespace
}  // namespace flowersec::controlplane
