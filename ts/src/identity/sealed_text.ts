// A text sealed with a passphrase: JSON with the cost of a guess, a salt, a nonce and the ciphertext.
// Layer identity, not exported. Knows nothing of what is sealed. Source: IDENTITY, "The identity file".

import { decodeBase64url, encodeBase64url, fromUtf8, randomBytes, utf8, wipe, type RandomSource } from "../base/index.js";
import { defaultCrypto, nonceBytes, tagBytes, type Cipher } from "../crypto/index.js";
import type { PasswordCost } from "../crypto/noble/password.js";
import { IdentityError } from "./error.js";

export const maxPassphraseBytes = 1024;
const saltBytes = 16;
const label = utf8("flowersec-identity-file-v1");

function checkPassphrase(passphrase: string): Uint8Array {
  const bytes = utf8(passphrase);
  if (bytes.length === 0 || bytes.length > maxPassphraseBytes) throw new IdentityError("bad_passphrase");
  return bytes;
}

const isWithin = (value: unknown, from: number, to: number) => Number.isInteger(value) && (value as number) >= from && (value as number) <= to;

/** Throws IdentityError bad_file for a cost outside 1 to 16 passes, 8 KiB to 256 MiB. */
function checkCost({ passes, memoryKib }: PasswordCost): void {
  if (!isWithin(passes, 1, 16) || !isWithin(memoryKib, 8, 262_144)) throw new IdentityError("bad_file", "passes or memory_kib is out of range");
}

async function cipherOf(passphrase: Uint8Array, salt: Uint8Array, cost: PasswordCost): Promise<Cipher> {
  const { keyFromPassword } = await import("../crypto/noble/password.js");
  const key = await keyFromPassword(passphrase, salt, cost);
  const cipher = await (await defaultCrypto()).cipher(key);
  wipe(key, passphrase);
  return cipher;
}

export async function sealText(text: string, passphrase: string, cost: PasswordCost, random: RandomSource): Promise<string> {
  const password = checkPassphrase(passphrase);
  checkCost(cost);
  const [salt, nonce] = [randomBytes(saltBytes, random), randomBytes(nonceBytes, random)];
  const cipher = await cipherOf(password, salt, cost);
  const plain = utf8(text);
  const body = new Uint8Array(plain.length + tagBytes);
  await cipher.seal(nonce, label, plain, body);
  cipher.wipe();
  wipe(plain);
  const members = {
    version: 1, kdf: "argon2id", passes: cost.passes, memory_kib: cost.memoryKib,
    salt_b64u: encodeBase64url(salt), nonce_b64u: encodeBase64url(nonce), sealed_b64u: encodeBase64url(body),
  };
  return `${JSON.stringify(members)}\n`;
}

function bytesOf(value: unknown, bytes?: number): Uint8Array | undefined {
  return typeof value === "string" ? decodeBase64url(value, bytes) : undefined;
}

/** `file` is the parsed text. Throws IdentityError bad_passphrase, bad_file, wrong_passphrase. */
export async function openText(file: Record<string, unknown>, passphrase: string): Promise<string> {
  const password = checkPassphrase(passphrase);
  if (file["version"] !== 1) throw new IdentityError("bad_file", "version is not 1");
  if (file["kdf"] !== "argon2id") throw new IdentityError("bad_file", "kdf is not argon2id");
  const cost = { passes: file["passes"], memoryKib: file["memory_kib"] } as PasswordCost;
  checkCost(cost);
  const salt = bytesOf(file["salt_b64u"], saltBytes);
  const nonce = bytesOf(file["nonce_b64u"], nonceBytes);
  const body = bytesOf(file["sealed_b64u"]);
  if (!salt || !nonce || !body || body.length < tagBytes) throw new IdentityError("bad_file", "salt, nonce or sealed text is not base64url of its length");
  const cipher = await cipherOf(password, salt, cost);
  let plain: Uint8Array;
  try {
    plain = await cipher.open(nonce, label, body);
  } catch {
    throw new IdentityError("wrong_passphrase");
  } finally {
    cipher.wipe();
  }
  try {
    return fromUtf8(plain);
  } catch {
    throw new IdentityError("bad_file", "not UTF-8");
  } finally {
    wipe(plain);
  }
}
