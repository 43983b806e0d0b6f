// What a token says, and the rules that hold for it before any key is looked at.
// Layer token. Source: PROTOCOL, "Attach token".

import { maxChannelIdBytes, trimmed, utf8 } from "../base/index.js";
import type { TokenPayload as WirePayload } from "../gen/flowersec/token/v1.gen.js";
import { TokenError } from "./error.js";

/** First part of every token. */
export const TOKEN_PREFIX = "FST2";

/** Times are Unix seconds. `role` is 1 for the client, 2 for the server; `iss` is absent when it is empty. */
export interface TokenPayload extends Omit<WirePayload, "iss"> {
  iss?: string;
}

/** Bytes of an Ed25519 seed, and of a public key. */
export const keyBytes = 32;

/**
 * The rules of each field, texts judged without the white space around them. Throws TokenError: invalid_format for a blank
 * key id or token id, a channel id that is not 1 to 256 bytes, an unknown role, or numbers that are none;
 * invalid_idle_timeout.
 */
export function checkFields(payload: WirePayload): void {
  const { role, init_exp, idle_timeout_seconds, iat, exp } = payload;
  const channel_id = trimmed(payload.channel_id);
  const whole = [init_exp, idle_timeout_seconds, iat, exp].every(Number.isSafeInteger);
  if (trimmed(payload.kid) === "" || trimmed(payload.token_id) === "") throw new TokenError("invalid_format");
  if (channel_id === "" || utf8(channel_id).length > maxChannelIdBytes) throw new TokenError("invalid_format");
  if ((role !== 1 && role !== 2) || !whole) throw new TokenError("invalid_format");
  if (idle_timeout_seconds <= 0) throw new TokenError("invalid_idle_timeout");
}

/** The order of the times. Throws TokenError exp_after_init, and invalid_format for a token that expires before it is issued. */
export function checkOrder({ init_exp, iat, exp }: WirePayload): void {
  if (exp > init_exp) throw new TokenError("exp_after_init");
  if (iat > exp) throw new TokenError("invalid_format");
}

/** With its texts trimmed, and without an issuer that is blank. */
export function trimmedPayload({ kid, aud, iss, channel_id, role, token_id, init_exp, idle_timeout_seconds, iat, exp }: WirePayload): TokenPayload {
  const issuer = trimmed(iss);
  return {
    kid: trimmed(kid), aud: trimmed(aud), ...(issuer === "" ? {} : { iss: issuer }), channel_id: trimmed(channel_id), role, token_id: trimmed(token_id),
    init_exp, idle_timeout_seconds, iat, exp,
  };
}
