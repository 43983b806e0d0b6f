// The record values of PROTOCOL, "Test values", computed by independent implementations; embedded, and
// those of testdata/record, which TypeScript computes as well.
#include "fixture.h"
#include "support/testdata.h"

namespace flowersec::record::testing {
namespace {

using flowersec::testing::text_at;

struct record_vector {
  std::string key, prefix, plaintext, frame;
  std::uint64_t sequence;
};

record_vector embedded_app_hello() {
  return {.key = "oKGio6SlpqeoqaqrrK2ur7CxsrO0tba3uLm6u7y9vr8",
          .prefix = "AQIDBA",
          .plaintext = "hello",
          .frame = "RlNFQwEAAAAAAAAAAAEAAAAVTGA-meXg75teyc41IjS-NQtAs-hd",
          .sequence = 1};
}

direction_keys keys_of(const record_vector& vector) {
  return {.way = direction::client_to_server,
          .key = secret_key{b64u_array<32>(vector.key)},
          .prefix = b64u_array<4>(vector.prefix),
          .rekey_base = {},
          .transcript_hash = {}};
}

void check(const record_vector& vector) {
  const auto expected = b64u(vector.frame);
  sealer out{keys_of(vector), {}, vector.sequence};
  EXPECT_EQ(sealed_app(out, vector.plaintext), expected);

  opener in{keys_of(vector), {}, vector.sequence};
  EXPECT_EQ(text_of(in, expected), vector.plaintext);

  for (std::size_t i = 0; i < header_bytes; ++i) {
    SCOPED_TRACE(i);
    auto changed = expected;
    changed[i] ^= std::byte{1};
    opener fresh{keys_of(vector), {}, vector.sequence};
    EXPECT_TRUE(error_of_opening(fresh, changed));
  }
}

TEST(record_vectors, record_app_hello) { check(embedded_app_hello()); }

TEST(record_vectors, shared_values_hold) {
  const auto file = flowersec::testing::testdata("record/vectors.json");
  int frames = 0;
  for (const auto& one : file.at("record_frame").as_array()) {
    const auto& inputs = one.at("inputs");
    // The one with a flag is the ping of the next test.
    if (inputs.at("flags").as_int64() != 0) continue;
    ++frames;
    check({.key = text_at(inputs, "key_b64u"),
           .prefix = text_at(inputs, "nonce_prefix_b64u"),
           .plaintext = text_at(inputs, "plaintext_utf8"),
           .frame = text_at(one.at("expected"), "frame_b64u"),
           .sequence = static_cast<std::uint64_t>(inputs.at("seq").as_int64())});
  }
  EXPECT_GT(frames, 0);
}

TEST(record_vectors, server_finished_ping_of_the_p256_handshake) {
  auto out = make_sealer(first_sequence, {}, direction::server_to_client);
  EXPECT_EQ(sealed_ping(out), hex("465345430101000000000000000100000010b2c9d5a71d302b4da8d94eacdbafb536"));
}

TEST(record_vectors, rekey_keys_of_the_p256_handshake) {
  EXPECT_EQ(derive_next_key(vector_keys(direction::client_to_server), 5),
            secret_key{b64u_array<32>("XTbrAfbuUE9ehnKXfmILJIUCLAym_9tdO50QFHPTG5U")});
  EXPECT_EQ(derive_next_key(vector_keys(direction::server_to_client), 5),
            secret_key{b64u_array<32>("O48qrE6IRVXdo7fN33qBXn405UyiBC-mwpur0IQNFFk")});
}

}  // namespace
}  // namespace flowersec::record::testing
