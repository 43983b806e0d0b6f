// Byte arithmetic shared by every layer: joining, comparing, big-endian integers, text.
// Layer base. No Buffer: everything here runs in a browser.

const utf8Encoder = /* @__PURE__ */ new TextEncoder();
const utf8Decoder = /* @__PURE__ */ new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8 of a text. */
export function utf8(text: string): Uint8Array {
  return utf8Encoder.encode(text);
}

const isWhiteSpace = (unit: string | undefined) => /\p{White_Space}/u.test(unit as string);

/** A text without white space around it, as PROTOCOL, "Trimming", says; of anything else an empty one. */
export function trimmed(text: unknown): string {
  if (typeof text !== "string") return "";
  let from = 0;
  let to = text.length;
  while (from < to && isWhiteSpace(text[from])) from++;
  while (to > from && isWhiteSpace(text[to - 1])) to--;
  return text.slice(from, to);
}

/** Text of strict UTF-8. Throws TypeError for anything else. */
export function fromUtf8(bytes: Uint8Array): string {
  return utf8Decoder.decode(bytes);
}

/** Bytes of all parts. */
export function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((length, part) => length + part.length, 0);
}

/** Copies all parts, in order, to where there is room for them. */
export function gather<Into extends Uint8Array>(parts: readonly Uint8Array[], into: Into): Into {
  let at = 0;
  for (const part of parts) {
    into.set(part, at);
    at += part.length;
  }
  return into;
}

/** One array with all parts, in order. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return gather(parts, new Uint8Array(lengthOf(parts)));
}

/**
 * Whether both are the same bytes. Reads all of both whatever they hold, so that the time says nothing about where they
 * differ; a JavaScript engine promises no more than that. Lengths are not secret.
 */
export function constantTimeEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number);
  return difference === 0;
}

/** Overwrites secrets. Copies that the engine or a CryptoKey made are out of reach; see docs/THREAT_MODEL.md. */
export function wipe(...secrets: readonly (Uint8Array | undefined)[]): void {
  for (const secret of secrets) secret?.fill(0);
}

export function readU16(from: Uint8Array, at: number): number {
  return ((from[at] as number) << 8) | (from[at + 1] as number);
}

export function readU32(from: Uint8Array, at: number): number {
  return readU16(from, at) * 0x10000 + readU16(from, at + 2);
}

/** Big-endian u64. */
export function readU64(from: Uint8Array, at: number): bigint {
  return (BigInt(readU32(from, at)) << 32n) | BigInt(readU32(from, at + 4));
}

export function writeU16(into: Uint8Array, at: number, value: number): void {
  into[at] = value >>> 8;
  into[at + 1] = value;
}

export function writeU32(into: Uint8Array, at: number, value: number): void {
  writeU16(into, at, value >>> 16);
  writeU16(into, at + 2, value & 0xffff);
}

/** Big-endian u64; a value outside it is taken modulo 2^64. */
export function writeU64(into: Uint8Array, at: number, value: bigint): void {
  writeU32(into, at, Number(BigInt.asUintN(32, value >> 32n)));
  writeU32(into, at + 4, Number(BigInt.asUintN(32, value)));
}
