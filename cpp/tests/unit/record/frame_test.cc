// The FSEC header: layout, every check and their order.
#include "fixture.h"

namespace flowersec::record::testing {
namespace {

constexpr std::uint64_t sequence = 0x0102030405060708;

byte_buffer plain_frame(std::size_t ciphertext_bytes = 20) {
  byte_buffer frame(header_bytes + ciphertext_bytes);
  encode_header({record_kind::app, sequence, static_cast<std::uint32_t>(ciphertext_bytes)},
                std::span{frame}.first<header_bytes>());
  return frame;
}

error_code error_of(byte_view frame, std::size_t max_record_bytes = 1048576) {
  const auto header = check_frame(frame, sequence, max_record_bytes);
  return header ? error_code{} : header.error();
}

TEST(record_frame, header_has_the_documented_layout) {
  std::array<std::byte, header_bytes> header;
  encode_header({record_kind::rekey, sequence, 0x11223344}, header);
  EXPECT_EQ(to_buffer(header), hex("46534543 01 02 0102030405060708 11223344"));
}

TEST(record_frame, header_round_trips_for_every_kind) {
  for (const auto kind : {record_kind::app, record_kind::ping, record_kind::rekey}) {
    auto frame = plain_frame();
    const record_header written{kind, sequence, 20};
    encode_header(written, std::span{frame}.first<header_bytes>());
    EXPECT_EQ(check_frame(frame, sequence, 1048576).value(), written);
  }
}

TEST(record_frame, each_wrong_field_has_its_own_error) {
  struct row {
    const char* what;
    std::size_t at;
    std::byte value;
    record_errc error;
  };
  const row rows[] = {
      {"first letter of the magic", 0, std::byte{'f'}, record_errc::bad_magic},
      {"handshake magic", 3, std::byte{'H'}, record_errc::bad_magic},
      {"version 0", 4, std::byte{0}, record_errc::bad_version},
      {"version 2", 4, std::byte{2}, record_errc::bad_version},
      {"flags 3, one past rekey", 5, std::byte{3}, record_errc::bad_flags},
      {"flags with a high bit", 5, std::byte{0x80}, record_errc::bad_flags},
      {"sequence one lower", 13, std::byte{7}, record_errc::bad_sequence},
      {"sequence one higher", 13, std::byte{9}, record_errc::bad_sequence},
      {"sequence wrong in its top byte only", 6, std::byte{0x81}, record_errc::bad_sequence},
      {"length one lower", 17, std::byte{19}, record_errc::size_mismatch},
      {"length one higher", 17, std::byte{21}, record_errc::size_mismatch},
      {"length near 2^32", 14, std::byte{0xff}, record_errc::size_mismatch},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    auto frame = plain_frame();
    frame[row.at] = row.value;
    EXPECT_EQ(error_of(frame), row.error);
  }
}

TEST(record_frame, checks_come_in_the_order_of_the_protocol) {
  // Wrong in everything; each repair shows the next check.
  byte_buffer frame(40, std::byte{0xee});
  EXPECT_EQ(error_of(frame, 39), record_errc::too_large);
  EXPECT_EQ(error_of(byte_view{frame}.first(17), 39), record_errc::too_short);
  EXPECT_EQ(error_of(frame), record_errc::bad_magic);
  const auto good = plain_frame(22);
  const auto repair = [&](std::size_t at, std::size_t bytes) {
    std::copy_n(good.begin() + static_cast<std::ptrdiff_t>(at), bytes, frame.begin() + static_cast<std::ptrdiff_t>(at));
  };
  repair(0, 4);
  EXPECT_EQ(error_of(frame), record_errc::bad_version);
  repair(4, 1);
  EXPECT_EQ(error_of(frame), record_errc::bad_flags);
  repair(5, 1);
  EXPECT_EQ(error_of(frame), record_errc::bad_sequence);
  repair(6, 8);
  EXPECT_EQ(error_of(frame), record_errc::size_mismatch);
  repair(14, 4);
  EXPECT_EQ(error_of(frame), error_code{});
}

TEST(record_frame, every_truncation_is_refused) {
  const auto frame = plain_frame();
  for (std::size_t size = 0; size < frame.size(); ++size) {
    SCOPED_TRACE(size);
    byte_buffer copy(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size));
    copy.shrink_to_fit();
    EXPECT_EQ(error_of(copy), size < header_bytes ? record_errc::too_short : record_errc::size_mismatch);
  }
}

TEST(record_frame, a_trailing_byte_is_refused) {
  auto frame = plain_frame();
  frame.push_back(std::byte{0});
  EXPECT_EQ(error_of(frame), record_errc::size_mismatch);
}

TEST(record_frame, the_size_limit_holds_at_its_edge_and_one_past) {
  const auto frame = plain_frame(100);
  EXPECT_EQ(error_of(frame, frame.size()), error_code{});
  EXPECT_EQ(error_of(frame, frame.size() - 1), record_errc::too_large);
}

TEST(record_errc, every_value_has_a_text_of_its_own) {
  std::vector<std::string> texts;
  for (int value = 1; value <= static_cast<int>(record_errc::bad_limits); ++value) {
    const error_code code = static_cast<record_errc>(value);
    EXPECT_STREQ(code.category().name(), "flowersec.record");
    EXPECT_EQ(std::count(texts.begin(), texts.end(), code.message()), 0) << code.message();
    EXPECT_NE(code.message(), describe(static_cast<record_errc>(0)));
    texts.push_back(code.message());
  }
}

}  // namespace
}  // namespace flowersec::record::testing
