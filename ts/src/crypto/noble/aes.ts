// AES-256-GCM in JavaScript, where WebCrypto is missing.
// Layer crypto. Loaded by import(), so it imports nothing of ours that is loaded already: bundlers would cut that out.
// Its tables are in memory that others can time: PROTOCOL, "Rationale and security notes".

import { gcm } from "@noble/ciphers/aes.js";
import type { SyncCipher } from "../provider.js";

/** Keeps a copy of the key until wipe(). */
export function nobleCipher(key: Uint8Array): SyncCipher {
  const own = Uint8Array.from(key);
  return {
    seal(nonce, aad, plaintext, into) {
      into.set(gcm(own, nonce, aad).encrypt(plaintext));
    },
    open: (nonce, aad, sealed) => gcm(own, nonce, aad).decrypt(sealed),
    wipe: () => void own.fill(0),
  };
}
