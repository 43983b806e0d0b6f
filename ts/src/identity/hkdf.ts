// HKDF-SHA256 with one block of output.
// Layer identity, not exported. Source: RFC 5869.

import { concat, wipe } from "../base/index.js";
import { defaultCrypto } from "../crypto/index.js";

/** 32 bytes. The salt is not empty. The input keying material is the parts joined. */
export async function hkdf32(salt: Uint8Array, ikm: readonly Uint8Array[], info: Uint8Array): Promise<Uint8Array> {
  const crypto = await defaultCrypto();
  const prk = await crypto.hmac(salt, ...ikm);
  const output = await crypto.hmac(prk, concat(info, Uint8Array.of(1)));
  wipe(prk);
  return output;
}
