// AES-256-GCM in JavaScript: where WebCrypto is missing, and for records so small that its round trip costs more.
// Layer crypto. Its tables are in memory that others can time: PROTOCOL, "Rationale and security notes".

import { gcm } from "@noble/ciphers/aes.js";
import { CryptoError, type SyncCipher } from "../provider.js";

/** Keeps a copy of the key until wipe(). */
export function nobleCipher(key: Uint8Array): SyncCipher {
  const own = Uint8Array.from(key);
  return {
    seal(nonce, aad, plaintext, into) {
      into.set(gcm(own, nonce, aad).encrypt(plaintext));
    },
    open(nonce, aad, sealed) {
      try {
        return gcm(own, nonce, aad).decrypt(sealed);
      } catch {
        throw new CryptoError("open failed");
      }
    },
    wipe: () => void own.fill(0),
  };
}
