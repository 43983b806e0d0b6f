// What the protocol needs of cryptography, and nothing more: HKDF is built from HMAC above it.
// Layer crypto. Answers may come at once (node:crypto, pure JavaScript) or later (WebCrypto).

import type { Awaitable } from "../base/index.js";

/** X25519, by its number on the wire. */
export const suiteX25519 = 1;
/** P-256, by its number on the wire. */
export const suiteP256 = 2;
/** A cipher suite: 1 is X25519, 2 is P-256. */
export type SuiteId = 1 | 2;

/** Bytes of an AES-256 key, a digest and a shared secret; of a GCM tag; of a GCM nonce. */
export const keyBytes = 32;
export const tagBytes = 16;
export const nonceBytes = 12;

/** Bytes of a public key as transmitted: a u-coordinate, or an uncompressed point. */
export function publicKeyBytes(suite: SuiteId): 32 | 65 {
  return suite === suiteX25519 ? 32 : 65;
}

/** An ephemeral key pair. */
export interface KeyPair {
  readonly publicKey: Uint8Array;
  /**
   * The 32-byte shared secret: X25519 output, or X coordinate. Throws for a key of another length or form, a point
   * off the curve, and an all-zero X25519 result.
   */
  agree(peerPublicKey: Uint8Array): Awaitable<Uint8Array>;
  /** Forgets the private half, as far as the platform lets us. No call may follow. */
  wipe(): void;
}

/** AES-256-GCM under one key. Calls may overlap; a nonce is 12 bytes and never repeats for sealing. */
export interface Cipher {
  /**
   * Writes ciphertext and tag to `into`, which is 16 bytes longer than the plaintext, and may be the same memory. The
   * arguments must not change before it settles.
   */
  seal(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, into: Uint8Array): Awaitable<void>;
  /** The plaintext of ciphertext and tag. Throws when it does not authenticate, with no cause distinguished. */
  open(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Awaitable<Uint8Array>;
  /** Forgets the key. No call may follow; calls under way finish. */
  wipe(): void;
}

/** One implementation of the primitives. */
export interface CryptoProvider {
  readonly name: "node" | "webcrypto" | "noble";
  /** A fresh pair for one handshake. */
  generateKeyPair(suite: SuiteId): Awaitable<KeyPair>;
  /** Of the parts joined. */
  sha256(...parts: readonly Uint8Array[]): Awaitable<Uint8Array>;
  /** HMAC-SHA256 of the parts joined, 32 bytes. */
  hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Awaitable<Uint8Array>;
  /** Takes a copy of the 32-byte key, so that the caller may wipe its own. */
  cipher(key: Uint8Array): Awaitable<Cipher>;
}

/** A Cipher that answers at once. */
export interface SyncCipher extends Cipher {
  seal(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, into: Uint8Array): void;
  open(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array;
}

/** A CryptoProvider that answers at once. */
export interface SyncCryptoProvider extends CryptoProvider {
  generateKeyPair(suite: SuiteId): SyncKeyPair;
  /** The pair of a private key: 32 bytes; for P-256 a big-endian scalar. */
  keyPairOf(suite: SuiteId, privateKey: Uint8Array): SyncKeyPair;
  sha256(...parts: readonly Uint8Array[]): Uint8Array;
  hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array;
  cipher(key: Uint8Array): SyncCipher;
}

/** A KeyPair that answers at once. */
export interface SyncKeyPair extends KeyPair {
  agree(peerPublicKey: Uint8Array): Uint8Array;
}

/** Refuses a peer's key by its outside: libraries would also take compressed points. Source: SEC 1, 2.3.4. */
export function checkPublicKey(suite: SuiteId, key: Uint8Array): void {
  if (key.length !== publicKeyBytes(suite) || (suite === suiteP256 && key[0] !== 4)) throw new Error("bad public key");
}

/** Refuses the all-zero X25519 result, to which every small-order key leads. Source: RFC 7748, 6.1. */
export function checkSharedSecret(secret: Uint8Array): Uint8Array {
  if (secret.every((byte) => byte === 0)) throw new Error("all-zero shared secret");
  return secret;
}
