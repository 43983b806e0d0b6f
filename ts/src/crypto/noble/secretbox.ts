// NaCl's box precomputation and secretbox (XSalsa20-Poly1305), for peers of an older protocol only.
// Layer crypto. Nothing of this protocol is sealed with it: records use AES-256-GCM. Source: Bernstein, "Cryptography in NaCl".

import { hsalsa, xsalsa20poly1305 } from "@noble/ciphers/salsa.js";

/** Little-endian words of bytes, on machines of either order. */
function words(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Uint32Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(4 * i, true));
}

const sigma = /* @__PURE__ */ new TextEncoder().encode("expand 32-byte k");

/** HSalsa20 of a 32-byte X25519 output with zero input: what NaCl's box_beforenm gives. */
export function boxKey(x25519Output: Uint8Array): Uint8Array {
  const out = new Uint32Array(8);
  hsalsa(words(sigma), words(x25519Output), new Uint32Array(4), out);
  const key = new Uint8Array(32);
  const view = new DataView(key.buffer);
  out.forEach((word, i) => view.setUint32(4 * i, word, true));
  out.fill(0);
  return key;
}

/** Tag, then ciphertext. `nonce` is 24 bytes and never repeats under one key. */
export function secretboxSeal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array): Uint8Array {
  return xsalsa20poly1305(key, nonce).encrypt(plaintext);
}

/** Undefined when it does not verify, whatever the cause. */
export function secretboxOpen(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  try {
    return xsalsa20poly1305(key, nonce).decrypt(sealed);
  } catch {
    return undefined;
  }
}
