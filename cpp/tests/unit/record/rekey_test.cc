// Changing keys: per direction, at any time, never chained.
#include "fixture.h"

namespace flowersec::record::testing {
namespace {

/// Opens one record with a bare cipher, to see which key sealed it.
bool opens_with(const secret_key& key, const direction_keys& keys, std::uint64_t sequence, byte_buffer frame) {
  std::array<std::byte, 12> nonce;
  std::copy(keys.prefix.begin(), keys.prefix.end(), nonce.begin());
  store_be(nonce.data() + 4, sequence);
  crypto::aes_256_gcm_opener cipher{key.view()};
  const auto whole = std::span{frame};
  return cipher.open(nonce, whole.first(header_bytes), whole.subspan(header_bytes, whole.size() - overhead_bytes),
                     whole.last<tag_bytes>());
}

TEST(rekey, any_pattern_of_rekeys_and_data_stays_in_step) {
  for (unsigned mask = 0; mask < 64; ++mask) {
    SCOPED_TRACE(mask);
    auto out = make_sealer();
    auto in = make_opener();
    for (unsigned step = 0; step < 6; ++step) {
      if ((mask >> step & 1U) != 0) {
        auto frame = sealed_rekey(out);
        EXPECT_EQ(in.open(frame).value().kind, record_kind::rekey);
      } else {
        EXPECT_EQ(text_of(in, sealed_app(out, "data")), "data");
      }
    }
  }
}

TEST(rekey, directions_are_independent) {
  for (const auto way : {direction::client_to_server, direction::server_to_client}) {
    const auto back = way == direction::client_to_server ? direction::server_to_client : direction::client_to_server;
    auto out = make_sealer(first_sequence, {}, way);
    auto in = make_opener(first_sequence, {}, way);
    auto other_out = make_sealer(first_sequence, {}, back);
    auto other_in = make_opener(first_sequence, {}, back);
    EXPECT_EQ(text_of(in, sealed_rekey(out)), "");
    EXPECT_EQ(text_of(in, sealed_app(out, "new key")), "new key");
    EXPECT_EQ(text_of(other_in, sealed_app(other_out, "old key")), "old key");
  }
}

TEST(rekey, records_sealed_before_keep_the_old_key) {
  auto out = make_sealer();
  auto in = make_opener();
  const auto queued = sealed_app(out, "queued");
  const auto rekey = sealed_rekey(out);
  const auto after = sealed_app(out, "after");
  EXPECT_EQ(text_of(in, queued), "queued");
  EXPECT_EQ(text_of(in, rekey), "");
  EXPECT_EQ(text_of(in, after), "after");
}

TEST(rekey, a_receiver_that_missed_it_cannot_open_what_follows) {
  auto out = make_sealer();
  (void)sealed_rekey(out);
  const auto after = sealed_app(out, "after");
  auto in = make_opener(2);  // believes sequence 1 was something else
  EXPECT_EQ(error_of_opening(in, after), record_errc::open_failed);
}

TEST(rekey, a_rekey_that_does_not_authenticate_changes_nothing_but_the_end) {
  auto out = make_sealer();
  auto in = make_opener();
  auto rekey = sealed_rekey(out);
  rekey.back() ^= std::byte{1};
  EXPECT_EQ(error_of_opening(in, rekey), record_errc::open_failed);
  EXPECT_EQ(error_of_opening(in, sealed_app(out, "after")), record_errc::closed);
}

TEST(rekey, key_depends_on_sequence_and_direction_and_transcript) {
  const auto c2s = vector_keys(direction::client_to_server);
  auto other_transcript = vector_keys(direction::client_to_server);
  other_transcript.transcript_hash[0] ^= std::byte{1};
  EXPECT_FALSE(derive_next_key(c2s, 5) == derive_next_key(c2s, 6));
  EXPECT_FALSE(derive_next_key(c2s, 5) == derive_next_key(vector_keys(direction::server_to_client), 5));
  EXPECT_FALSE(derive_next_key(c2s, 5) == derive_next_key(other_transcript, 5));
}

TEST(rekey, last_sequence_number_may_be_a_rekey) {
  auto out = make_sealer(exhausted_sequence - 1);
  auto in = make_opener(exhausted_sequence - 1);
  EXPECT_EQ(text_of(in, sealed_rekey(out)), "");
  byte_buffer frame(100);
  EXPECT_EQ(out.seal_app(as_bytes("x"), frame).error(), record_errc::exhausted);
}

TEST(interop_traps, trap_08_rekey_record_uses_the_old_key_and_keys_come_from_the_base) {
  const auto keys = vector_keys(direction::client_to_server);
  auto out = make_sealer(5);
  const auto rekey_5 = sealed_rekey(out);
  const auto rekey_6 = sealed_rekey(out);
  const auto data_7 = sealed_app(out, "data");

  const secret_key after_5{b64u_array<32>("XTbrAfbuUE9ehnKXfmILJIUCLAym_9tdO50QFHPTG5U")};
  EXPECT_TRUE(opens_with(keys.key, keys, 5, rekey_5)) << "the rekey record itself: the old key";
  EXPECT_TRUE(opens_with(after_5, keys, 6, rekey_6)) << "the next sequence number: the new key";
  EXPECT_FALSE(opens_with(keys.key, keys, 6, rekey_6));
  EXPECT_TRUE(opens_with(derive_next_key(keys, 6), keys, 7, data_7))
      << "derived from the base, not from the key before";
}

}  // namespace
}  // namespace flowersec::record::testing
