// The 12-byte header: the worked examples of the protocol, every type and flag, and what is refused.
#include "flowersec/yamux/frame.h"

#include <gtest/gtest.h>

#include <map>

#include "support/testdata.h"
#include "support/yamux_frames.h"

namespace flowersec::yamux {
namespace {

namespace wire = testing::yamux_wire;
using testing::hex;

byte_buffer bytes_of(const encoded_header& header) { return {header.begin(), header.end()}; }

boost::system::result<frame_header, yamux_errc> decode(const wire::frame& f) {
  const auto bytes = wire::bytes_of(f);
  return decode_header(byte_view{bytes}.first<header_bytes>());
}

TEST(yamux_header, worked_examples_are_byte_exact) {
  constexpr stream_id one{1};
  const struct {
    const char* name;
    encoded_header made;
    const char* expected;
  } rows[] = {
      {"open", encode_open(one), "0001 0001 00000001 00000000"},
      {"acknowledge", encode_acknowledge(one), "0001 0002 00000001 00000000"},
      {"close", encode_close(one), "0001 0004 00000001 00000000"},
      {"reset", encode_reset(one), "0001 0008 00000001 00000000"},
      {"credit of 131072", encode_credit(one, 131072), "0001 0000 00000001 00020000"},
      {"ping request, opaque 9", encode_ping(9), "0002 0001 00000000 00000009"},
      {"ping reply", encode_ping_reply(9), "0002 0002 00000000 00000009"},
      {"data header for a 24-byte hello", encode_data(one, 24), "0000 0000 00000001 00000018"},
  };
  for (const auto& row : rows) EXPECT_EQ(bytes_of(row.made), hex(row.expected)) << row.name;
}

boost::system::result<frame_header, yamux_errc> decode_row(const boost::json::value& row) {
  const auto bytes = testing::hex_at(row, "header_hex");
  return decode_header(byte_view{bytes}.first<header_bytes>());
}

TEST(yamux_header, shared_headers_are_understood) {
  const auto file = testing::testdata("yamux/headers.json");
  ASSERT_FALSE(file.at("valid").as_array().empty());
  for (const auto& row : file.at("valid").as_array()) {
    SCOPED_TRACE(testing::text_at(row, "name"));
    const auto header = decode_row(row);
    ASSERT_TRUE(header.has_value());
    EXPECT_EQ(static_cast<std::int64_t>(header->index()), row.at("type").as_int64());
    const auto flags = static_cast<unsigned>(row.at("flags").as_int64());
    const auto id = static_cast<stream_id>(row.at("stream_id").as_int64());
    const auto length = row.at("length").as_int64();
    const stream_flags expected{(flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0, (flags & 8) != 0};
    if (const auto* data = std::get_if<data_frame>(&*header)) {
      EXPECT_TRUE(data->id == id && data->flags == expected && data->length == length);
    } else if (const auto* update = std::get_if<window_update_frame>(&*header)) {
      EXPECT_TRUE(update->id == id && update->flags == expected && update->credit == length);
    } else if (const auto* ping = std::get_if<ping_frame>(&*header)) {
      EXPECT_EQ(ping->is, flags == 1 ? ping_frame::direction::request : ping_frame::direction::reply);
      EXPECT_EQ(ping->opaque, length);
    } else {
      EXPECT_EQ(std::get<go_away_frame>(*header).code, length);
    }
  }
}

TEST(yamux_header, shared_refusals_are_refused_by_name) {
  const std::map<std::string, yamux_errc> errors{{"bad_version", yamux_errc::bad_version},
                                                 {"bad_type", yamux_errc::bad_type},
                                                 {"stream_zero", yamux_errc::stream_zero}};
  const auto file = testing::testdata("yamux/headers.json");
  ASSERT_FALSE(file.at("refused").as_array().empty());
  for (const auto& row : file.at("refused").as_array()) {
    const auto header = decode_row(row);
    ASSERT_TRUE(header.has_error()) << testing::text_at(row, "name");
    EXPECT_EQ(header.error(), errors.at(testing::text_at(row, "error"))) << testing::text_at(row, "name");
  }
}

TEST(yamux_header, go_away_example_is_understood) {
  const auto bytes = hex("0003 0000 00000000 00000001");
  const auto header = decode_header(byte_view{bytes}.first<header_bytes>());
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(std::get<go_away_frame>(*header).code, 1U);
}

TEST(yamux_header, every_combination_of_flags_is_understood_on_stream_frames) {
  for (std::uint16_t bits = 0; bits < 16; ++bits) {
    const stream_flags expected{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0};
    const auto data = decode({.kind = wire::data, .flags = bits, .id = 7, .length = 5});
    ASSERT_TRUE(data.has_value());
    EXPECT_EQ(std::get<data_frame>(*data).flags, expected) << bits;
    EXPECT_EQ(std::get<data_frame>(*data).id, stream_id{7});
    EXPECT_EQ(std::get<data_frame>(*data).length, 5U);
    const auto update = decode({.kind = wire::window_update, .flags = bits, .id = 0xffffffff, .length = 0xffffffff});
    ASSERT_TRUE(update.has_value());
    EXPECT_EQ(std::get<window_update_frame>(*update).flags, expected) << bits;
    EXPECT_EQ(std::get<window_update_frame>(*update).id, stream_id{0xffffffff});
    EXPECT_EQ(std::get<window_update_frame>(*update).credit, 0xffffffffU);
  }
}

TEST(yamux_header, unknown_flag_bits_are_ignored) {
  const auto header = decode({.kind = wire::data, .flags = 0xfff0 | wire::fin, .id = 1});
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(std::get<data_frame>(*header).flags, (stream_flags{.fin = true}));
}

TEST(yamux_header, other_versions_and_types_are_refused) {
  for (unsigned value = 1; value < 256; ++value) {
    const auto version = decode({.version = static_cast<std::uint8_t>(value), .kind = wire::data, .id = 1});
    EXPECT_EQ(version.error(), yamux_errc::bad_version) << value;
    if (value <= 3) continue;
    const auto type = decode({.kind = static_cast<std::uint8_t>(value), .id = 1});
    EXPECT_EQ(type.error(), yamux_errc::bad_type) << value;
  }
}

TEST(yamux_header, stream_frames_on_the_session_id_are_refused) {
  EXPECT_EQ(decode({.kind = wire::data, .id = 0}).error(), yamux_errc::stream_zero);
  EXPECT_EQ(decode({.kind = wire::data, .flags = wire::syn, .id = 0}).error(), yamux_errc::stream_zero);
  EXPECT_EQ(decode({.kind = wire::window_update, .id = 0}).error(), yamux_errc::stream_zero);
}

TEST(yamux_header, a_ping_asks_with_syn_and_answers_otherwise) {
  using direction = ping_frame::direction;
  EXPECT_EQ(std::get<ping_frame>(*decode(wire::ping_of(0))).is, direction::request);
  EXPECT_EQ(std::get<ping_frame>(*decode(wire::pong_of(0))).is, direction::reply);
  EXPECT_EQ(std::get<ping_frame>(*decode({.kind = wire::ping, .flags = wire::none})).is, direction::reply);
  EXPECT_EQ(std::get<ping_frame>(*decode({.kind = wire::ping, .flags = wire::syn, .id = 5, .length = 8})).opaque, 8U);
}

TEST(yamux_header, what_is_encoded_is_decoded_again) {
  for (const std::uint32_t id : {1U, 2U, 0x80000000U, 0xffffffffU}) {
    for (const std::uint32_t length : {0U, 1U, 262144U, 0xffffffffU}) {
      const auto data = decode_header(encode_data(stream_id{id}, length));
      ASSERT_TRUE(data.has_value());
      EXPECT_EQ(std::get<data_frame>(*data).id, stream_id{id});
      EXPECT_EQ(std::get<data_frame>(*data).length, length);
      const auto credit = decode_header(encode_credit(stream_id{id}, length));
      ASSERT_TRUE(credit.has_value());
      EXPECT_EQ(std::get<window_update_frame>(*credit).credit, length);
    }
  }
}

}  // namespace
}  // namespace flowersec::yamux
