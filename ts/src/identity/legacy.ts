// What the original SecureWebSocket made of two keys: NaCl's box secret, and texts sealed with it.
// Layer identity. For the compatible mode only; none of its secrets is a key of this protocol.
// Source: IDENTITY, "The original's secrets".

import { decodeBase64url, encodeBase64url, fromUtf8, utf8, wipe } from "../base/index.js";
import { boxKey, secretboxOpen, secretboxSeal } from "../crypto/noble/secretbox.js";
import type { Contact } from "./contacts.js";
import type { Identity } from "./identity.js";
import type { PublicKey } from "./public_key.js";

export const legacyNonceBytes = 24;

/** 32 bytes, the same from both sides. Throws what Identity.agree() throws. */
export async function legacySecret(own: Identity, peer: PublicKey): Promise<Uint8Array> {
  const dh = await own.agree(peer);
  const secret = boxKey(dh);
  wipe(dh);
  return secret;
}

/** The `message` of an envelope: base64url of the secretbox of the text. The caller never repeats a nonce. */
export function legacySeal(secret: Uint8Array, nonce: Uint8Array, text: string): string {
  return encodeBase64url(secretboxSeal(secret, nonce, utf8(text)));
}

/** Undefined for what is not canonical base64url, does not verify, or is not UTF-8. */
export function legacyOpen(secret: Uint8Array, nonce: Uint8Array, message: string): string | undefined {
  const sealed = decodeBase64url(message);
  const clear = sealed && secretboxOpen(secret, nonce, sealed);
  try {
    return clear && fromUtf8(clear);
  } catch {
    return undefined;
  }
}

/** legacySecret() of a contact, whose agreement is known. The caller wipes it. */
export function legacySecretOf(contact: Contact): Uint8Array {
  return boxKey(contact.dh);
}
