// The frames of testdata/rendezvous/messages.json, which TypeScript reads as well.
#include "rendezvous/channel_frames.h"

#include <gtest/gtest.h>

#include "support/case_table.h"

namespace flowersec::rendezvous {
namespace {

namespace json = boost::json;

TEST(channel_frames, every_case_of_the_shared_table) {
  const auto table = testing::read_cases("rendezvous/messages.json");
  for (const auto& each : table.as_array()) {
    const auto& row = each.as_object();
    SCOPED_TRACE(std::string{row.at("name").as_string()});
    const auto read = decode_channel_frame(std::string_view{row.at("text").as_string()});
    const auto* as = row.if_contains("as");
    EXPECT_EQ(read.has_value(), as != nullptr);
    if (!read || as == nullptr) continue;
    const auto written = encode(*read);
    EXPECT_EQ(json::parse(written), *as);
    const auto again = decode_channel_frame(written);
    EXPECT_TRUE(again && *again == *read);
  }
}

TEST(channel_frames, every_truncation_is_refused) {
  const auto table = testing::read_cases("rendezvous/messages.json");
  for (const auto& each : table.as_array()) {
    const auto& row = each.as_object();
    const std::string_view text{row.at("text").as_string()};
    const auto whole = text.substr(0, text.find_last_of('}'));
    for (std::size_t length = 0; row.contains("as") && length < whole.size(); ++length) {
      EXPECT_FALSE(decode_channel_frame(whole.substr(0, length))) << whole.substr(0, length);
    }
  }
}

}  // namespace
}  // namespace flowersec::rendezvous
