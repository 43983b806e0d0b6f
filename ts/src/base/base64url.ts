// base64url without padding, canonical only.
// Layer base. Source: PROTOCOL, "base64url"; RFC 4648, 5.

/** Text of some bytes. */
export function encodeBase64url(bytes: Uint8Array): string {
  let letters = "";
  for (const byte of bytes) letters += String.fromCharCode(byte);
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * Bytes of a text, or undefined for padding, any other foreign character, a length of 1 modulo 4, and unused bits that
 * are not zero: there is one text for each byte string. `bytes` is the number of bytes it must be.
 */
export function decodeBase64url(text: string, bytes?: number): Uint8Array | undefined {
  let letters: string;
  try {
    letters = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return undefined;
  }
  const decoded = Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
  // atob is generous; what it was generous about does not come back.
  return encodeBase64url(decoded) === text && decoded.length === (bytes ?? decoded.length) ? decoded : undefined;
}
