// A peer's identity: its X25519 public key, in the one form that is accepted.
// Layer identity. Knows no secret. Source: IDENTITY, "Keys".

import { decodeBase64url, encodeBase64url, utf8 } from "../base/index.js";
import { defaultCrypto } from "../crypto/index.js";
import { IdentityError, type IdentityErrorCode } from "./error.js";

/** Bytes of an X25519 key, either half. */
export const keyBytes = 32;
export const keyCharacters = 43;

/** 2^255 - 19 and its neighbours, little-endian. */
function nearPrime(offset: number): Uint8Array {
  const bytes = new Uint8Array(keyBytes).fill(0xff);
  bytes[0] = 0xed + offset;
  bytes[31] = 0x7f;
  return bytes;
}

/** The u-coordinates below the prime that force an all-zero secret, as text. Source: https://cr.yp.to/ecdh.html, "validate". */
const smallOrder = /* @__PURE__ */ new Set([
  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
  "4Ot6fDtBuK4WVuP68Z_EatoJjeucMrH9hmIFFl9JuAA", "X5yVvKNQjCSx0LFVnIPvWwREXMRYHI6G2CJO3dCfEVc",
  "7P_______________________________________38",
]);

function isReduced(bytes: Uint8Array): boolean {
  const prime = nearPrime(0);
  for (let at = keyBytes - 1; at >= 0; at--) {
    if (bytes[at] !== prime[at]) return (bytes[at] as number) < (prime[at] as number);
  }
  return false;
}

function defectOfBytes(bytes: Uint8Array): IdentityErrorCode | undefined {
  if (bytes.length !== keyBytes) return "bad_length";
  if ((bytes[31] as number) & 0x80) return "top_bit";
  if (!isReduced(bytes)) return "not_reduced";
  return smallOrder.has(encodeBase64url(bytes)) ? "small_order" : undefined;
}

function defectOfText(text: string): IdentityErrorCode | undefined {
  if (text.includes("=")) return "padded";
  if (/[+/]/.test(text)) return "standard_alphabet";
  if (/[^A-Za-z0-9_-]/.test(text)) return "bad_character";
  return text.length === keyCharacters ? undefined : "bad_length";
}

/** Canonical and of full use: there is one text for one key, so that nobody has several addresses. */
export class PublicKey {
  private constructor(
    /** 43 characters: the form that parse() takes. */
    readonly text: string,
    /** 32 bytes. Not to be changed. */
    readonly bytes: Uint8Array,
  ) {}

  /** Nothing is trimmed. Throws IdentityError padded, standard_alphabet, bad_character, bad_length, unused_bits; those of fromBytes(). */
  static parse(text: string): PublicKey {
    const defect = typeof text === "string" ? defectOfText(text) : "bad_length";
    if (defect !== undefined) throw new IdentityError(defect);
    const bytes = decodeBase64url(text, keyBytes);
    if (bytes === undefined) throw new IdentityError("unused_bits");
    return PublicKey.fromBytes(bytes);
  }

  /** Throws IdentityError bad_length, top_bit, not_reduced, small_order. */
  static fromBytes(bytes: Uint8Array): PublicKey {
    const defect = defectOfBytes(bytes);
    if (defect !== undefined) throw new IdentityError(defect);
    return new PublicKey(encodeBase64url(bytes), Uint8Array.from(bytes));
  }

  /** The first 8 characters: all of a key that a log says. */
  get shortText(): string {
    return this.text.slice(0, 8);
  }

  /** Whether both are the same key. */
  equals(other: PublicKey): boolean {
    return this.text === other.text;
  }

  /** Negative when this one is smaller, compared as bytes. */
  compare(other: PublicKey): number {
    const at = this.bytes.findIndex((byte, i) => byte !== other.bytes[i]);
    return at < 0 ? 0 : (this.bytes[at] as number) - (other.bytes[at] as number);
  }
}

/**
 * What two people compare aloud: ten groups of four hexadecimal digits, the same whoever asks. The first 20 bytes of
 * SHA-256("flowersec-rv-pair-v1" || smaller key || larger key).
 */
export async function pairFingerprint(a: PublicKey, b: PublicKey): Promise<string> {
  const [smaller, larger] = a.compare(b) < 0 ? [a, b] : [b, a];
  const digest = await (await defaultCrypto()).sha256(utf8("flowersec-rv-pair-v1"), smaller.bytes, larger.bytes);
  const digits = Array.from(digest.subarray(0, 20), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return (digits.match(/.{4}/g) as string[]).join(" ");
}
