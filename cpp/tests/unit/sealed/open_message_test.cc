// The open message: the shared table, every truncation, and the order of the checks.
#include "flowersec/sealed/open_message.h"

#include <map>

#include "unit/sealed/fixture.h"

namespace flowersec::sealed {
namespace {

using namespace testing;  // NOLINT

std::string text_of(const boost::json::value& row) {
  auto text = text_at(row, "text");
  if (const auto* size = row.as_object().if_contains("padded_to")) text.resize(size->to_number<std::size_t>(), ' ');
  return text;
}

const boost::json::value& table() {
  static const auto all = testdata("sealed/open_message.json");
  return all;
}

sealed_errc error_named(const std::string& name) {
  static const std::map<std::string, sealed_errc> names{{"message_too_long", sealed_errc::message_too_long},
                                                        {"not_an_object", sealed_errc::not_an_object},
                                                        {"bad_version", sealed_errc::bad_version},
                                                        {"bad_type", sealed_errc::bad_type},
                                                        {"bad_channel_id", sealed_errc::bad_channel_id},
                                                        {"bad_kid", sealed_errc::bad_kid},
                                                        {"bad_suite", sealed_errc::bad_suite},
                                                        {"bad_box", sealed_errc::bad_box}};
  return names.at(name);
}

TEST(open_message, every_accepted_case_of_the_shared_table_reads_as_it_says) {
  for (const auto& row : table().at("accepted").as_array()) {
    SCOPED_TRACE(text_at(row, "name"));
    const auto read = decode(text_of(row));
    ASSERT_TRUE(read) << read.error().message();
    const auto& expected = row.at("message");
    EXPECT_EQ(read->channel_id, text_at(expected, "channel_id"));
    EXPECT_EQ(read->kid, text_at(expected, "kid"));
    EXPECT_EQ(static_cast<int>(read->suite), expected.at("suite").as_int64());
    EXPECT_EQ(encode_base64url(read->sealed), text_at(expected, "sealed_b64u"));
    const bool is_written_so = row.as_object().contains("encodes");
    EXPECT_TRUE(!is_written_so || encode(*read) == text_at(row, "text"));
  }
}

TEST(open_message, every_refused_case_of_the_shared_table_fails_the_check_it_names) {
  for (const auto& row : table().at("refused").as_array()) {
    SCOPED_TRACE(text_at(row, "name"));
    EXPECT_EQ(decode(text_of(row)).error(), error_named(text_at(row, "error")));
  }
}

TEST(open_message, no_truncation_is_accepted) {
  const auto whole = text_at(table().at("accepted").at(0), "text");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(decode(std::string{whole, 0, size}).error(), sealed_errc::not_an_object) << size;
  }
}

TEST(open_message, invalid_utf8_is_no_text) {
  auto text = text_at(table().at("accepted").at(0), "text");
  text.replace(text.find("ow-test"), 1, "\xff");
  EXPECT_EQ(decode(text).error(), sealed_errc::not_an_object);
}

TEST(open_message, the_largest_that_is_ever_written_stays_below_the_limit) {
  // Every byte of the channel id as an escape of six characters.
  const open_message largest{.channel_id = std::string(max_channel_id_bytes, '\x01'),
                             .kid = "873f0ittUa0",
                             .suite = crypto::suite::p256,
                             .sealed = {}};
  const auto text = encode(largest);
  EXPECT_LT(text.size(), max_open_bytes);
  EXPECT_EQ(decode(text)->channel_id, largest.channel_id);
}

}  // namespace
}  // namespace flowersec::sealed
