// Signing attach tokens. Reached from controlplane only: an endpoint never signs.
// Layer token. Source: PROTOCOL, "Attach token".

import { encodeBase64url, utf8 } from "../base/index.js";
import { ed25519Sign } from "../crypto/noble/ed25519.js";
import { assertTokenPayload, encodeTokenPayload } from "../gen/flowersec/token/v1.gen.js";
import { TokenError } from "./error.js";
import { checkFields, checkOrder, keyBytes, TOKEN_PREFIX, trimmedPayload, type TokenPayload } from "./payload.js";

/**
 * The token of this payload, its texts trimmed, without an issuer that is blank. `seed` is the 32-byte Ed25519 seed. Throws
 * TokenError invalid_signing_key, invalid_format (also for a blank audience and times that are not positive), invalid_idle_timeout, exp_after_init.
 */
export function signToken(seed: Uint8Array, payload: TokenPayload): string {
  if (seed.length !== keyBytes) throw new TokenError("invalid_signing_key");
  try {
    assertTokenPayload(payload);
  } catch (cause) {
    throw new TokenError("invalid_format", { cause });
  }
  checkFields(payload);
  checkOrder(payload);
  const written = trimmedPayload(payload);
  const { aud, init_exp, iat, exp } = written;
  if (aud === "" || init_exp <= 0 || iat <= 0 || exp <= 0) throw new TokenError("invalid_format");
  const text = encodeTokenPayload(written);
  const signed = `${TOKEN_PREFIX}.${encodeBase64url(utf8(text))}`;
  return `${signed}.${encodeBase64url(ed25519Sign(seed, utf8(signed)))}`;
}
