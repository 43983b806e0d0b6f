#include "flowersec/token/verify.h"

#include <algorithm>

#include "flowersec/base/base64url.h"
#include "flowersec/base/text.h"
#include "flowersec/crypto/secret.h"

namespace flowersec::token {
namespace {

using messages::token::v1::token_payload;

struct token_parts {
  std::string_view payload;
  std::string_view signature;
  std::string_view signed_part;
};

std::optional<token_parts> split(std::string_view text) noexcept {
  const auto first = text.find('.');
  if (first == std::string_view::npos || text.substr(0, first) != token_prefix) return std::nullopt;
  const auto second = text.find('.', first + 1);
  if (second == std::string_view::npos || text.find('.', second + 1) != std::string_view::npos) return std::nullopt;
  return token_parts{text.substr(first + 1, second - first - 1), text.substr(second + 1), text.substr(0, second)};
}

/// Shape of the fields, before any key is looked at.
error_code check_fields(const token_payload& payload) {
  if (is_blank(payload.kid)) return token_errc::bad_kid;
  const auto channel_id = trim(payload.channel_id);
  if (channel_id.empty() || channel_id.size() > messages::tunnel::v1::max_channel_id_bytes) {
    return token_errc::bad_channel_id;
  }
  if (payload.role != static_cast<std::uint8_t>(role::client) &&
      payload.role != static_cast<std::uint8_t>(role::server)) {
    return token_errc::bad_role;
  }
  if (is_blank(payload.token_id)) return token_errc::bad_token_id;
  if (payload.idle_timeout_seconds <= 0) return token_errc::bad_idle_timeout;
  return {};
}

/// Stands in for a key that is not there: RFC 8032, 7.1, test 1. A point of full order, so that checking under it costs
/// what checking under a real key costs. Anybody can sign with it, hence what it says counts for nothing.
constexpr crypto::ed25519_public_key stand_in_key = [] {
  constexpr std::string_view hex = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
  constexpr std::string_view digits = "0123456789abcdef";
  crypto::ed25519_public_key key{};
  for (std::size_t i = 0; i < key.size(); ++i) {
    key[i] = static_cast<std::byte>(digits.find(hex[2 * i]) << 4 | digits.find(hex[2 * i + 1]));
  }
  return key;
}();

/// One path for known and unknown key ids: the time of a refusal must not tell which ids exist.
error_code check_signature(const unverified_token& token, const keyset& keys) {
  const auto* const known = keys.find(trim(token.payload.kid));
  const auto& key = known != nullptr ? *known : stand_in_key;
  const bool verifies = crypto::ed25519_verify(as_bytes(token.signed_part), token.signature, key);
  if (known == nullptr) return token_errc::unknown_kid;
  return verifies ? error_code{} : token_errc::bad_signature;
}

error_code check_scope(const token_payload& payload, const verifier_options& options) {
  if (!crypto::constant_time_equal(as_bytes(payload.aud), as_bytes(options.audience)))
    return token_errc::wrong_audience;
  if (options.issuer && !crypto::constant_time_equal(as_bytes(payload.iss.value_or("")), as_bytes(*options.issuer))) {
    return token_errc::wrong_issuer;
  }
  return {};
}

/// A whole second t is at most x exactly when it is at most floor(x), and at least x when it is at least ceil(x). So
/// the fraction of `now` counts without leaving whole numbers.
std::int64_t floor_seconds(wall_time time) noexcept { return count(to_unix_seconds(time)); }
std::int64_t ceil_seconds(wall_time time) noexcept {
  return std::chrono::ceil<std::chrono::seconds>(time).time_since_epoch().count();
}

error_code check_times(const token_payload& payload, std::chrono::nanoseconds clock_skew, wall_time now) {
  const auto skew = flowersec::ceil_seconds(clock_skew);
  if (payload.exp > payload.init_exp) return token_errc::exp_after_init;
  if (payload.iat > payload.exp) return token_errc::iat_after_exp;
  if (payload.iat > floor_seconds(now) + skew) return token_errc::issued_in_future;
  if (payload.init_exp < ceil_seconds(now) - skew) return token_errc::init_expired;
  if (payload.exp < ceil_seconds(now) - skew) return token_errc::expired;
  return {};
}

verified_token to_verified(const token_payload& payload) {
  return {.kid = std::string{trim(payload.kid)},
          .aud = std::string{trim(payload.aud)},
          .iss = std::string{trim(payload.iss.value_or(""))},
          .channel_id = std::string{trim(payload.channel_id)},
          .role = static_cast<role>(payload.role),
          .token_id = std::string{trim(payload.token_id)},
          .init_exp = unix_seconds{payload.init_exp},
          .idle_timeout = std::chrono::seconds{payload.idle_timeout_seconds},
          .iat = unix_seconds{payload.iat},
          .exp = unix_seconds{payload.exp}};
}

}  // namespace

result<unverified_token> parse_token(std::string_view text) {
  const auto parts = split(text);
  if (!parts) return token_errc::malformed;
  const auto payload_bytes = decode_base64url(parts->payload);
  if (!payload_bytes) return token_errc::bad_base64url;
  auto signature = decode_base64url(parts->signature);
  if (!signature) return token_errc::bad_base64url;
  auto payload = messages::token::v1::decode_token_payload(as_text(*payload_bytes));
  if (!payload) return token_errc::bad_json;
  return unverified_token{std::move(*payload), parts->signed_part, std::move(*signature)};
}

error_code verifier_options::validate() const {
  const bool sound = !audience.empty() && (!issuer || !issuer->empty()) && clock_skew.count() >= 0;
  return sound ? error_code{} : error_code{token_errc::bad_options};
}

result<verified_token> verify_token(const unverified_token& token, const keyset& keys, const verifier_options& options,
                                    wall_time now) {
  if (const auto failure = options.validate()) return failure;
  if (const auto failure = check_fields(token.payload)) return failure;
  if (const auto failure = check_signature(token, keys)) return failure;
  if (const auto failure = check_scope(token.payload, options)) return failure;
  if (const auto failure = check_times(token.payload, options.clock_skew, now)) return failure;
  return to_verified(token.payload);
}

result<verified_token> verify_token(std::string_view text, const keyset& keys, const verifier_options& options,
                                    wall_time now) {
  const auto token = parse_token(text);
  if (!token) return token.error();
  return verify_token(*token, keys, options, now);
}

error_code server_bounds::validate() const {
  for (const auto bound : {max_token_lifetime, max_init_horizon, clock_skew}) {
    if (bound.count() < 0 || bound > longest) return token_errc::bad_options;
  }
  return {};
}

error_code check_server_bounds(const verified_token& token, const server_bounds& bounds, wall_time now) {
  const auto at_most_longest = [](std::chrono::nanoseconds bound) {
    return std::min<std::chrono::nanoseconds>(bound, server_bounds::longest);
  };
  const auto lifetime = std::chrono::floor<std::chrono::seconds>(at_most_longest(bounds.max_token_lifetime)).count();
  if (count(token.exp) - count(token.iat) > lifetime) return token_errc::lifetime_too_long;
  const auto horizon = std::chrono::duration_cast<wall_time::duration>(at_most_longest(bounds.max_init_horizon));
  const auto latest = floor_seconds(now + horizon) + flowersec::ceil_seconds(bounds.clock_skew);
  if (count(token.init_exp) > latest) return token_errc::init_too_far;
  return {};
}

bool equal_signed_part(std::string_view a, std::string_view b) noexcept {
  const auto first = split(a);
  const auto second = split(b);
  return first && second && first->signed_part == second->signed_part;
}

}  // namespace flowersec::token
