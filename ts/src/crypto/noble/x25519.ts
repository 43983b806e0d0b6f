// X25519 in JavaScript.
// Layer crypto. As dh.ts, of which it is the part that pages need whose browser has everything else.

import { x25519 } from "@noble/curves/ed25519.js";
import type { SyncKeyPair } from "../provider.js";

/** A fresh key pair, or that of a private key of 32 bytes. */
export function nobleX25519(privateKey?: Uint8Array): SyncKeyPair {
  const own = privateKey?.slice() ?? x25519.utils.randomSecretKey();
  return {
    publicKey: x25519.getPublicKey(own),
    agree: (peer) => x25519.getSharedSecret(own, peer), // refuses other lengths, and an all-zero result
    wipe: () => void own.fill(0),
  };
}
