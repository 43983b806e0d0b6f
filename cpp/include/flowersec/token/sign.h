// Makes FST2 attach tokens.
// Layer token, part `sign`: linked by issuers, never by a tunnel. Source: PROTOCOL, "Attach token" and "Issuing".
#pragma once

#include "flowersec/crypto/sign.h"
#include "flowersec/messages/sensitive_text.h"
#include "flowersec/messages/token_v1.h"
#include "flowersec/token/error.h"

namespace flowersec::token {

/// Checks the payload and signs it. kid and channel_id are written trimmed, the rest as given; an empty issuer is left
/// out. The same payload and key always give the same token.
/// Errors   bad_kid, bad_audience, bad_issuer, bad_channel_id, bad_role, bad_token_id, bad_time, exp_after_init,
///          iat_after_exp, bad_idle_timeout. Nothing is signed then.
[[nodiscard]] result<messages::sensitive_text> sign_token(messages::token::v1::token_payload payload,
                                                          const crypto::ed25519_signing_key& key);

}  // namespace flowersec::token
