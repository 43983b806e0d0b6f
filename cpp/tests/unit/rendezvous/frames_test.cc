// The frames of testdata/rendezvous/frames.json, which TypeScript reads as well, and what no table can say.
#include "flowersec/rendezvous/frames.h"

#include <gtest/gtest.h>

#include <set>

#include "support/case_table.h"

namespace flowersec::rendezvous {
namespace {

namespace json = boost::json;

const json::value frame_table = testing::read_cases("rendezvous/frames.json");

void check_client_frame(const json::object& row, const std::string& text) {
  const auto read = decode_client_frame(text);
  const auto* as = row.if_contains("as");
  ASSERT_EQ(read.has_value(), as != nullptr);
  const auto written = read ? encode(*read) : encode(server_frame{error_frame{read.error()}});
  EXPECT_EQ(json::parse(written), as != nullptr ? *as : row.at("answer"));
  if (!read) return;
  const auto again = decode_client_frame(written);
  ASSERT_TRUE(again);
  EXPECT_TRUE(*again == *read);
}

void check_server_frame(const json::object& row, const std::string& text) {
  const auto read = decode_server_frame(text);
  const auto* as = row.if_contains("as");
  ASSERT_EQ(read.has_value(), as != nullptr);
  if (!read) return;
  const auto written = encode(*read);
  EXPECT_EQ(json::parse(written), *as);
  const auto again = decode_server_frame(written);
  ASSERT_TRUE(again);
  EXPECT_TRUE(*again == *read);
}

TEST(registry_frames, shared_table) {
  for (const auto& each : frame_table.as_array()) {
    const auto& row = each.as_object();
    SCOPED_TRACE(std::string{row.at("name").as_string()});
    const std::string text{row.at("text").as_string()};
    if (row.at("from").as_string() == "client") {
      check_client_frame(row, text);
    } else {
      check_server_frame(row, text);
    }
  }
}

TEST(registry_frames, every_truncation_is_refused) {
  for (const auto& each : frame_table.as_array()) {
    const auto& row = each.as_object();
    const std::string text{row.at("text").as_string()};
    for (std::size_t length = 0; row.contains("as") && length < text.size(); length += 1 + length / 64) {
      const auto cut = std::string_view{text}.substr(0, length);
      EXPECT_FALSE(decode_client_frame(cut)) << cut;
      EXPECT_FALSE(decode_server_frame(cut)) << cut;
    }
  }
}

std::string padded_ping(std::size_t size) {
  std::string text = R"({"type":"ping","t":1})";
  return text + std::string(size - text.size(), ' ');
}

TEST(registry_frames, length_at_the_limit_and_one_past) {
  EXPECT_TRUE(decode_client_frame(padded_ping(max_registry_frame_bytes)));
  EXPECT_TRUE(decode_server_frame(padded_ping(max_registry_frame_bytes)));
  EXPECT_FALSE(decode_client_frame(padded_ping(max_registry_frame_bytes + 1)));
  EXPECT_FALSE(decode_server_frame(padded_ping(max_registry_frame_bytes + 1)));
}

TEST(registry_frames, what_is_refused_can_be_thrown) {
  EXPECT_THROW(static_cast<void>(decode_client_frame("{}").value()), std::runtime_error);
}

TEST(rendezvous_errors, each_has_a_name_and_a_text_of_its_own) {
  std::set<std::string> names;
  std::set<std::string> texts;
  for (int code = 1; code <= static_cast<int>(rendezvous_errc::channel_lost); ++code) {
    names.insert(std::string{to_string(static_cast<rendezvous_errc>(code))});
    texts.insert(error_code{static_cast<rendezvous_errc>(code)}.message());
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(rendezvous_errc::channel_lost));
  EXPECT_EQ(texts.size(), names.size());
  EXPECT_FALSE(names.contains("unknown"));
  EXPECT_EQ(to_string(static_cast<rendezvous_errc>(999)), "unknown");
  EXPECT_STREQ(describe(static_cast<rendezvous_errc>(999)), "unknown rendezvous error");
}

}  // namespace
}  // namespace flowersec::rendezvous
