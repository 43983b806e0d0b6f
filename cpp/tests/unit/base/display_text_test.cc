// Text of strangers: what is dropped, what is shown, what stays.
#include "flowersec/base/display_text.h"

#include <gtest/gtest.h>

#include "support/testdata.h"

namespace flowersec {
namespace {

using testing::testdata;
using testing::text_at;

const boost::json::value& table() {
  static const auto all = testdata("base/display_text.json");
  return all;
}

TEST(display_text, every_case_of_the_shared_table) {
  for (const auto& row : table().at("cases").as_array()) {
    SCOPED_TRACE(text_at(row, "name"));
    const auto text = text_at(row, "text");
    EXPECT_EQ(display_text(text), text_at(row, "shown"));
    EXPECT_EQ(display_text(text, line_breaks::kept), text_at(row, "kept"));
    EXPECT_EQ(has_hidden_characters(text), text_at(row, "shown") != text);
  }
}

TEST(display_text, bytes_that_are_not_utf_8_are_shown_one_by_one) {
  for (const auto& row : table().at("bytes").as_array()) {
    SCOPED_TRACE(text_at(row, "name"));
    const auto bytes = testing::hex_at(row, "hex");
    EXPECT_EQ(display_text(as_text(bytes)), text_at(row, "shown"));
    EXPECT_TRUE(has_hidden_characters(as_text(bytes)));
  }
}

TEST(display_text, what_is_displayed_has_nothing_hidden_and_stays_as_it_is) {
  for (const auto& row : table().at("cases").as_array()) {
    const auto shown = display_text(text_at(row, "text"));
    EXPECT_FALSE(has_hidden_characters(shown));
    EXPECT_EQ(display_text(shown), shown);
  }
}

TEST(display_text, every_control_and_no_printable_ascii_is_hidden) {
  for (int point = 0; point < 0x80; ++point) {
    const std::string text(1, static_cast<char>(point));
    EXPECT_EQ(has_hidden_characters(text), point < 0x20 || point == 0x7f) << point;
  }
}

}  // namespace
}  // namespace flowersec
