// Bytes as tests and shared data write them.
import { decodeBase64url } from "../base/index.js";

/** Of hexadecimal digits; spaces do not count. */
export function hex(text: string): Uint8Array {
  return Uint8Array.from(text.replaceAll(" ", "").match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Hexadecimal digits of bytes. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Of base64url. */
export function b64u(text: string): Uint8Array {
  const bytes = decodeBase64url(text);
  if (bytes === undefined) throw new Error(`not base64url: ${text}`);
  return bytes;
}

/** A copy with one bit changed. */
export function flipped(bytes: Uint8Array, at = bytes.length - 1, bit = 1): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] as number) ^ bit;
  return copy;
}

/** Bytes that differ from place to place. */
export function pattern(size: number): Uint8Array {
  return new Uint8Array(size).map((_, i) => i * 31 + (i >> 8));
}
