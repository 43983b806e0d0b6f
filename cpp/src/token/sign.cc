#include "flowersec/token/sign.h"

#include <optional>

#include "flowersec/base/base64url.h"
#include "flowersec/base/json.h"
#include "flowersec/base/text.h"
#include "flowersec/messages/tunnel_v1.h"
#include "flowersec/token/verify.h"

namespace flowersec::token {
namespace {

using messages::token::v1::token_payload;

bool is_usable_text(std::string_view text) noexcept { return !is_blank(text) && is_valid_utf8(text); }
bool is_usable_time(std::int64_t time) noexcept { return time > 0 && time <= json_max_safe_integer; }

error_code check_payload(const token_payload& payload) {
  if (!is_usable_text(payload.kid)) return token_errc::bad_kid;
  if (!is_usable_text(payload.aud)) return token_errc::bad_audience;
  if (payload.iss && !is_valid_utf8(*payload.iss)) return token_errc::bad_issuer;
  if (!is_usable_text(payload.channel_id) || payload.channel_id.size() > messages::tunnel::v1::max_channel_id_bytes) {
    return token_errc::bad_channel_id;
  }
  if (payload.role != static_cast<std::uint8_t>(role::client) &&
      payload.role != static_cast<std::uint8_t>(role::server)) {
    return token_errc::bad_role;
  }
  if (!is_usable_text(payload.token_id)) return token_errc::bad_token_id;
  for (const auto time : {payload.init_exp, payload.iat, payload.exp}) {
    if (!is_usable_time(time)) return token_errc::bad_time;
  }
  if (payload.exp > payload.init_exp) return token_errc::exp_after_init;
  if (payload.iat > payload.exp) return token_errc::iat_after_exp;
  if (payload.idle_timeout_seconds <= 0) return token_errc::bad_idle_timeout;
  return {};
}

}  // namespace

result<messages::sensitive_text> sign_token(token_payload payload, const crypto::ed25519_signing_key& key) {
  payload.kid = std::string{trim(payload.kid)};
  payload.channel_id = std::string{trim(payload.channel_id)};
  if (const auto failure = check_payload(payload)) return failure;

  auto text = std::string{token_prefix} + '.' + encode_base64url(as_bytes(encode(payload)));
  const auto signature = key.sign(as_bytes(text));
  text += '.';
  text += encode_base64url(signature);
  return messages::sensitive_text{std::move(text)};
}

}  // namespace flowersec::token
