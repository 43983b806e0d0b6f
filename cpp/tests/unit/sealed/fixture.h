// Keys and bytes for tests of the sealed layer.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include "flowersec/base/base64url.h"
#include "flowersec/sealed/box.h"
#include "support/random_sources.h"
#include "support/testdata.h"

namespace flowersec::sealed::testing {

using flowersec::testing::seeded_random;
using flowersec::testing::testdata;
using flowersec::testing::text_at;

inline byte_buffer b64u_at(const boost::json::value& row, std::string_view name) {
  return decode_base64url(text_at(row, name)).value();
}

inline key_pair pair_of(byte_view private_key) { return key_pair::from_private(private_key.first<key_bytes>()); }

inline crypto::psk psk_of(byte_view bytes) {
  return crypto::psk{crypto::secret_bytes<crypto::psk::size>{bytes.first<crypto::psk::size>()}};
}

/// Gives the same 32 bytes to whoever asks.
class fixed_random final : public random_source {
 public:
  explicit fixed_random(byte_buffer bytes) : bytes_(std::move(bytes)) {}
  [[nodiscard]] bool fill(mutable_byte_view into) noexcept override {
    std::copy_n(bytes_.begin(), std::min(bytes_.size(), into.size()), into.begin());
    return into.size() == bytes_.size();
  }

 private:
  byte_buffer bytes_;
};

}  // namespace flowersec::sealed::testing
