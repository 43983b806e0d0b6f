// X25519 and P-256 in JavaScript: where the platform lacks one.
// Layer crypto. Loaded by import(), so it imports nothing of ours that is loaded already. Arithmetic on big integers, whose time the engine does not promise to be constant.

import { p256 } from "@noble/curves/nist.js";
import type { SuiteId, SyncKeyPair } from "../provider.js";
import { nobleX25519 } from "./x25519.js";

/** A fresh key pair, or that of a private key (32 bytes; for P-256 a big-endian scalar). */
export function nobleKeyPair(suite: SuiteId, privateKey?: Uint8Array): SyncKeyPair {
  if (suite === 1) return nobleX25519(privateKey);
  const own = privateKey?.slice() ?? p256.utils.randomSecretKey();
  return {
    publicKey: p256.getPublicKey(own, false),
    agree(peer) {
      if (peer[0] !== 4) throw new Error("not an uncompressed point");
      return p256.getSharedSecret(own, peer, false).slice(1, 33);
    },
    wipe: () => void own.fill(0),
  };
}
