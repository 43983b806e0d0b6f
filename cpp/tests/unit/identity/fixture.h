// Keys and bytes for tests of the identity layer.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "flowersec/base/base64url.h"
#include "flowersec/identity/identity.h"
#include "support/random_sources.h"
#include "support/testdata.h"

namespace flowersec::identity::testing {

using flowersec::testing::seeded_random;
using flowersec::testing::testdata;
using flowersec::testing::text_at;

/// The keys of Set A of the original's texts. They are public.
inline constexpr std::string_view client_private = "eHkjk5vg6qo6BynuTPTnnSHtFlR8hX8gvuzWvyAiztk";
inline constexpr std::string_view client_public = "u3I5RMw41QpBtvUcogAZc_N5h3YCTHVWIJV-wlNXgFU";
inline constexpr std::string_view server_private = "kpfW8bQ24Ez8s2ABsLRvPEy_30G-IvqOQ2Y6kRHpjXg";
inline constexpr std::string_view server_public = "KOiZFcEslzcVp65XDvZD0Kia7VMFGgtBDq7QFKqDhEE";

inline byte_buffer b64u(std::string_view text) { return decode_base64url(text).value(); }
inline byte_buffer b64u_at(const boost::json::value& row, std::string_view name) { return b64u(text_at(row, name)); }
inline public_key key_of(std::string_view text) { return public_key::parse(text).value(); }
inline public_key key_at(const boost::json::value& row, std::string_view name) { return key_of(text_at(row, name)); }
inline identity identity_of(std::string_view private_key) { return identity::from_private(b64u(private_key)).value(); }
inline identity identity_at(const boost::json::value& row, std::string_view name) {
  return identity_of(text_at(row, name));
}
inline std::shared_ptr<identity> shared_of(std::string_view private_key) {
  return std::make_shared<identity>(identity_of(private_key));
}

/// The code of the shared tables for an error of this layer.
inline identity_errc errc_named(std::string_view name) {
  static constexpr std::pair<std::string_view, identity_errc> names[] = {
      {"bad_length", identity_errc::bad_length},
      {"padded", identity_errc::padded},
      {"standard_alphabet", identity_errc::standard_alphabet},
      {"bad_character", identity_errc::bad_character},
      {"unused_bits", identity_errc::unused_bits},
      {"top_bit", identity_errc::top_bit},
      {"not_reduced", identity_errc::not_reduced},
      {"small_order", identity_errc::small_order},
      {"bad_address", identity_errc::bad_address},
      {"bad_file", identity_errc::bad_file},
      {"bad_passphrase", identity_errc::bad_passphrase},
      {"passphrase_needed", identity_errc::passphrase_needed},
      {"wrong_passphrase", identity_errc::wrong_passphrase},
      {"not_sealed", identity_errc::not_sealed},
  };
  const auto found = std::ranges::find(names, name, &std::pair<std::string_view, identity_errc>::first);
  if (found == std::end(names)) throw std::runtime_error("no error is named " + std::string{name});
  return found->second;
}

}  // namespace flowersec::identity::testing
