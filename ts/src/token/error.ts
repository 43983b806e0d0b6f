// Why a token was refused.
// Layer token.

/** What a TokenError says. Source: PROTOCOL, "Attach token". */
export type TokenErrorCode =
  | "invalid_format" | "invalid_base64url" | "invalid_json" | "unknown_kid" | "invalid_signature" | "invalid_audience"
  | "invalid_issuer" | "invalid_idle_timeout" | "exp_after_init" | "invalid_clock_skew" | "invalid_time" | "iat_in_future"
  | "init_expired" | "expired" | "invalid_signing_key";

/** A token, or what should become one, breaks a rule; `code` says which. */
export class TokenError extends Error {
  override readonly name = "TokenError";
  constructor(
    readonly code: TokenErrorCode,
    options?: ErrorOptions,
  ) {
    super(`token: ${code}`, options);
  }
}
