// Verifies FST2 attach tokens, told the time and the keys.
// Layer token, part `verify`: all that a tunnel links of this layer. Remembers nothing; single use is the replay
// store's business. Source: PROTOCOL, "Token verification".
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "flowersec/base/clock.h"
#include "flowersec/messages/token_v1.h"
#include "flowersec/messages/tunnel_v1.h"
#include "flowersec/token/error.h"
#include "flowersec/token/keyset.h"

namespace flowersec::token {

using messages::tunnel::v1::role;

inline constexpr std::string_view token_prefix = "FST2";

/// A token taken apart, with nothing about it believed yet.
struct unverified_token {
  messages::token::v1::token_payload payload;
  std::string_view signed_part;  ///< prefix, dot and payload exactly as received; a view into the parsed text
  byte_buffer signature;         ///< of any length
};

/// Takes the text apart: three parts, base64url of payload then signature, payload as JSON.
/// Errors   malformed, bad_base64url, bad_json.
/// Memory   in proportion to `text`, whose length the caller has bounded.
[[nodiscard]] result<unverified_token> parse_token(std::string_view text);

/// A token whose every check passed. Texts are trimmed.
struct verified_token {
  std::string kid;
  std::string aud;
  std::string iss;  ///< empty when the token names no issuer, which only a verifier without one accepts
  std::string channel_id;
  token::role role{};
  std::string token_id;
  unix_seconds init_exp{};
  std::chrono::seconds idle_timeout{};
  unix_seconds iat{};
  unix_seconds exp{};
};

struct verifier_options {
  std::string audience;               ///< compared byte for byte; not empty
  std::optional<std::string> issuer;  ///< compared byte for byte; nullopt accepts any issuer and none
  /// How far clocks may differ; rounded up to whole seconds. Not negative.
  std::chrono::nanoseconds clock_skew = std::chrono::seconds{30};

  /// Errors   bad_options.
  [[nodiscard]] error_code validate() const;
};

/// Checks a parsed token in the protocol's order; the first failure is the result.
/// `now` keeps its fraction of a second: a token of second t is still in time at t + skew sharp, and late after that.
/// An unknown key id costs one signature check, as a bad signature does.
/// Errors   bad_kid to expired, in the order of token_errc; bad_options.
[[nodiscard]] result<verified_token> verify_token(const unverified_token& token, const keyset& keys,
                                                  const verifier_options& options, wall_time now);

/// Both steps on a text.
[[nodiscard]] result<verified_token> verify_token(std::string_view text, const keyset& keys,
                                                  const verifier_options& options, wall_time now);

/// What a server demands of tokens on its own account, whatever their issuer signed.
struct server_bounds {
  /// Longest exp - iat; rounded down to whole seconds. A longer one lets a stolen token live as long.
  std::chrono::nanoseconds max_token_lifetime = std::chrono::seconds{120};
  /// How far ahead of now (plus skew) an init window may end. A longer one lets waiting channels and replay entries
  /// live as long.
  std::chrono::nanoseconds max_init_horizon = std::chrono::seconds{120};
  std::chrono::nanoseconds clock_skew = std::chrono::seconds{30};

  /// No bound may be longer: sums with the time of day must stay within 64 bits of nanoseconds.
  static constexpr std::chrono::hours longest{24 * 365 * 10};

  /// Errors   bad_options for anything negative or above `longest`.
  [[nodiscard]] error_code validate() const;
};

/// To be checked right after verify_token. No error when within the bounds; one above `longest` counts as that.
/// Errors   lifetime_too_long, init_too_far.
[[nodiscard]] error_code check_server_bounds(const verified_token& token, const server_bounds& bounds, wall_time now);

/// Whether two tokens are the same but for their signatures.
[[nodiscard]] bool equal_signed_part(std::string_view a, std::string_view b) noexcept;

}  // namespace flowersec::token
