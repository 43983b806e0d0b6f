// X25519 and P-256 in JavaScript: where the platform lacks one.
// Layer crypto. Arithmetic on big integers, whose time the engine does not promise to be constant.

import { x25519 } from "@noble/curves/ed25519.js";
import { p256 } from "@noble/curves/nist.js";
import { checkPublicKey, checkSharedSecret, CryptoError, suiteX25519, type SuiteId, type SyncKeyPair } from "../provider.js";

/** A fresh key pair, or that of a private key (32 bytes; for P-256 a big-endian scalar). */
export function nobleKeyPair(suite: SuiteId, privateKey?: Uint8Array): SyncKeyPair {
  const isX25519 = suite === suiteX25519;
  const own = privateKey?.slice() ?? (isX25519 ? x25519 : p256).utils.randomSecretKey();
  return {
    publicKey: isX25519 ? x25519.getPublicKey(own) : p256.getPublicKey(own, false),
    agree(peer) {
      checkPublicKey(suite, peer);
      try {
        if (isX25519) return checkSharedSecret(x25519.getSharedSecret(own, peer));
        return p256.getSharedSecret(own, peer, false).slice(1, 33);
      } catch (cause) {
        throw new CryptoError("key agreement failed", { cause });
      }
    },
    wipe: () => void own.fill(0),
  };
}
