// The primitives of WebCrypto, with JavaScript beside them for what it lacks. Records of every size: docs/PERFORMANCE_TYPESCRIPT.md says why.
// Layer crypto. Runs in browsers, and in Node for tests. Each call is a round trip to another thread: callers keep several
// records in flight instead of waiting for one after the other.

import { concat } from "../../base/index.js";
import {
  checkPublicKey, checkSharedSecret, suiteX25519, type Cipher, type CryptoProvider, type KeyPair, type SuiteId,
} from "../provider.js";

/** What WebCrypto takes: no shared memory. */
type Own = Uint8Array<ArrayBuffer>;

const hmacParameters = { name: "HMAC", hash: "SHA-256" };
const gcm = (nonce: Uint8Array, aad: Uint8Array) => ({ name: "AES-GCM", iv: nonce as Own, additionalData: aad as Own });
const curve = (suite: SuiteId) => (suite === suiteX25519 ? { name: "X25519" } : { name: "ECDH", namedCurve: "P-256" });

async function webCipher(subtle: SubtleCrypto, raw: Uint8Array): Promise<Cipher> {
  const key = await subtle.importKey("raw", raw as Own, "AES-GCM", false, ["encrypt", "decrypt"]);
  return {
    seal: (nonce, aad, plaintext, into) => subtle.encrypt(gcm(nonce, aad), key, plaintext as Own).then((sealed) => into.set(new Uint8Array(sealed))),
    open: (nonce, aad, sealed) => subtle.decrypt(gcm(nonce, aad), key, sealed as Own).then((plaintext) => new Uint8Array(plaintext)),
    wipe() {}, // a CryptoKey that cannot be exported is the engine's to forget
  };
}

/** The key pair of a private CryptoKey. */
export function webKeyPair(subtle: SubtleCrypto, suite: SuiteId, privateKey: CryptoKey, publicKey: Uint8Array): KeyPair {
  return {
    publicKey,
    async agree(peer) {
      checkPublicKey(suite, peer);
      const theirs = await subtle.importKey("raw", peer as Own, curve(suite), false, []);
      const secret = new Uint8Array(await subtle.deriveBits({ name: curve(suite).name, public: theirs }, privateKey, 256));
      // P-256 has a point whose X is 0.
      return suite === suiteX25519 ? checkSharedSecret(secret) : secret;
    },
    wipe() {}, // as above
  };
}

/** WebCrypto, as `crypto.subtle` gives it. */
export function webCrypto(subtle: SubtleCrypto): CryptoProvider {
  return {
    name: "webcrypto",
    async generateKeyPair(suite) {
      let pair: CryptoKeyPair;
      try {
        pair = (await subtle.generateKey(curve(suite), false, ["deriveBits"])) as CryptoKeyPair;
      } catch {
        // Younger than WebCrypto: browsers got X25519 between 2023 and 2025.
        return (await import("../noble/provider.js")).nobleCrypto.generateKeyPair(suite);
      }
      const publicKey = new Uint8Array(await subtle.exportKey("raw", pair.publicKey));
      return webKeyPair(subtle, suite, pair.privateKey, publicKey);
    },
    sha256: async (...parts) => new Uint8Array(await subtle.digest("SHA-256", concat(...parts))),
    async hmac(key, ...parts) {
      const imported = await subtle.importKey("raw", key as Own, hmacParameters, false, ["sign"]);
      return new Uint8Array(await subtle.sign("HMAC", imported, concat(...parts)));
    },
    cipher: (key) => webCipher(subtle, key),
  };
}
