// Frame header codec: the tables of RFC 6455 section 5.2, every truncation, every violation.
#include "flowersec/ws/frame.h"

#include <gtest/gtest.h>

#include <string>

#include "support/literals.h"

namespace flowersec::ws {
namespace {

using testing::hex;
using outcome = header_decoding::outcome;

constexpr mask_key some_key{std::byte{0x37}, std::byte{0xfa}, std::byte{0x21}, std::byte{0x3d}};

struct valid_row {
  const char* name;
  const char* bytes;
  role sender;
  frame_header header;
};

const valid_row valid_rows[] = {
    {"empty_text_of_a_server", "8100", role::server, {opcode::text, true, {}, 0}},
    {"rfc_unmasked_hello", "8105", role::server, {opcode::text, true, {}, 5}},
    {"rfc_masked_hello", "8185 37fa213d", role::client, {opcode::text, true, some_key, 5}},
    {"first_fragment", "0103", role::server, {opcode::text, false, {}, 3}},
    {"last_fragment", "8002", role::server, {opcode::continuation, true, {}, 2}},
    {"middle_fragment", "0002", role::server, {opcode::continuation, false, {}, 2}},
    {"largest_short_length", "827d", role::server, {opcode::binary, true, {}, 125}},
    {"smallest_16_bit_length", "827e 007e", role::server, {opcode::binary, true, {}, 126}},
    {"rfc_256_bytes", "827e 0100", role::server, {opcode::binary, true, {}, 256}},
    {"largest_16_bit_length", "827e ffff", role::server, {opcode::binary, true, {}, 65535}},
    {"smallest_64_bit_length", "827f 0000000000010000", role::server, {opcode::binary, true, {}, 65536}},
    {"largest_length", "827f 7fffffffffffffff", role::server, {opcode::binary, true, {}, max_frame_payload_bytes}},
    {"masked_16_bit_length", "82fe 0100 37fa213d", role::client, {opcode::binary, true, some_key, 256}},
    {"masked_64_bit_length", "82ff 0000000000010000 37fa213d", role::client, {opcode::binary, true, some_key, 65536}},
    {"ping", "8900", role::server, {opcode::ping, true, {}, 0}},
    {"largest_pong", "8afd 37fa213d", role::client, {opcode::pong, true, some_key, 125}},
    {"close", "8802", role::server, {opcode::close, true, {}, 2}},
};

TEST(frame_header, valid_headers_decode_and_encode_back) {
  for (const auto& row : valid_rows) {
    SCOPED_TRACE(row.name);
    const auto bytes = hex(row.bytes);
    const auto decoded = decode_frame_header(bytes, row.sender);
    ASSERT_EQ(decoded.result, outcome::complete);
    EXPECT_EQ(decoded.header, row.header);
    EXPECT_EQ(decoded.header_bytes, bytes.size());
    EXPECT_EQ(frame_header_bytes(row.header.payload_bytes, row.header.mask.has_value()), bytes.size());
    byte_buffer encoded(max_frame_header_bytes);
    encoded.resize(encode_frame_header(encoded.data(), row.header));
    EXPECT_EQ(encoded, bytes);
  }
}

TEST(frame_header, every_truncation_needs_more) {
  for (const auto& row : valid_rows) {
    SCOPED_TRACE(row.name);
    const auto bytes = hex(row.bytes);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const byte_buffer cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_EQ(decode_frame_header(cut, row.sender).result, outcome::need_more) << size;
    }
  }
}

TEST(frame_header, bytes_behind_the_header_are_left_alone) {
  for (const auto& row : valid_rows) {
    SCOPED_TRACE(row.name);
    auto bytes = hex(row.bytes);
    const auto size = bytes.size();
    bytes.push_back(std::byte{0xff});
    const auto decoded = decode_frame_header(bytes, row.sender);
    ASSERT_EQ(decoded.result, outcome::complete);
    EXPECT_EQ(decoded.header_bytes, size);
  }
}

struct violation_row {
  const char* name;
  const char* bytes;
  role sender;
  ws_errc error;
};

const violation_row violation_rows[] = {
    {"rsv1_as_of_a_compressed_message", "c185", role::client, ws_errc::reserved_bits},
    {"rsv2", "a180", role::client, ws_errc::reserved_bits},
    {"rsv3", "9180", role::client, ws_errc::reserved_bits},
    {"rsv1_on_a_control_frame", "c980", role::client, ws_errc::reserved_bits},
    {"opcode_3", "8380", role::client, ws_errc::unknown_opcode},
    {"opcode_7", "8780", role::client, ws_errc::unknown_opcode},
    {"opcode_11", "8b80", role::client, ws_errc::unknown_opcode},
    {"opcode_15", "8f80", role::client, ws_errc::unknown_opcode},
    {"ping_without_fin", "0980", role::client, ws_errc::control_fragmented},
    {"close_without_fin", "0880", role::client, ws_errc::control_fragmented},
    {"ping_with_16_bit_length", "89fe", role::client, ws_errc::control_too_long},
    {"pong_with_64_bit_length", "8aff", role::client, ws_errc::control_too_long},
    {"client_without_mask", "8205", role::client, ws_errc::mask_missing},
    {"client_ping_without_mask", "8900", role::client, ws_errc::mask_missing},
    {"server_with_mask", "8285", role::server, ws_errc::mask_unexpected},
    {"server_close_with_mask", "8882", role::server, ws_errc::mask_unexpected},
    {"125_in_16_bits", "82fe 007d", role::client, ws_errc::length_not_minimal},
    {"0_in_16_bits", "827e 0000", role::server, ws_errc::length_not_minimal},
    {"65535_in_64_bits", "827f 000000000000ffff", role::server, ws_errc::length_not_minimal},
    {"0_in_64_bits", "82ff 0000000000000000", role::client, ws_errc::length_not_minimal},
    {"top_bit_of_the_length", "827f 8000000000000000", role::server, ws_errc::reserved_bits},
};

TEST(frame_header, violations_show_as_early_as_the_bytes_allow) {
  for (const auto& row : violation_rows) {
    SCOPED_TRACE(row.name);
    const auto bytes = hex(row.bytes);
    const auto decoded = decode_frame_header(bytes, row.sender);
    ASSERT_EQ(decoded.result, outcome::violation);
    EXPECT_EQ(decoded.error, row.error);
    EXPECT_EQ(close_code_for(decoded.error), 1002);
    const byte_buffer shorter(bytes.begin(), bytes.end() - 1);
    EXPECT_EQ(decode_frame_header(shorter, row.sender).result, outcome::need_more);
  }
}

TEST(frame_header, all_two_byte_fronts_agree_with_the_rules) {
  for (unsigned front = 0; front <= 0xffff; ++front) {
    byte_buffer bytes;
    append_be(bytes, static_cast<std::uint16_t>(front));
    const unsigned op = (front >> 8) & 0xf;
    const bool known = op <= 2 || (op >= 8 && op <= 10);
    const bool control_ok = op < 8 || ((front & 0x8000) != 0 && (front & 0x7f) <= 125);
    const bool well_formed = (front & 0x7000) == 0 && known && control_ok;
    for (const auto sender : {role::client, role::server}) {
      const bool masked = (front & 0x80) != 0;
      const bool acceptable = well_formed && masked == (sender == role::client);
      ASSERT_EQ(decode_frame_header(bytes, sender).result != outcome::violation, acceptable) << std::hex << front;
    }
  }
}

TEST(whole_frames, rfc_example_of_a_masked_hello) {
  EXPECT_EQ(make_frame(opcode::text, as_bytes("Hello"), some_key), hex("818537fa213d 7f9f4d5158"));
  EXPECT_EQ(make_frame(opcode::text, as_bytes("Hello"), std::nullopt), hex("8105 48656c6c6f"));
  EXPECT_EQ(make_frame(opcode::ping, {}, std::nullopt), hex("8900"));
}

TEST(whole_frames, a_frame_finished_in_place_decodes_to_its_payload) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{125}, std::size_t{126}, std::size_t{65535},
                                 std::size_t{65536}, std::size_t{200'000}}) {
    SCOPED_TRACE(size);
    byte_buffer payload(size);
    for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<std::byte>(i * 7);
    byte_buffer frame(frame_header_bytes(size, true));
    append(frame, payload);
    finish_frame_in_place(frame, {.op = opcode::binary, .fin = true, .mask = some_key, .payload_bytes = size});
    const auto decoded = decode_frame_header(frame, role::client);
    ASSERT_EQ(decoded.result, outcome::complete);
    ASSERT_EQ(decoded.header.payload_bytes, size);
    byte_buffer received(frame.begin() + decoded.header_bytes, frame.end());
    apply_mask(received, *decoded.header.mask);
    EXPECT_EQ(received, payload);
  }
}

TEST(ws_errors, every_value_has_its_own_text_and_only_violations_have_a_close_code) {
  std::vector<std::string> texts;
  for (int value = 1; value <= static_cast<int>(ws_errc::random_failed); ++value) {
    const auto code = static_cast<ws_errc>(value);
    texts.push_back(make_error_code(code).message());
    EXPECT_NE(texts.back(), "unknown WebSocket error") << value;
    EXPECT_EQ(close_code_for(code).has_value(), code <= ws_errc::message_too_big) << value;
  }
  std::sort(texts.begin(), texts.end());
  EXPECT_EQ(std::adjacent_find(texts.begin(), texts.end()), texts.end());
  EXPECT_EQ(close_code_for(ws_errc::message_too_big), 1009);
}

TEST(ws_errors, a_refused_upgrade_keeps_its_status) {
  EXPECT_EQ(refused_status(upgrade_refused(403)), 403u);
  EXPECT_EQ(refused_status(make_error_code(ws_errc::upgrade_invalid)), std::nullopt);
}

}  // namespace
}  // namespace flowersec::ws
