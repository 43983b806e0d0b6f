// The sending direction: layout, gathering, refusals, exhaustion.
#include "fixture.h"

namespace flowersec::record::testing {
namespace {

TEST(sealer, sequence_counts_every_kind_of_record) {
  auto out = make_sealer();
  auto in = make_opener();
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(text_of(in, sealed_app(out, "data")), "data");
    EXPECT_EQ(text_of(in, sealed_ping(out)), "");
    EXPECT_EQ(text_of(in, sealed_rekey(out)), "");
  }
  EXPECT_EQ(out.next_sequence(), 10U);
  EXPECT_EQ(in.expected_sequence(), 10U);
}

TEST(sealer, pieces_give_the_same_record_as_their_concatenation) {
  const auto whole = pattern(5000);
  for (const std::size_t first : {0U, 1U, 11U, 12U, 15U, 16U, 17U, 4999U, 5000U}) {
    SCOPED_TRACE(first);
    auto joined = make_sealer();
    auto split = make_sealer();
    const std::array pieces{byte_view{whole}.first(first), byte_view{}, byte_view{whole}.subspan(first)};
    byte_buffer frame(sealed_bytes(whole.size()));
    ASSERT_EQ(split.seal_app(pieces, frame).value(), frame.size());
    EXPECT_EQ(frame, sealed_app(joined, whole));
  }
}

TEST(sealer, records_are_gathered_in_one_buffer) {
  auto out = make_sealer();
  byte_buffer send(65536);
  std::size_t used = 0;
  std::vector<std::size_t> ends;
  while (true) {
    const auto written = out.seal_app(as_bytes("a small write"), mutable_byte_view{send}.subspan(used));
    if (!written) {
      EXPECT_EQ(written.error(), record_errc::no_room);
      break;
    }
    ends.push_back(used += *written);
  }
  EXPECT_EQ(ends.size(), 65536 / sealed_bytes(13));

  auto in = make_opener();
  std::size_t begin = 0;
  for (const auto end : ends) {
    EXPECT_EQ(as_text(in.open(std::span{send}.subspan(begin, end - begin)).value().plaintext), "a small write");
    begin = end;
  }
}

TEST(sealer, writes_only_its_record_into_a_larger_buffer) {
  auto out = make_sealer();
  byte_buffer send(100, std::byte{0xaa});
  const auto written = out.seal_app(as_bytes("hello"), send).value();
  EXPECT_EQ(written, 39U);
  EXPECT_TRUE(std::all_of(send.begin() + 39, send.end(), [](std::byte b) { return b == std::byte{0xaa}; }));
}

TEST(sealer, no_room_uses_no_sequence_number) {
  auto out = make_sealer();
  byte_buffer small(sealed_bytes(5) - 1);
  EXPECT_EQ(out.seal_app(as_bytes("hello"), small).error(), record_errc::no_room);
  EXPECT_EQ(out.seal_ping(std::span{small}.first(33)).error(), record_errc::no_room);
  EXPECT_EQ(out.seal_rekey(std::span{small}.first(33)).error(), record_errc::no_room);
  auto in = make_opener();
  EXPECT_EQ(text_of(in, sealed_app(out, "hello")), "hello");
}

TEST(sealer, chunk_limit_holds_at_its_edge_and_one_past) {
  auto out = make_sealer(first_sequence, {.outbound_record_chunk_bytes = 1000});
  byte_buffer frame(2000);
  EXPECT_EQ(out.chunk_bytes(), 1000U);
  EXPECT_EQ(out.seal_app(pattern(1001), frame).error(), record_errc::chunk_too_large);
  EXPECT_EQ(out.seal_app(pattern(1000), frame).value(), sealed_bytes(1000));
}

TEST(sealer, default_chunk_is_64_kib) {
  auto out = make_sealer();
  auto in = make_opener();
  const auto chunk = pattern(65536);
  EXPECT_EQ(text_of(in, sealed_app(out, chunk)), as_text(chunk));
  byte_buffer frame(70000);
  EXPECT_EQ(out.seal_app(pattern(65537), frame).error(), record_errc::chunk_too_large);
}

TEST(sealer, closed_sealer_sends_nothing) {
  auto out = make_sealer();
  out.close();
  byte_buffer frame(100, std::byte{0xaa});
  EXPECT_FALSE(out.is_open());
  EXPECT_EQ(out.seal_app(as_bytes("hello"), frame).error(), record_errc::closed);
  EXPECT_EQ(out.seal_ping(frame).error(), record_errc::closed);
  EXPECT_EQ(out.seal_rekey(frame).error(), record_errc::closed);
  EXPECT_EQ(frame, byte_buffer(100, std::byte{0xaa}));
}

TEST(sealer, highest_sequence_sent_is_two_below_2_to_the_64) {
  constexpr auto last = exhausted_sequence - 1;
  auto out = make_sealer(last);
  auto in = make_opener(last);
  EXPECT_EQ(text_of(in, sealed_app(out, "last")), "last");

  byte_buffer frame(100);
  EXPECT_EQ(out.seal_ping(frame).error(), record_errc::exhausted);
  EXPECT_FALSE(out.is_open());
  EXPECT_EQ(out.seal_ping(frame).error(), record_errc::closed);
}

TEST(sealer, exhaustion_also_stops_rekey_and_app_records) {
  byte_buffer frame(100);
  auto app = make_sealer(exhausted_sequence);
  EXPECT_EQ(app.seal_app(as_bytes("x"), frame).error(), record_errc::exhausted);
  auto rekey = make_sealer(exhausted_sequence);
  EXPECT_EQ(rekey.seal_rekey(frame).error(), record_errc::exhausted);
  EXPECT_FALSE(rekey.is_open());
}

TEST(interop_traps, trap_06_empty_app_records_are_never_sealed) {
  auto out = make_sealer();
  byte_buffer frame(100);
  const std::array<byte_view, 2> nothing{};
  EXPECT_EQ(out.seal_app(byte_view{}, frame).error(), record_errc::empty_app_record);
  EXPECT_EQ(out.seal_app(nothing, frame).error(), record_errc::empty_app_record);
  EXPECT_EQ(out.next_sequence(), first_sequence);
}

}  // namespace
}  // namespace flowersec::record::testing
