// Who we are: an X25519 key pair, and the pairs that live for one call.
// Layer identity. Private keys are wiped as far as an engine lets us: copies of its own are out of reach.
// Source: IDENTITY, "Keys".

import { decodeBase64url, encodeBase64url, randomBytes, systemRandom, wipe, type RandomSource } from "../base/index.js";
import type { KeyPair } from "../crypto/index.js";
import { x25519PairOf } from "../crypto/private_key.js";
import { IdentityError } from "./error.js";
import { keyBytes, PublicKey } from "./public_key.js";

async function agreement(pair: KeyPair, peer: PublicKey): Promise<Uint8Array> {
  try {
    return await pair.agree(peer.bytes);
  } catch (cause) {
    throw new IdentityError("weak_secret", undefined, { cause });
  }
}

/** A lasting identity. Nothing but exportIdentity() returns private bytes. */
export class Identity {
  #privateKey: Uint8Array | undefined;
  #pair: KeyPair | undefined;

  private constructor(
    privateKey: Uint8Array,
    pair: KeyPair,
    /** Stays after destroy(). */
    readonly publicKey: PublicKey,
  ) {
    this.#privateKey = privateKey;
    this.#pair = pair;
  }

  /** With a fresh key. */
  static async generate(random: RandomSource = systemRandom): Promise<Identity> {
    const bytes = randomBytes(keyBytes, random);
    const made = await Identity.fromPrivateKey(bytes);
    wipe(bytes);
    return made;
  }

  /** 32 bytes, of which it takes a copy, or 43 characters. Throws IdentityError bad_length. */
  static async fromPrivateKey(privateKey: Uint8Array | string): Promise<Identity> {
    const bytes = typeof privateKey === "string" ? decodeBase64url(privateKey, keyBytes) : Uint8Array.from(privateKey);
    if (bytes?.length !== keyBytes) throw new IdentityError("bad_length");
    const pair = await x25519PairOf(bytes);
    return new Identity(bytes, pair, PublicKey.fromBytes(pair.publicKey));
  }

  /** The raw X25519 output, the caller's to wipe. Throws IdentityError weak_secret, destroyed. */
  async agree(peer: PublicKey): Promise<Uint8Array> {
    if (this.#pair === undefined) throw new IdentityError("destroyed");
    return agreement(this.#pair, peer);
  }

  /** The private key as text, for a file of the user's own making. Throws IdentityError destroyed. */
  exportIdentity(): string {
    if (this.#privateKey === undefined) throw new IdentityError("destroyed");
    return encodeBase64url(this.#privateKey);
  }

  /** Forgets the private key. What was derived from it before lives on elsewhere: Contacts.wipe(). */
  destroy(): void {
    wipe(this.#privateKey);
    this.#pair?.wipe();
    this.#privateKey = this.#pair = undefined;
  }
}

/** The pair of one call. A type of its own, so that nothing long-lived takes its place. */
export class EphemeralKey {
  readonly #pair: KeyPair;

  private constructor(
    pair: KeyPair,
    /** What `call` and `accept` carry. */
    readonly publicKey: PublicKey,
  ) {
    this.#pair = pair;
  }

  /** A fresh pair. */
  static async generate(random: RandomSource = systemRandom): Promise<EphemeralKey> {
    const bytes = randomBytes(keyBytes, random);
    const pair = await x25519PairOf(bytes);
    wipe(bytes);
    return new EphemeralKey(pair, PublicKey.fromBytes(pair.publicKey));
  }

  /** The raw X25519 output, the caller's to wipe. Throws IdentityError weak_secret. */
  async agree(peer: PublicKey): Promise<Uint8Array> {
    return agreement(this.#pair, peer);
  }

  /** Forgets the private half. */
  wipe(): void {
    this.#pair.wipe();
  }
}
