// The keys of an issuer: one signs, the others are published so that tokens of yesterday still verify.
// Layer controlplane. Source: PROTOCOL, "Key files".

import { concat, constantTimeEqual, decodeBase64url, encodeBase64url, randomBytes, trimmed, utf8, wipe } from "../base/index.js";
import { ed25519PublicKey } from "../crypto/noble/ed25519.js";
import { decodePrivateKeyFile, encodeKeysetFile, encodePrivateKeyFile, type PrivateKeyFile } from "../gen/flowersec/token/v1.gen.js";
import { keyBytes, type TokenPayload } from "../token/payload.js";
import { signToken } from "../token/sign.js";

/**
 * Rotation: publish the new key, deploy the overlap to every tunnel, rotate, wait until the last old token has expired,
 * retire the old key, deploy again. Key ids are trimmed and not blank; keys are 32 bytes; every method throws Error when a
 * rule is broken, nothing having changed, and after dispose().
 */
export class IssuerKeyset {
  private readonly published = new Map<string, Uint8Array>();
  private kid: string;
  private seed: Uint8Array | undefined;

  /** `seed` is the 32-byte Ed25519 seed; a copy is kept. */
  constructor(kid: string, seed: Uint8Array) {
    this.kid = cleanKid(kid);
    this.seed = copyOf(seed);
    this.published.set(this.kid, ed25519PublicKey(seed));
  }

  /** With a fresh key. */
  static random(kid: string): IssuerKeyset {
    const seed = randomBytes(keyBytes);
    try {
      return new IssuerKeyset(kid, seed);
    } finally {
      wipe(seed);
    }
  }

  /**
   * From the text of a private key file, which holds one key and no other. Throws Error for a text that is none, and for a
   * public half that is not the seed's; nothing of the key is in the message.
   */
  static fromPrivateKeyFile(text: string | Uint8Array): IssuerKeyset {
    const { kid, privkey_b64u } = readFile(text);
    const both = decodeBase64url(privkey_b64u, 2 * keyBytes);
    if (both === undefined) throw new Error("bad PrivateKeyFile.privkey_b64u");
    try {
      const seed = both.subarray(0, keyBytes);
      if (!constantTimeEqual(ed25519PublicKey(seed), both.subarray(keyBytes))) throw new Error("bad PrivateKeyFile.privkey_b64u");
      return new IssuerKeyset(kid, seed);
    } finally {
      wipe(both);
    }
  }

  /** The id of the key that signs. */
  currentKID(): string {
    this.secret();
    return this.kid;
  }

  /** A copy of what is published, by key id, sorted. */
  publicKeys(): Map<string, Uint8Array> {
    this.secret();
    return new Map([...this.published].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kid, key]) => [kid, key.slice()]));
  }

  /** A token signed by the active key, whatever `kid` says. Throws as signToken does. */
  sign(payload: Omit<TokenPayload, "kid"> & { kid?: string }): string {
    return signToken(this.secret(), { ...payload, kid: this.kid });
  }

  /** Publishes a public key. The same again changes nothing; another one under the same id is refused. */
  addVerificationKey(kid: string, publicKey: Uint8Array): void {
    this.secret();
    const name = cleanKid(kid);
    const key = copyOf(publicKey);
    const known = this.published.get(name);
    if (known !== undefined && !constantTimeEqual(known, key)) throw new Error(`another key has the id ${name}`);
    this.published.set(name, key);
  }

  /** Signs with another key from now on, which must be published. The previous one stays published; its seed is wiped. */
  rotate(kid: string, seed: Uint8Array): void {
    const previous = this.secret();
    const name = cleanKid(kid);
    const next = copyOf(seed);
    const known = this.published.get(name);
    if (known === undefined || !constantTimeEqual(known, ed25519PublicKey(next))) {
      wipe(next);
      throw new Error(`this key is not published as ${name}`);
    }
    this.kid = name;
    this.seed = next;
    wipe(previous);
  }

  /** Takes a public key back. The active one and an unknown one are refused. */
  retireVerificationKey(kid: string): void {
    this.secret();
    const name = cleanKid(kid);
    if (name === this.kid) throw new Error("the active key cannot be retired");
    if (!this.published.delete(name)) throw new Error(`no key has the id ${name}`);
  }

  /** The keyset file of a tunnel: UTF-8 JSON. */
  exportTunnelKeyset(): Uint8Array {
    return utf8(encodeKeysetFile({ keys: [...this.publicKeys()].map(([kid, key]) => ({ kid, pubkey_b64u: encodeBase64url(key) })) }));
  }

  /** The private key file of the active key: UTF-8 JSON, for nobody else to read. */
  exportPrivateKeyFile(): Uint8Array {
    const seed = this.secret();
    const both = concat(seed, ed25519PublicKey(seed));
    try {
      return utf8(encodePrivateKeyFile({ kid: this.kid, privkey_b64u: encodeBase64url(both) }));
    } finally {
      wipe(both);
    }
  }

  /** Wipes the seed. Harmless the second time. */
  dispose(): void {
    wipe(this.seed);
    this.seed = undefined;
    this.published.clear();
  }

  private secret(): Uint8Array {
    if (this.seed === undefined) throw new Error("the keyset is disposed");
    return this.seed;
  }
}

/** Without the engine's reason for a text that is no JSON: it would quote the key. */
function readFile(text: string | Uint8Array): PrivateKeyFile {
  try {
    return decodePrivateKeyFile(text);
  } catch (error) {
    throw new Error((error as Error).message);
  }
}

function cleanKid(kid: string): string {
  const name = trimmed(kid);
  if (name === "") throw new Error("the key id is blank");
  return name;
}

function copyOf(key: Uint8Array): Uint8Array {
  if (key.length !== keyBytes) throw new Error(`a key has ${keyBytes} bytes`);
  return new Uint8Array(key); // Buffer's slice() would share the bytes
}
