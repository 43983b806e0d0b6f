// Close payloads: valid codes, reasons, the cut of long ones.
#include "flowersec/ws/close.h"

#include <gtest/gtest.h>

#include "flowersec/ws/error.h"
#include "support/literals.h"

namespace flowersec::ws {
namespace {

using testing::hex;

TEST(close_payload, an_empty_one_has_no_code) {
  EXPECT_EQ(parse_close_payload({}).value(), close_payload{});
  EXPECT_TRUE(encode_close_payload({.code = std::nullopt, .reason = "ignored"}).empty());
}

TEST(close_payload, code_and_reason_round_trip) {
  for (const std::string reason : {"", "invalid_token", "gr\xc3\xbc\xc3\x9f"}) {
    const close_payload said{.code = 1008, .reason = reason};
    EXPECT_EQ(parse_close_payload(encode_close_payload(said)).value(), said);
  }
}

TEST(close_payload, exactly_the_codes_that_may_be_sent_are_valid) {
  for (unsigned code = 0; code <= 0xffff; ++code) {
    const bool registered = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
    const bool valid = registered || (code >= 3000 && code <= 4999);
    byte_buffer bytes;
    append_be(bytes, static_cast<std::uint16_t>(code));
    const auto parsed = parse_close_payload(bytes);
    ASSERT_EQ(parsed.has_value(), valid) << code;
    if (!valid) {
      ASSERT_EQ(parsed.error(), ws_errc::close_code_invalid) << code;
    }
  }
}

TEST(close_payload, one_byte_is_refused) {
  EXPECT_EQ(parse_close_payload(hex("03")).error(), ws_errc::close_payload_invalid);
}

TEST(close_payload, a_reason_that_is_not_utf8_is_refused) {
  for (const auto* bytes : {"03e8 ff", "03e8 c3", "03e8 eda080", "03e8 c080", "03e8 f4908080"}) {
    EXPECT_EQ(parse_close_payload(hex(bytes)).error(), ws_errc::close_payload_invalid) << bytes;
  }
}

TEST(close_payload, a_long_reason_is_cut_between_characters) {
  const auto reason_of = [](std::string reason) {
    const auto bytes = encode_close_payload({.code = 1000, .reason = std::move(reason)});
    EXPECT_LE(bytes.size(), 125u);
    return parse_close_payload(bytes).value().reason;
  };
  const std::string full(max_close_reason_bytes, 'a');
  EXPECT_EQ(reason_of(full), full);
  EXPECT_EQ(reason_of(full + 'a'), full);
  // The two-byte character starts at 122, so that its second byte would be the 124th.
  const std::string shorter(max_close_reason_bytes - 1, 'a');
  EXPECT_EQ(reason_of(shorter + "\xc3\xbc"), shorter);
}

}  // namespace
}  // namespace flowersec::ws
