// What the protocol needs of cryptography, and nothing more: HKDF is built from HMAC above it.
// Layer crypto. Answers may come at once (node:crypto, pure JavaScript) or later (WebCrypto).

import type { Awaitable } from "../base/index.js";

/** Cipher suites by their number on the wire. */
export const suiteX25519 = 1;
export const suiteP256 = 2;
export type SuiteId = typeof suiteX25519 | typeof suiteP256;

/** Bytes of a public key as transmitted: a u-coordinate, or an uncompressed point. */
export function publicKeyBytes(suite: SuiteId): 32 | 65 {
  return suite === suiteX25519 ? 32 : 65;
}

/** An ephemeral key pair. */
export interface KeyPair {
  readonly publicKey: Uint8Array;
  /**
   * The 32-byte shared secret: X25519 output, or X coordinate. Throws CryptoError for a key of another length or form, a
   * point off the curve, and an all-zero X25519 result.
   */
  agree(peerPublicKey: Uint8Array): Awaitable<Uint8Array>;
  /** Forgets the private half, as far as the platform lets us. */
  wipe(): void;
}

/** AES-256-GCM under one key. Calls may overlap; a nonce is 12 bytes and never repeats for sealing. */
export interface Cipher {
  /** Writes ciphertext and tag to `into`, which is 16 bytes longer than the plaintext. Inputs are read before it settles. */
  seal(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, into: Uint8Array): Awaitable<void>;
  /** The plaintext of ciphertext and tag. Throws CryptoError when it does not authenticate, with no cause distinguished. */
  open(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Awaitable<Uint8Array>;
  /** Forgets the key. No call may follow. */
  wipe(): void;
}

/** One implementation of the primitives. */
export interface CryptoProvider {
  readonly name: "node" | "webcrypto" | "noble";
  generateKeyPair(suite: SuiteId): Awaitable<KeyPair>;
  sha256(...parts: readonly Uint8Array[]): Awaitable<Uint8Array>;
  /** HMAC-SHA256, 32 bytes. */
  hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Awaitable<Uint8Array>;
  /** Takes a copy of the 32-byte key, so that the caller may wipe its own. */
  cipher(key: Uint8Array): Awaitable<Cipher>;
}

/** A primitive refused its input. */
export class CryptoError extends Error {
  override readonly name = "CryptoError";
}
