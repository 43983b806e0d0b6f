// The receiving direction: every refusal ends it, nothing unauthentic gets out.
#include "fixture.h"

namespace flowersec::record::testing {
namespace {

TEST(opener, plaintext_lies_inside_the_frame) {
  auto out = make_sealer();
  auto in = make_opener();
  auto frame = sealed_app(out, "hello");
  const auto opened = in.open(frame).value();
  EXPECT_EQ(opened.kind, record_kind::app);
  EXPECT_EQ(opened.plaintext.data(), frame.data() + header_bytes);
  EXPECT_EQ(as_text(opened.plaintext), "hello");
}

TEST(opener, sizes_around_cipher_blocks_round_trip) {
  auto out = make_sealer();
  auto in = make_opener();
  for (const std::size_t size : {1U, 15U, 16U, 17U, 255U, 256U, 4095U, 16384U, 65535U, 65536U}) {
    const auto plaintext = pattern(size);
    EXPECT_EQ(text_of(in, sealed_app(out, plaintext)), as_text(plaintext)) << size;
  }
}

TEST(opener, every_flipped_bit_is_refused) {
  auto out = make_sealer();
  const auto frame = sealed_app(out, "hello");
  for (std::size_t bit = 0; bit < frame.size() * 8; ++bit) {
    auto changed = frame;
    changed[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    auto in = make_opener();
    const auto error = error_of_opening(in, changed);
    EXPECT_TRUE(error) << bit;
    // Ciphertext and tag are told apart by nobody.
    if (bit / 8 >= header_bytes) {
      EXPECT_EQ(error, record_errc::open_failed) << bit;
    }
  }
}

TEST(opener, a_kind_changed_on_the_way_does_not_authenticate) {
  auto out = make_sealer();
  auto frame = sealed_ping(out);
  frame[5] = std::byte{2};
  auto in = make_opener();
  EXPECT_EQ(error_of_opening(in, frame), record_errc::open_failed);
}

TEST(opener, every_truncation_is_refused) {
  auto out = make_sealer();
  const auto frame = sealed_app(out, "hello");
  for (std::size_t size = 0; size < frame.size(); ++size) {
    auto in = make_opener();
    EXPECT_TRUE(error_of_opening(in, byte_view{frame}.first(size))) << size;
  }
}

TEST(opener, ciphertext_shorter_than_a_tag_cannot_authenticate) {
  for (std::uint32_t length = 0; length < tag_bytes; ++length) {
    byte_buffer frame(header_bytes + length);
    encode_header({record_kind::app, first_sequence, length}, std::span{frame}.first<header_bytes>());
    auto in = make_opener();
    EXPECT_EQ(error_of_opening(in, frame), record_errc::open_failed) << length;
  }
}

TEST(opener, replayed_record_is_refused) {
  auto out = make_sealer();
  auto in = make_opener();
  const auto frame = sealed_app(out, "once");
  EXPECT_EQ(text_of(in, frame), "once");
  EXPECT_EQ(error_of_opening(in, frame), record_errc::bad_sequence);
}

TEST(opener, skipped_record_is_refused) {
  auto out = make_sealer();
  auto in = make_opener();
  (void)sealed_app(out, "lost");
  EXPECT_EQ(error_of_opening(in, sealed_app(out, "next")), record_errc::bad_sequence);
}

TEST(opener, records_of_the_other_direction_do_not_open) {
  auto other = make_sealer(first_sequence, {}, direction::server_to_client);
  auto in = make_opener();
  EXPECT_EQ(error_of_opening(in, sealed_app(other, "reflected")), record_errc::open_failed);
}

TEST(opener, first_failure_is_final) {
  auto out = make_sealer();
  auto in = make_opener();
  const auto good = sealed_app(out, "good");
  auto bad = good;
  bad.back() ^= std::byte{1};
  EXPECT_EQ(error_of_opening(in, bad), record_errc::open_failed);
  EXPECT_FALSE(in.is_open());
  EXPECT_EQ(error_of_opening(in, good), record_errc::closed);
}

TEST(opener, a_refused_frame_holds_no_plaintext) {
  auto out = make_sealer();
  auto in = make_opener();
  const auto secret = pattern(64);
  auto frame = sealed_app(out, secret);
  frame.back() ^= std::byte{1};
  ASSERT_EQ(in.open(frame).error(), record_errc::open_failed);
  EXPECT_EQ(std::search(frame.begin(), frame.end(), secret.begin(), secret.begin() + 8), frame.end());
}

TEST(opener, close_wipes_and_refuses) {
  auto out = make_sealer();
  auto in = make_opener();
  in.close();
  EXPECT_EQ(error_of_opening(in, sealed_app(out, "late")), record_errc::closed);
}

TEST(opener, empty_app_record_is_only_empty) {
  auto in = make_opener();
  auto frame = forged(record_kind::app, 1, "");
  const auto opened = in.open(frame).value();
  EXPECT_EQ(opened.kind, record_kind::app);
  EXPECT_TRUE(opened.plaintext.empty());
  EXPECT_EQ(text_of(in, forged(record_kind::app, 2, "next")), "next");
}

TEST(opener, plaintext_of_a_ping_is_let_through_as_a_ping) {
  auto in = make_opener();
  auto frame = forged(record_kind::ping, 1, "ignored");
  EXPECT_EQ(in.open(frame).value().kind, record_kind::ping);
  EXPECT_EQ(in.expected_sequence(), 2U);
}

TEST(opener, largest_record_holds_at_its_edge_and_one_past) {
  const record_limits limits{.max_record_bytes = 200, .outbound_record_chunk_bytes = 100};
  const std::string fits(200 - overhead_bytes, 'x');
  auto in = make_opener(first_sequence, limits);
  EXPECT_EQ(text_of(in, forged(record_kind::app, 1, fits)), fits);
  EXPECT_EQ(error_of_opening(in, forged(record_kind::app, 2, fits + "x")), record_errc::too_large);
}

TEST(opener, default_largest_plaintext_is_1048542) {
  const std::string largest(1048542, 'x');
  auto in = make_opener();
  EXPECT_EQ(text_of(in, forged(record_kind::app, 1, largest)), largest);
  EXPECT_EQ(error_of_opening(in, forged(record_kind::app, 2, largest + "x")), record_errc::too_large);
}

TEST(opener, authentic_record_with_the_last_sequence_is_refused) {
  auto in = make_opener(exhausted_sequence);
  EXPECT_EQ(error_of_opening(in, forged(record_kind::app, exhausted_sequence, "wrap")), record_errc::exhausted);
  EXPECT_FALSE(in.is_open());
}

TEST(opener, last_sequence_that_does_not_authenticate_is_not_told_apart) {
  auto in = make_opener(exhausted_sequence);
  auto frame = forged(record_kind::app, exhausted_sequence, "wrap");
  frame.back() ^= std::byte{1};
  EXPECT_EQ(error_of_opening(in, frame), record_errc::open_failed);
}

TEST(server_finished, is_an_empty_ping_and_nothing_else) {
  const auto s2c = direction::server_to_client;
  struct row {
    const char* what;
    byte_buffer frame;
    error_code error;
  };
  const row rows[] = {
      {"the empty ping", forged(record_kind::ping, 1, "", s2c), {}},
      {"a ping with content", forged(record_kind::ping, 1, "x", s2c), record_errc::not_server_finished},
      {"an app record", forged(record_kind::app, 1, "x", s2c), record_errc::not_server_finished},
      {"an empty app record", forged(record_kind::app, 1, "", s2c), record_errc::not_server_finished},
      {"a rekey", forged(record_kind::rekey, 1, "", s2c), record_errc::not_server_finished},
      {"a ping with sequence 2", forged(record_kind::ping, 2, "", s2c), record_errc::bad_sequence},
      {"a ping with sequence 0", forged(record_kind::ping, 0, "", s2c), record_errc::bad_sequence},
      {"our own direction", forged(record_kind::ping, 1, ""), record_errc::open_failed},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    auto in = make_opener(first_sequence, {}, s2c);
    auto frame = row.frame;
    const auto opened = in.open_server_finished(frame);
    EXPECT_EQ(opened ? error_code{} : opened.error(), row.error);
    EXPECT_EQ(in.is_open(), !row.error);
  }
}

TEST(server_finished, a_later_ping_does_not_count) {
  auto out = make_sealer();
  auto in = make_opener();
  (void)text_of(in, sealed_ping(out));
  auto frame = sealed_ping(out);
  EXPECT_EQ(in.open_server_finished(frame).error(), record_errc::not_server_finished);
}

TEST(interop_traps, trap_07_server_finished_ping_consumes_s2c_sequence_1) {
  const auto s2c = direction::server_to_client;
  auto server_out = make_sealer(first_sequence, {}, s2c);
  auto client_in = make_opener(first_sequence, {}, s2c);
  auto finished = sealed_ping(server_out);
  EXPECT_TRUE(client_in.open_server_finished(finished));
  EXPECT_EQ(server_out.next_sequence(), 2U);
  EXPECT_EQ(client_in.expected_sequence(), 2U);
  EXPECT_EQ(text_of(client_in, sealed_app(server_out, "first data")), "first data");
}

}  // namespace
}  // namespace flowersec::record::testing
