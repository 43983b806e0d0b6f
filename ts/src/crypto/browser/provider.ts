// The primitives of WebCrypto, with JavaScript beside them for what it lacks and for small records.
// Layer crypto. Runs in browsers, and in Node for tests. Each call is a round trip to another thread: callers keep several
// records in flight instead of waiting for one after the other.

import { concat } from "../../base/index.js";
import {
  checkPublicKey, checkSharedSecret, suiteX25519, type Cipher, type CryptoProvider, type KeyPair, type SuiteId, type SyncCipher,
} from "../provider.js";

/**
 * Records of at most so many bytes go through JavaScript once it is loaded: a round trip to another thread is saved, and
 * above it costs less than the work. docs/PERFORMANCE.md has the measurement.
 */
export const smallRecordBytes = 128;

/** What WebCrypto takes: no shared memory. */
type Own = Uint8Array<ArrayBuffer>;

const hmacParameters = { name: "HMAC", hash: "SHA-256" };
const gcm = (nonce: Uint8Array, aad: Uint8Array) => ({ name: "AES-GCM", iv: nonce as Own, additionalData: aad as Own });
const curve = (suite: SuiteId) => (suite === suiteX25519 ? { name: "X25519" } : { name: "ECDH", namedCurve: "P-256" });

class WebCipher implements Cipher {
  private small: SyncCipher | undefined;
  private wiped = false;

  private constructor(
    private readonly subtle: SubtleCrypto,
    private readonly key: CryptoKey,
  ) {}

  static async of(subtle: SubtleCrypto, raw: Uint8Array): Promise<Cipher> {
    const own = Uint8Array.from(raw);
    const key = await subtle.importKey("raw", own, "AES-GCM", false, ["encrypt", "decrypt"]);
    const cipher = new WebCipher(subtle, key);
    // Nobody waits for this, and without it small records are slower and no worse.
    import("../noble/aes.js").then(
      ({ nobleCipher }) => {
        if (!cipher.wiped) cipher.small = nobleCipher(own);
        own.fill(0);
      },
      () => void own.fill(0),
    );
    return cipher;
  }

  seal(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, into: Uint8Array): Promise<void> | void {
    if (this.small && plaintext.length <= smallRecordBytes) return this.small.seal(nonce, aad, plaintext, into);
    const sealed = this.subtle.encrypt(gcm(nonce, aad), this.key, plaintext as Own);
    return sealed.then((bytes) => into.set(new Uint8Array(bytes)));
  }

  open(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Promise<Uint8Array> | Uint8Array {
    if (this.small && sealed.length <= smallRecordBytes) return this.small.open(nonce, aad, sealed);
    return this.subtle.decrypt(gcm(nonce, aad), this.key, sealed as Own).then((plaintext) => new Uint8Array(plaintext));
  }

  wipe(): void {
    this.wiped = true;
    this.small?.wipe();
    this.small = undefined;
  }
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
    wipe() {}, // a CryptoKey that cannot be exported is the engine's to forget
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
    cipher: (key) => WebCipher.of(subtle, key),
  };
}
