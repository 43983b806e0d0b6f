// A known direction of a session, sealed and opened in one process.
#pragma once

#include <gtest/gtest.h>

#include <numeric>
#include <string_view>

#include "flowersec/record/opener.h"
#include "flowersec/record/sealer.h"
#include "support/literals.h"

namespace flowersec::record::testing {

using flowersec::testing::b64u;
using flowersec::testing::b64u_array;
using flowersec::testing::hex;

/// The keys that the P-256 handshake vector of PROTOCOL, "Test values", ends with.
inline direction_keys vector_keys(direction way) {
  const bool c2s = way == direction::client_to_server;
  return {.way = way,
          .key = secret_key{b64u_array<32>(c2s ? "N43tNz4ZKHJ-i_YnEyOS8wopsLzewOGdG9tWlmdDnXo"
                                               : "yhI4fiB4UKjSNeQz2FEwhuvfmI7MH0N0rlQS_GQ4vYY")},
          .prefix = b64u_array<4>(c2s ? "05-spg" : "8sVFVw"),
          .rekey_base = secret_key{b64u_array<32>("KGeve3v5gkAKdvJBHiivxEhOlS0BkTrhQn9Dyl6XfCA")},
          .transcript_hash = b64u_array<32>("aXiRFjnPfSDPD7Va-o_-tln9w9RLbmx5qZGtqTQZpWk")};
}

inline sealer make_sealer(std::uint64_t next = first_sequence, const record_limits& limits = {},
                          direction way = direction::client_to_server) {
  return sealer{vector_keys(way), limits, next};
}

inline opener make_opener(std::uint64_t expected = first_sequence, const record_limits& limits = {},
                          direction way = direction::client_to_server) {
  return opener{vector_keys(way), limits, expected};
}

inline byte_buffer sealed_app(sealer& from, byte_view plaintext) {
  byte_buffer frame(sealed_bytes(plaintext.size()));
  EXPECT_EQ(from.seal_app(plaintext, frame).value(), frame.size());
  return frame;
}
inline byte_buffer sealed_app(sealer& from, std::string_view text) { return sealed_app(from, as_bytes(text)); }

inline byte_buffer sealed_ping(sealer& from) {
  byte_buffer frame(overhead_bytes);
  EXPECT_EQ(from.seal_ping(frame).value(), frame.size());
  return frame;
}

inline byte_buffer sealed_rekey(sealer& from) {
  byte_buffer frame(overhead_bytes);
  EXPECT_EQ(from.seal_rekey(frame).value(), frame.size());
  return frame;
}

/// Any kind with any plaintext, as only a peer that breaks the rules would seal it.
inline byte_buffer forged(record_kind kind, std::uint64_t sequence, std::string_view plaintext,
                          direction way = direction::client_to_server) {
  const auto keys = vector_keys(way);
  byte_buffer frame(sealed_bytes(plaintext.size()));
  const auto header = std::span{frame}.first<header_bytes>();
  encode_header({kind, sequence, static_cast<std::uint32_t>(plaintext.size() + tag_bytes)}, header);
  std::array<std::byte, 12> nonce{};
  std::copy(keys.prefix.begin(), keys.prefix.end(), nonce.begin());
  store_be(nonce.data() + 4, sequence);
  crypto::aes_256_gcm_sealer cipher{keys.key.view()};
  EXPECT_TRUE(cipher.seal(nonce, header, as_bytes(plaintext), std::span{frame}.subspan(header_bytes, plaintext.size()),
                          std::span{frame}.last<tag_bytes>()));
  return frame;
}

/// Opens a copy of exactly the frame's size, so that the sanitizer sees a read one byte past its end.
inline error_code error_of_opening(opener& by, byte_view frame) {
  auto copy = to_buffer(frame);
  copy.shrink_to_fit();
  const auto opened = by.open(copy);
  return opened ? error_code{} : opened.error();
}

inline std::string text_of(opener& by, byte_buffer frame) {
  const auto opened = by.open(frame);
  if (!opened) return "error: " + opened.error().message();
  return std::string{as_text(opened->plaintext)};
}

inline byte_buffer pattern(std::size_t size) {
  byte_buffer bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 31 + i / 256);
  return bytes;
}

}  // namespace flowersec::record::testing
