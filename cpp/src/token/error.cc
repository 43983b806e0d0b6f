#include "flowersec/token/error.h"

namespace flowersec::token {

const char* describe(token_errc code) noexcept {
  switch (code) {
    case token_errc::malformed:
      return "the token is not FST2 with three parts";
    case token_errc::bad_base64url:
      return "a part of the token is not base64url";
    case token_errc::bad_json:
      return "the token's payload is not the expected JSON object";
    case token_errc::bad_kid:
      return "the key id is blank";
    case token_errc::bad_channel_id:
      return "the channel id is not 1 to 256 bytes";
    case token_errc::bad_role:
      return "the role is neither client nor server";
    case token_errc::bad_token_id:
      return "the token id is blank";
    case token_errc::bad_idle_timeout:
      return "the idle time-out is not above 0";
    case token_errc::unknown_kid:
      return "no key of the token's key id";
    case token_errc::bad_signature:
      return "the token's signature does not verify";
    case token_errc::wrong_audience:
      return "the token is for another audience";
    case token_errc::wrong_issuer:
      return "the token is from another issuer";
    case token_errc::exp_after_init:
      return "the token expires after its init window";
    case token_errc::iat_after_exp:
      return "the token was issued after its expiry";
    case token_errc::issued_in_future:
      return "the token was issued in the future";
    case token_errc::init_expired:
      return "the token's init window is over";
    case token_errc::expired:
      return "the token has expired";
    case token_errc::lifetime_too_long:
      return "the token lives longer than the server allows";
    case token_errc::init_too_far:
      return "the token's init window ends later than the server allows";
    case token_errc::bad_audience:
      return "the audience is blank";
    case token_errc::bad_issuer:
      return "the issuer is not valid text";
    case token_errc::bad_time:
      return "a time is not above 0 or too large";
    case token_errc::bad_keyset:
      return "the keyset is not valid";
    case token_errc::bad_options:
      return "the verifier's options are not valid";
  }
  return "unknown token error";
}

error_code make_error_code(token_errc code) noexcept {
  static constexpr errc_category<token_errc> category{"flowersec.token"};
  return {static_cast<int>(code), category};
}

}  // namespace flowersec::token
