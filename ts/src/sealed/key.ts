// Public identity keys of servers: as text in a page, and the ids that open messages name them by.
// Layer sealed. Source: PROTOCOL, "Sealed open".

import { decodeBase64url, encodeBase64url, then, type Awaitable } from "../base/index.js";
import type { CryptoProvider } from "../crypto/index.js";

/** Bytes of an identity key, either half. */
export const identityKeyBytes = 32;
/** Bytes of SHA-256 that are a key's id; 11 characters. */
export const keyIdBytes = 8;

/** The 32 bytes of a public key written as base64url, 43 characters; undefined for anything else. */
export function parseServerKey(text: unknown): Uint8Array | undefined {
  return typeof text === "string" ? decodeBase64url(text, identityKeyBytes) : undefined;
}

/** The id of a public key: base64url of the first 8 bytes of its SHA-256. */
export function serverKeyId(crypto: CryptoProvider, publicKey: Uint8Array): Awaitable<string> {
  return then(crypto.sha256(publicKey), (digest) => encodeBase64url(digest.subarray(0, keyIdBytes)));
}
