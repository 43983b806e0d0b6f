#include "flowersec/base/base64url.h"

#include <gtest/gtest.h>

#include "flowersec/base/random.h"
#include "support/testdata.h"

namespace flowersec {
namespace {

TEST(base64url, encodes_the_rfc_4648_table_without_padding) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},         {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : rows) {
    EXPECT_EQ(encode_base64url(as_bytes(plain)), text);
    const auto decoded = decode_base64url(text);
    ASSERT_TRUE(decoded) << text;
    EXPECT_EQ(as_text(*decoded), plain);
  }
}

TEST(base64url, uses_the_url_alphabet) {
  const std::array bytes{std::byte{0xfb}, std::byte{0xff}, std::byte{0xfe}};
  EXPECT_EQ(encode_base64url(bytes), "-__-");
  EXPECT_TRUE(decode_base64url("-__-"));
  EXPECT_FALSE(decode_base64url("+//+"));
}

TEST(base64url, refuses_what_is_not_canonical) {
  for (const std::string_view text :
       {"A", "AAAAA", "Zg==", "Zg=", "Zh", "Zm9", "Z g", "Zm\n8", "Zm8\r\n", "Zm8 ", "Zm\0",
        "\xc3\xa9"
        "A"}) {
    EXPECT_FALSE(decode_base64url(text)) << text;
  }
}

TEST(base64url, shared_texts_have_one_reading_or_none) {
  const auto file = testing::testdata("base/base64url.json");
  ASSERT_FALSE(file.at("valid").as_array().empty());
  for (const auto& row : file.at("valid").as_array()) {
    const auto bytes = testing::hex_at(row, "bytes_hex");
    EXPECT_EQ(encode_base64url(bytes), testing::text_at(row, "text"));
    EXPECT_EQ(decode_base64url(testing::text_at(row, "text")), bytes);
  }
  ASSERT_FALSE(file.at("invalid").as_array().empty());
  for (const auto& text : file.at("invalid").as_array()) {
    EXPECT_FALSE(decode_base64url(std::string_view{text.as_string()})) << text;
  }
}

TEST(base64url, every_length_round_trips_and_every_truncation_differs) {
  for (std::size_t size = 0; size < 70; ++size) {
    byte_buffer bytes(size);
    ASSERT_TRUE(system_random().fill(bytes));
    const auto text = encode_base64url(bytes);
    EXPECT_EQ(base64url_decoded_size(text.size()), size);
    EXPECT_EQ(decode_base64url(text), bytes);
    for (std::size_t cut = 0; cut < text.size(); ++cut) EXPECT_NE(decode_base64url(text.substr(0, cut)), bytes);
  }
}

TEST(base64url, decoding_into_memory_demands_the_exact_size) {
  std::array<std::byte, 32> into{};
  const std::string text = encode_base64url(into);
  EXPECT_TRUE(decode_base64url_into(text, into));
  EXPECT_FALSE(decode_base64url_into(text.substr(0, 42), into));
  EXPECT_FALSE(decode_base64url_into(text + "A", into));
  EXPECT_FALSE(decode_base64url_into("", into));
}

}  // namespace
}  // namespace flowersec
