// Limits, byte budgets and the cutting of writes.
#include <limits>

#include "fixture.h"
#include "flowersec/record/budget.h"
#include "flowersec/record/write_cursor.h"

namespace flowersec::record::testing {
namespace {

TEST(record_limits, defaults_are_those_of_the_protocol) {
  const record_limits limits;
  EXPECT_TRUE(validate(limits));
  EXPECT_EQ(limits.max_record_bytes, 1048576U);
  EXPECT_EQ(limits.max_plaintext_bytes(), 1048542U);
  EXPECT_EQ(limits.outbound_record_chunk_bytes, 65536U);
  EXPECT_EQ(limits.max_inbound_buffered_bytes, 4194304U);
  EXPECT_EQ(limits.max_outbound_buffered_bytes, 4194304U);
}

TEST(record_limits, every_range_holds_at_its_edges_and_one_past) {
  struct row {
    const char* what;
    std::size_t record_limits::*field;
    std::size_t low, high;
  };
  const row rows[] = {
      {"max_record_bytes", &record_limits::max_record_bytes, 35, std::size_t{16} << 20},
      {"outbound_record_chunk_bytes", &record_limits::outbound_record_chunk_bytes, 1, 65536},
      {"max_inbound_buffered_bytes", &record_limits::max_inbound_buffered_bytes, 1, std::size_t{1} << 30},
      {"max_outbound_buffered_bytes", &record_limits::max_outbound_buffered_bytes, 1, std::size_t{1} << 30},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    const auto with = [&](std::size_t value) {
      record_limits limits;
      if (row.field == &record_limits::max_record_bytes) limits.outbound_record_chunk_bytes = 1;
      limits.*row.field = value;
      return validate(limits);
    };
    EXPECT_TRUE(with(row.low));
    EXPECT_TRUE(with(row.high));
    EXPECT_EQ(with(row.low - 1).error(), record_errc::bad_limits);
    EXPECT_EQ(with(row.high + 1).error(), record_errc::bad_limits);
    EXPECT_EQ(with(std::numeric_limits<std::size_t>::max()).error(), record_errc::bad_limits);
  }
}

TEST(record_limits, a_chunk_must_fit_a_record) {
  EXPECT_TRUE(validate({.max_record_bytes = 1034, .outbound_record_chunk_bytes = 1000}));
  EXPECT_EQ(validate({.max_record_bytes = 1034, .outbound_record_chunk_bytes = 1001}).error(), record_errc::bad_limits);
}

TEST(byte_budget, takes_up_to_its_limit_and_not_one_more) {
  byte_budget budget{100};
  EXPECT_TRUE(budget.take(60));
  EXPECT_FALSE(budget.take(41));
  EXPECT_EQ(budget.held(), 60U);
  EXPECT_TRUE(budget.take(40));
  EXPECT_FALSE(budget.take(1));
  EXPECT_TRUE(budget.take(0)) << "zero bytes always fit";
  budget.give_back(1);
  EXPECT_TRUE(budget.take(1));
}

TEST(byte_budget, huge_requests_do_not_wrap_around) {
  byte_budget budget{100};
  ASSERT_TRUE(budget.take(1));
  EXPECT_FALSE(budget.take(std::numeric_limits<std::size_t>::max()));
  EXPECT_EQ(budget.held(), 1U);
}

TEST(write_cursor, cuts_header_and_body_at_every_size) {
  const auto header = pattern(12);
  const auto body = pattern(100);
  byte_buffer whole = header;
  append(whole, byte_view{body});
  for (std::size_t chunk = 1; chunk <= whole.size() + 1; ++chunk) {
    SCOPED_TRACE(chunk);
    byte_buffer joined;
    write_cursor rest{header, body};
    while (!rest.empty()) {
      const auto before = joined.size();
      for (const auto piece : rest.take(chunk)) append(joined, piece);
      EXPECT_EQ(joined.size() - before, std::min(chunk, whole.size() - before));
      EXPECT_EQ(rest.size(), whole.size() - joined.size());
    }
    EXPECT_EQ(joined, whole);
  }
}

TEST(write_cursor, an_empty_write_gives_no_record) {
  EXPECT_TRUE(write_cursor{byte_view{}}.empty());
  EXPECT_TRUE((write_cursor{byte_view{}, byte_view{}}.empty()));
}

TEST(write_cursor, a_large_write_travels_in_chunks) {
  auto out = make_sealer(first_sequence, {.outbound_record_chunk_bytes = 1000});
  auto in = make_opener();
  const auto header = pattern(12);
  const auto body = pattern(3000);
  std::string received;
  write_cursor rest{header, body};
  while (!rest.empty()) {
    byte_buffer frame(sealed_bytes(out.chunk_bytes()));
    frame.resize(out.seal_app(rest.take(out.chunk_bytes()), frame).value());
    received += text_of(in, std::move(frame));
  }
  EXPECT_EQ(out.next_sequence(), 5U);
  EXPECT_EQ(received, std::string{as_text(header)} + std::string{as_text(body)});
}

}  // namespace
}  // namespace flowersec::record::testing
