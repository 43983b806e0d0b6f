// X25519 and P-256 in JavaScript: where the platform lacks one.
// Layer crypto. Loaded by import(), so it imports nothing of ours that is loaded already. Arithmetic on big integers, whose time the engine does not promise to be constant.

import { x25519 } from "@noble/curves/ed25519.js";
import { p256 } from "@noble/curves/nist.js";
import type { SuiteId, SyncKeyPair } from "../provider.js";

/** A fresh key pair, or that of a private key (32 bytes; for P-256 a big-endian scalar). */
export function nobleKeyPair(suite: SuiteId, privateKey?: Uint8Array): SyncKeyPair {
  const isX25519 = suite === 1;
  const own = privateKey?.slice() ?? (isX25519 ? x25519 : p256).utils.randomSecretKey();
  return {
    publicKey: isX25519 ? x25519.getPublicKey(own) : p256.getPublicKey(own, false),
    agree(peer) {
      if (isX25519) return x25519.getSharedSecret(own, peer); // refuses other lengths, and an all-zero result
      if (peer[0] !== 4) throw new Error("not an uncompressed point");
      return p256.getSharedSecret(own, peer, false).slice(1, 33);
    },
    wipe: () => void own.fill(0),
  };
}
