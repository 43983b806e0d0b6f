// The ranges of the limits.
#include <limits>

#include "fixture.h"

namespace flowersec::record::testing {
namespace {

TEST(record_limits, defaults_are_those_of_the_protocol) {
  const record_limits limits;
  EXPECT_TRUE(validate(limits));
  EXPECT_EQ(limits.max_record_bytes, 1048576U);
  EXPECT_EQ(limits.max_plaintext_bytes(), 1048542U);
  EXPECT_EQ(limits.outbound_record_chunk_bytes, 65536U);
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

}  // namespace
}  // namespace flowersec::record::testing
