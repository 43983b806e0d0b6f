// Ed25519 in JavaScript: for attach tokens, which are signed and verified a few times a second, at once, on every platform.
// Layer crypto. Source: RFC 8032; strict about encodings, as other verifiers of the same tokens are.

import { ed25519 } from "@noble/curves/ed25519.js";

/** 64 bytes over `message`. `seed` is 32 bytes. */
export function ed25519Sign(seed: Uint8Array, message: Uint8Array): Uint8Array {
  return ed25519.sign(message, seed);
}

/** The 32-byte public key of a 32-byte seed. */
export function ed25519PublicKey(seed: Uint8Array): Uint8Array {
  return ed25519.getPublicKey(seed);
}

/** Whether it is the signature of `message` under this key; false also for a key or signature of any other form. */
export function ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: false });
  } catch {
    return false;
  }
}
