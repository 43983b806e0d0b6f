// The primitives of Node: node:crypto, synchronous. A record of 64 KiB takes some 25 us, a thread pool round trip twice that.
// Layer crypto. The only place with node:crypto.

import {
  createCipheriv, createDecipheriv, createECDH, createHash, createHmac, createPrivateKey, createPublicKey, createSecretKey, diffieHellman,
  generateKeyPairSync, type JsonWebKey, type KeyObject,
} from "node:crypto";
import {
  checkPublicKey, checkSharedSecret, nonceBytes, suiteX25519, tagBytes,
  type SuiteId, type SyncCipher, type SyncCryptoProvider, type SyncKeyPair,
} from "../provider.js";

const algorithm = "aes-256-gcm";
const options = { authTagLength: tagBytes };

/** The same bytes without Buffer's other methods. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

class NodeCipher implements SyncCipher {
  private readonly key: KeyObject;
  constructor(key: Uint8Array) {
    this.key = createSecretKey(key);
  }

  seal(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, into: Uint8Array): void {
    const cipher = createCipheriv(algorithm, this.key, nonce, options).setAAD(aad);
    into.set(cipher.update(plaintext));
    cipher.final();
    into.set(cipher.getAuthTag(), plaintext.length);
  }

  open(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array {
    const at = sealed.length - tagBytes;
    if (at < 0 || nonce.length !== nonceBytes) throw new Error("open failed");
    const cipher = createDecipheriv(algorithm, this.key, nonce, options).setAAD(aad).setAuthTag(sealed.subarray(at));
    const plaintext = cipher.update(sealed.subarray(0, at));
    try {
      cipher.final();
    } catch {
      plaintext.fill(0); // not authentic, so nobody's to see
      throw new Error("open failed");
    }
    return plain(plaintext);
  }

  wipe(): void {} // the KeyObject's memory is cleared by Node when it is collected
}

// PrivateKeyInfo of an X25519 key up to its 32 bytes. Source: RFC 8410, 7.
const pkcs8X25519 = new Uint8Array([0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20]);

/** The key pair of an X25519 private key; `publicJwk` is its public half. Public keys go in and out as JWK: OpenSSL takes longer for their DER than for the agreement. */
export function x25519KeyPair(privateKey: KeyObject, publicJwk: JsonWebKey = createPublicKey(privateKey).export({ format: "jwk" })): SyncKeyPair {
  return {
    publicKey: Uint8Array.from(Buffer.from(publicJwk.x as string, "base64url")),
    agree(peer) {
      checkPublicKey(suiteX25519, peer);
      try {
        const publicKey = createPublicKey({ key: { kty: "OKP", crv: "X25519", x: Buffer.from(peer).toString("base64url") }, format: "jwk" });
        return checkSharedSecret(plain(diffieHellman({ privateKey, publicKey })));
      } catch (cause) {
        throw new Error("key agreement failed", { cause }); // OpenSSL refuses an all-zero result as well
      }
    },
    wipe() {},
  };
}

/**
 * The public half comes out of the generation itself. To export it afterwards stops Node 20 for ever once in some ten thousand times: the
 * export holds the key's lock, and a garbage collection in its midst ends the generation's object, which takes the same lock.
 */
function newX25519KeyPair(): SyncKeyPair {
  const { publicKey, privateKey } = generateWithJwk("x25519", { publicKeyEncoding: { format: "jwk" } });
  return x25519KeyPair(privateKey, publicKey);
}
/** What the types leave out: one half encoded, the other not. */
const generateWithJwk = generateKeyPairSync as unknown as
  (type: "x25519", options: { publicKeyEncoding: { format: "jwk" } }) => { publicKey: JsonWebKey; privateKey: KeyObject };

/** A P-256 key pair, of the private scalar when one is given. */
export function p256KeyPair(scalar?: Uint8Array): SyncKeyPair {
  const ecdh = createECDH("prime256v1");
  if (scalar === undefined) ecdh.generateKeys();
  else ecdh.setPrivateKey(scalar);
  return {
    publicKey: Uint8Array.from(ecdh.getPublicKey()),
    agree(peer) {
      checkPublicKey(2, peer);
      try {
        return plain(ecdh.computeSecret(peer));
      } catch (cause) {
        throw new Error("key agreement failed", { cause });
      }
    },
    wipe() {},
  };
}

function ofPrivateKey(suite: SuiteId, privateKey: Uint8Array): SyncKeyPair {
  if (suite !== suiteX25519) return p256KeyPair(privateKey);
  const key = Buffer.concat([pkcs8X25519, privateKey]);
  try {
    return x25519KeyPair(createPrivateKey({ key, format: "der", type: "pkcs8" }));
  } finally {
    key.fill(0);
  }
}

/** node:crypto. */
export const nodeCrypto: SyncCryptoProvider = {
  name: "node",
  generateKeyPair: (suite: SuiteId) => (suite === suiteX25519 ? newX25519KeyPair() : p256KeyPair()),
  keyPairOf: ofPrivateKey,
  sha256(...parts) {
    const hash = createHash("sha256");
    for (const part of parts) hash.update(part);
    return plain(hash.digest());
  },
  hmac(key, ...parts) {
    const hash = createHmac("sha256", key);
    for (const part of parts) hash.update(part);
    return plain(hash.digest());
  },
  cipher: (key) => new NodeCipher(key),
};
