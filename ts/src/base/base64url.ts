// base64url without padding, canonical only.
// Layer base. Source: PROTOCOL, "base64url"; RFC 4648, 5.

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const values = new Map(Array.from(alphabet, (letter, value) => [letter.charCodeAt(0), value]));

/** Text of some bytes. */
export function encodeBase64url(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const group = ((bytes[i] as number) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    for (let shift = 18; shift >= (left > 2 ? 0 : left > 1 ? 6 : 12); shift -= 6) text += alphabet[(group >> shift) & 63];
  }
  return text;
}

/**
 * Bytes of a text, or undefined for padding, any other foreign character, a length of 1 modulo 4, and unused bits that
 * are not zero: there is one text for each byte string. `bytes` is the number of bytes it must be.
 */
export function decodeBase64url(text: string, bytes = Math.floor((text.length * 3) / 4)): Uint8Array | undefined {
  if (text.length % 4 === 1 || bytes !== Math.floor((text.length * 3) / 4)) return undefined;
  const decoded = new Uint8Array(bytes);
  let held = 0;
  let bits = 0;
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    const value = values.get(text.charCodeAt(i));
    if (value === undefined) return undefined;
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    decoded[at++] = held >> bits;
  }
  return (held & ((1 << bits) - 1)) === 0 ? decoded : undefined;
}
