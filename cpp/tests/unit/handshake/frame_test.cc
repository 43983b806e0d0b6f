// The FSEH header: layout, every check and their order.
#include "fixture.h"

namespace flowersec::handshake::testing {
namespace {

error_code error_of(byte_view frame, std::size_t max_payload_bytes = 8192) {
  const auto payload = decode_frame(frame, frame_type::resp, {.max_payload_bytes = max_payload_bytes});
  return payload ? error_code{} : payload.error();
}

TEST(handshake_frame, has_the_documented_layout) {
  EXPECT_EQ(encode_frame(frame_type::init, "{}"), hex("46534548 01 01 00000002 7b7d"));
  EXPECT_EQ(encode_frame(frame_type::ack, ""), hex("46534548 01 03 00000000"));
}

TEST(handshake_frame, round_trips_for_every_type) {
  for (const auto type : {frame_type::init, frame_type::resp, frame_type::ack}) {
    const auto frame = encode_frame(type, "{\"a\":1}");
    EXPECT_EQ(decode_frame(frame, type, {}).value(), "{\"a\":1}");
    EXPECT_EQ(decode_frame(frame, handshake_limits{}).value().type, static_cast<std::uint8_t>(type));
  }
}

TEST(handshake_frame, checks_come_in_the_order_of_the_protocol) {
  // Wrong in everything; each repair shows the next check.
  byte_buffer frame(20, std::byte{0xee});
  EXPECT_EQ(error_of(byte_view{frame}.first(9)), handshake_errc::frame_too_short);
  EXPECT_EQ(error_of(frame), handshake_errc::bad_magic);
  std::ranges::copy(as_bytes("FSEH"), frame.begin());
  EXPECT_EQ(error_of(frame), handshake_errc::unsupported_frame_version);
  frame[4] = std::byte{1};
  EXPECT_EQ(error_of(frame), handshake_errc::payload_too_large);
  store_be(frame.data() + 6, std::uint32_t{8192});
  EXPECT_EQ(error_of(frame), handshake_errc::size_mismatch);
  store_be(frame.data() + 6, std::uint32_t{10});
  EXPECT_EQ(error_of(frame), handshake_errc::unexpected_type);
  frame[5] = std::byte{2};
  EXPECT_EQ(error_of(frame), error_code{});
}

TEST(handshake_frame, every_truncation_and_a_trailing_byte_are_refused) {
  auto frame = encode_frame(frame_type::resp, "{\"a\":1}");
  for (std::size_t size = 0; size < frame.size(); ++size) {
    byte_buffer copy(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size));
    copy.shrink_to_fit();
    EXPECT_EQ(error_of(copy), size < header_bytes ? handshake_errc::frame_too_short : handshake_errc::size_mismatch);
  }
  frame.push_back(std::byte{' '});
  EXPECT_EQ(error_of(frame), handshake_errc::size_mismatch);
}

TEST(handshake_frame, payload_limit_holds_at_its_edge_and_one_past) {
  EXPECT_EQ(error_of(encode_frame(frame_type::resp, std::string(8192, ' '))), error_code{});
  EXPECT_EQ(error_of(encode_frame(frame_type::resp, std::string(8193, ' '))), handshake_errc::payload_too_large);
}

TEST(handshake_frame, versions_and_types_around_the_valid_ones_are_refused) {
  for (const int version : {0, 2, 255}) {
    auto frame = encode_frame(frame_type::resp, "{}");
    frame[4] = static_cast<std::byte>(version);
    EXPECT_EQ(error_of(frame), handshake_errc::unsupported_frame_version);
  }
  for (const int type : {0, 1, 3, 4, 255}) {
    auto frame = encode_frame(frame_type::resp, "{}");
    frame[5] = static_cast<std::byte>(type);
    EXPECT_EQ(error_of(frame), handshake_errc::unexpected_type);
  }
}

TEST(handshake_limits, range_holds_at_its_edges_and_one_past) {
  EXPECT_TRUE(validate(handshake_limits{}));
  EXPECT_EQ(handshake_limits{}.max_payload_bytes, 8192U);
  EXPECT_TRUE(validate(handshake_limits{.max_payload_bytes = 2048}));
  EXPECT_TRUE(validate(handshake_limits{.max_payload_bytes = 1048576}));
  EXPECT_EQ(validate(handshake_limits{.max_payload_bytes = 2047}).error(), handshake_errc::bad_limits);
  EXPECT_EQ(validate(handshake_limits{.max_payload_bytes = 1048577}).error(), handshake_errc::bad_limits);
}

TEST(handshake_limits, an_own_init_always_fits_the_smallest_limit) {
  // Control characters take six bytes each in JSON.
  auto options = client_for(crypto::suite::p256);
  options.channel_id = std::string(256, '\x01');
  options.features = 0xffffffff;
  options.limits.max_payload_bytes = 2048;
  seeded_random random;
  const auto client = client_handshake::begin(std::move(options), random).value();
  EXPECT_LE(client.init_frame().size(), header_bytes + 2048);
}

TEST(handshake_errc, every_value_has_a_text_of_its_own) {
  std::vector<std::string> texts;
  for (int value = 1; value <= static_cast<int>(handshake_errc::random_failed); ++value) {
    const error_code code = static_cast<handshake_errc>(value);
    EXPECT_STREQ(code.category().name(), "flowersec.handshake");
    EXPECT_EQ(std::count(texts.begin(), texts.end(), code.message()), 0) << code.message();
    EXPECT_NE(code.message(), describe(static_cast<handshake_errc>(0)));
    texts.push_back(code.message());
  }
}

TEST(handshake_errc, maps_to_the_public_codes) {
  struct row {
    handshake_errc error;
    public_code code;
  };
  const row rows[] = {
      {handshake_errc::wrong_suite, public_code::invalid_suite},
      {handshake_errc::unsupported_frame_version, public_code::invalid_version},
      {handshake_errc::unsupported_init_version, public_code::invalid_version},
      {handshake_errc::timestamp_out_of_skew, public_code::timestamp_out_of_skew},
      {handshake_errc::timestamp_after_init_exp, public_code::timestamp_after_init_exp},
      {handshake_errc::auth_tag_mismatch, public_code::auth_tag_mismatch},
      {handshake_errc::blank_channel_id, public_code::missing_channel_id},
      {handshake_errc::malformed_channel_id, public_code::invalid_input},
      {handshake_errc::missing_init_exp, public_code::missing_init_exp},
      {handshake_errc::negative_skew, public_code::invalid_option},
      {handshake_errc::bad_limits, public_code::invalid_option},
      {handshake_errc::random_failed, public_code::random_failed},
      {handshake_errc::unsupported_init, public_code::handshake_failed},
      {handshake_errc::wrong_channel_id, public_code::handshake_failed},
      {handshake_errc::wrong_handshake_id, public_code::handshake_failed},
      {handshake_errc::malformed_auth_tag, public_code::handshake_failed},
      {handshake_errc::key_agreement_failed, public_code::handshake_failed},
      {handshake_errc::unexpected_type, public_code::handshake_failed},
      {handshake_errc::cache_full, public_code::handshake_failed},
      {handshake_errc::state_lost, public_code::handshake_failed},
  };
  for (const auto& row : rows) EXPECT_EQ(to_public_code(row.error), row.code) << describe(row.error);
}

}  // namespace
}  // namespace flowersec::handshake::testing
