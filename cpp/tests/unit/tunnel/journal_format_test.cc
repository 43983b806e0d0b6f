// A journal is read back as it was written, an unfinished end is told from damage, and nothing else is believed.
#include "tunnel/journal_format.h"

#include <gmock/gmock.h>

namespace flowersec::tunnel {
namespace {

using ::testing::HasSubstr;

journal_record record_number(int number, std::uint64_t durable) {
  journal_record record{.token = {}, .remember_until = 1'800'000'000 + number, .durable_bytes = durable};
  record.token.fill(static_cast<std::byte>(number));
  return record;
}

std::uint64_t offset_of(std::size_t record) { return journal_header_bytes + record * journal_record_bytes; }

struct outcome {
  std::vector<journal_record> records;
  journal_reader::verdict verdict;
};

outcome read(byte_view bytes, std::size_t piece = SIZE_MAX) {
  outcome found;
  journal_reader reader{[&](const journal_record& record) { found.records.push_back(record); }};
  while (!bytes.empty()) {
    // An exact-size copy lets the sanitizer see a read past the end.
    const auto part = to_buffer(bytes.first(std::min(piece, bytes.size())));
    reader.feed(part);
    bytes = bytes.subspan(part.size());
  }
  found.verdict = reader.finish();
  return found;
}

/// Four records: two groups of two, the second written when the first was durable.
byte_buffer journal() {
  byte_buffer bytes;
  append_journal_header(bytes);
  for (int i = 0; i < 2; ++i) append_journal_record(bytes, record_number(i, offset_of(0)));
  for (int i = 2; i < 4; ++i) append_journal_record(bytes, record_number(i, offset_of(2)));
  return bytes;
}

TEST(journal_format, has_the_documented_layout) {
  byte_buffer bytes;
  append_journal_header(bytes);
  EXPECT_EQ(bytes.size(), 16u);
  EXPECT_EQ(as_text(byte_view{bytes}.first(8)), "FSREPLAY");
  EXPECT_EQ(load_be<std::uint16_t>(&bytes[8]), 1);
  EXPECT_EQ(load_be<std::uint16_t>(&bytes[10]), 52);
  append_journal_record(bytes, record_number(7, 16));
  EXPECT_EQ(bytes.size(), 68u);
  EXPECT_EQ(bytes[16], std::byte{7});
  EXPECT_EQ(bytes[47], std::byte{7});
  EXPECT_EQ(load_be<std::uint64_t>(&bytes[48]), 1'800'000'007u);
  EXPECT_EQ(load_be<std::uint64_t>(&bytes[56]), 16u);
}

TEST(journal_format, the_checksum_is_the_crc_of_ieee_802_3) {
  byte_buffer bytes;
  append_journal_header(bytes);
  // Computed with another implementation, Python's binascii.crc32.
  EXPECT_EQ(load_be<std::uint32_t>(&bytes[12]), 0x6bcf795du);
}

TEST(journal_reader, returns_what_was_written_in_pieces_of_any_size) {
  for (const std::size_t piece : {1u, 15u, 16u, 17u, 51u, 52u, 53u, 4096u}) {
    const auto found = read(journal(), piece);
    EXPECT_FALSE(found.verdict.damage);
    EXPECT_EQ(found.verdict.good_bytes, offset_of(4));
    EXPECT_EQ(found.verdict.total_bytes, offset_of(4));
    ASSERT_EQ(found.records.size(), 4u) << piece;
    for (int i = 0; i < 4; ++i) {
      EXPECT_EQ(found.records[static_cast<std::size_t>(i)], record_number(i, offset_of(i < 2 ? 0 : 2)));
    }
  }
}

TEST(journal_reader, an_empty_file_is_a_journal_without_records) {
  const auto found = read({});
  EXPECT_FALSE(found.verdict.damage);
  EXPECT_TRUE(found.records.empty());
  EXPECT_EQ(found.verdict.good_bytes, 0u);
}

TEST(journal_reader, every_truncation_keeps_the_whole_records_before_it) {
  const auto whole = journal();
  for (std::size_t length = 1; length < whole.size(); ++length) {
    const auto found = read(byte_view{whole}.first(length));
    if (length < journal_header_bytes) {
      EXPECT_EQ(found.verdict.damage, "this is not a replay journal") << length;
      continue;
    }
    const auto records = (length - journal_header_bytes) / journal_record_bytes;
    EXPECT_FALSE(found.verdict.damage) << length;
    EXPECT_EQ(found.records.size(), records) << length;
    EXPECT_EQ(found.verdict.good_bytes, offset_of(records)) << length;
    EXPECT_EQ(found.verdict.total_bytes, length);
  }
}

TEST(journal_reader, every_flipped_bit_of_the_header_is_refused) {
  for (std::size_t bit = 0; bit < 8 * journal_header_bytes; ++bit) {
    auto bytes = journal();
    bytes[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    const auto found = read(bytes);
    EXPECT_TRUE(found.verdict.damage) << bit;
    EXPECT_TRUE(found.records.empty()) << bit;
  }
}

TEST(journal_reader, every_flipped_bit_is_damage_where_it_was_durable_and_an_unfinished_end_where_not) {
  const auto whole = journal();
  for (std::size_t bit = 8 * journal_header_bytes; bit < 8 * whole.size(); ++bit) {
    auto bytes = whole;
    bytes[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    const auto found = read(bytes);
    const auto hit = (bit / 8 - journal_header_bytes) / journal_record_bytes;
    EXPECT_EQ(found.records.size(), hit) << bit;
    EXPECT_EQ(found.verdict.good_bytes, offset_of(hit)) << bit;
    EXPECT_EQ(found.verdict.damage.has_value(), hit < 2) << bit;
    if (hit < 2) {
      EXPECT_THAT(*found.verdict.damage, HasSubstr("at offset " + std::to_string(offset_of(hit)) + " is damaged"));
    }
  }
}

TEST(journal_reader, another_version_and_another_size_of_records_are_named) {
  const auto with = [](std::uint16_t version, std::uint16_t size) {
    byte_buffer bytes;
    append_journal_header(bytes);
    store_be(&bytes[8], version);
    store_be(&bytes[10], size);
    return bytes;
  };
  // The header's own checksum is looked at first: a flipped bit is not another version.
  EXPECT_EQ(read(with(2, 52)).verdict.damage, "the header is damaged");
  auto version = with(2, 52);
  store_be(&version[12], std::uint32_t{0x6989c704});
  EXPECT_EQ(read(version).verdict.damage, "the journal has version 2, this program reads version 1");
  auto size = with(1, 53);
  store_be(&size[12], std::uint32_t{0x1cc849cb});
  EXPECT_EQ(read(size).verdict.damage, "the header names another size of records");
}

TEST(journal_reader, a_group_that_a_crash_left_in_pieces_is_cut_at_its_first_bad_record) {
  // Of the second group the first record is zeros, the second arrived.
  auto bytes = journal();
  std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset_of(2)), journal_record_bytes, std::byte{0});
  const auto found = read(bytes);
  EXPECT_FALSE(found.verdict.damage);
  EXPECT_EQ(found.records.size(), 2u);
  EXPECT_EQ(found.verdict.good_bytes, offset_of(2));
}

TEST(journal_reader, zeros_at_the_end_are_cut) {
  auto bytes = journal();
  bytes.resize(bytes.size() + 10 * journal_record_bytes + 3);
  const auto found = read(bytes);
  EXPECT_FALSE(found.verdict.damage);
  EXPECT_EQ(found.records.size(), 4u);
  EXPECT_EQ(found.verdict.good_bytes, offset_of(4));
}

TEST(journal_reader, a_record_that_promises_what_it_cannot_know_is_bad) {
  for (const auto durable : {std::uint64_t{0}, std::uint64_t{15}, offset_of(0) + 1, UINT64_MAX}) {
    byte_buffer bytes;
    append_journal_header(bytes);
    append_journal_record(bytes, record_number(1, durable));
    const auto found = read(bytes);
    EXPECT_TRUE(found.records.empty()) << durable;
    EXPECT_FALSE(found.verdict.damage);
  }
}

TEST(journal_reader, a_damaged_last_record_of_durable_ones_is_named_at_its_edge) {
  // The mark behind them says that exactly so much was durable.
  for (const bool promised : {true, false}) {
    byte_buffer bytes;
    append_journal_header(bytes);
    append_journal_record(bytes, record_number(0, offset_of(0)));
    bytes.back() ^= std::byte{1};
    append_journal_record(bytes, record_number(1, promised ? offset_of(1) : offset_of(0)));
    EXPECT_EQ(read(bytes).verdict.damage.has_value(), promised);
  }
}

TEST(journal_reader, a_text_file_is_not_a_journal) {
  EXPECT_EQ(read(as_bytes("{\"keys\":[]}\n")).verdict.damage, "this is not a replay journal");
  EXPECT_EQ(read(as_bytes(std::string(1000, 'x'))).verdict.damage, "this is not a replay journal");
}

}  // namespace
}  // namespace flowersec::tunnel
