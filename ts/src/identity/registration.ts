// The proof that a client holds its key, made for one registry and one challenge; and work, when a registry asks for it.
// Layer identity. Knows neither frames nor time. Source: IDENTITY, "Proof of registration", "Proof of work".

import { AbortError, concat, constantTimeEqual, utf8, wipe, writeU32 } from "../base/index.js";
import { defaultCrypto } from "../crypto/index.js";
import { IdentityError } from "./error.js";
import { hkdf32 } from "./hkdf.js";
import type { Identity } from "./identity.js";
import type { PublicKey } from "./public_key.js";

/** Bytes of a challenge. */
export const challengeBytes = 32;
export const proofBytes = 32;

function checkChallenge(challenge: Uint8Array): void {
  if (challenge.length !== challengeBytes) throw new IdentityError("bad_length");
}

/** popkey = HKDF-SHA256(DH, "flowersec-rv-pop-v1:salt", "flowersec-rv-pop-v1" || client || registry). */
export function registrationKey(dh: Uint8Array, client: PublicKey, registry: PublicKey): Promise<Uint8Array> {
  return hkdf32(utf8("flowersec-rv-pop-v1:salt"), [dh], concat(utf8("flowersec-rv-pop-v1"), client.bytes, registry.bytes));
}

async function mac(dh: Uint8Array, client: PublicKey, registry: PublicKey, challenge: Uint8Array, replace: boolean): Promise<Uint8Array> {
  const key = await registrationKey(dh, client, registry);
  const label = utf8("flowersec-rv-pop-v1:proof");
  const tag = await (await defaultCrypto()).hmac(key, label, challenge, client.bytes, registry.bytes, Uint8Array.of(replace ? 1 : 0));
  wipe(dh, key);
  return tag;
}

/**
 * HMAC-SHA256(popkey, "flowersec-rv-pop-v1:proof" || challenge || client || registry || u8(replace)), 32 bytes. `challenge` is 32
 * bytes. Throws IdentityError bad_length, and those of Identity.agree().
 */
export async function proveRegistration(client: Identity, registry: PublicKey, challenge: Uint8Array, replace: boolean): Promise<Uint8Array> {
  checkChallenge(challenge);
  return mac(await client.agree(registry), client.publicKey, registry, challenge, replace);
}

/** The registry's side, in constant time. Throws IdentityError bad_proof, bad_length for the challenge, and those of Identity.agree(). */
export async function verifyRegistration(
  registry: Identity,
  client: PublicKey,
  challenge: Uint8Array,
  replace: boolean,
  proof: Uint8Array,
): Promise<void> {
  checkChallenge(challenge);
  const expected = await mac(await registry.agree(client), client, registry.publicKey, challenge, replace);
  if (!constantTimeEqual(expected, proof)) throw new IdentityError("bad_proof");
}

/** Most leading zero bits that may be asked for: a million hashes on average, some seconds. */
export const maxWorkBits = 20;
/** Bytes of the nonce that proves work. */
export const workNonceBytes = 8;

function hasZeroBits(digest: Uint8Array, bits: number): boolean {
  const first = new DataView(digest.buffer, digest.byteOffset).getUint32(0);
  return Math.clz32(first) >= bits;
}

const workText = (challenge: Uint8Array, client: PublicKey, nonce: Uint8Array) => concat(utf8("flowersec-rv-pow-v1"), challenge, client.bytes, nonce);

/**
 * Whether SHA-256("flowersec-rv-pow-v1" || challenge || client || nonce) begins with `bits` zero bits. False for more than maxWorkBits, and for a
 * nonce of another length.
 */
export async function isWork(challenge: Uint8Array, client: PublicKey, bits: number, nonce: Uint8Array): Promise<boolean> {
  if (!(bits <= maxWorkBits) || nonce.length !== workNonceBytes || challenge.length !== challengeBytes) return false;
  return hasZeroBits(await (await defaultCrypto()).sha256(workText(challenge, client, nonce)), bits);
}

/** Hashes between two turns of the event loop: some 50 ms. */
const triesPerTurn = 32_768;

/**
 * Looks for a nonce: tries 0, 1, 2 … as big-endian u64, and lets the event loop turn now and then. Throws IdentityError
 * too_much_work, and AbortError.
 */
export async function findWork(challenge: Uint8Array, client: PublicKey, bits: number, options: { signal?: AbortSignal } = {}): Promise<Uint8Array> {
  checkChallenge(challenge);
  if (!(bits <= maxWorkBits)) throw new IdentityError("too_much_work");
  // A million round trips to WebCrypto would take a minute.
  const { syncCrypto } = await import("../crypto/sync.js");
  const nonce = new Uint8Array(workNonceBytes);
  const text = workText(challenge, client, nonce);
  for (let next = 0; ; next++) {
    if (next % triesPerTurn === 0) {
      if (next > 0) await new Promise((turn) => setTimeout(turn, 0));
      if (options.signal?.aborted) throw new AbortError("aborted", { cause: options.signal.reason });
    }
    writeU32(text, text.length - 4, next);
    if (hasZeroBits(syncCrypto.sha256(text), bits)) return text.slice(-workNonceBytes);
  }
}
