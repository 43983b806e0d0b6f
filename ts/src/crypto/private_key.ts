// X25519 pairs of private keys that somebody kept: identities. Handshakes generate theirs and have no use for it.
// Layer crypto. WebCrypto where that is what there is, without a way back to the key; JavaScript where it lacks X25519.

import { concat, wipe } from "../base/index.js";
import { webKeyPair } from "./browser/provider.js";
import { defaultCrypto, suiteX25519, type CryptoProvider, type KeyPair, type SyncCryptoProvider } from "./index.js";

// PrivateKeyInfo up to its 32 bytes. Source: RFC 8410, 7.
const pkcs8 = /* @__PURE__ */ Uint8Array.of(0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20);

async function webPairOf(subtle: SubtleCrypto, privateKey: Uint8Array): Promise<KeyPair> {
  const text = concat(pkcs8, privateKey);
  let key: CryptoKey;
  try {
    key = await subtle.importKey("pkcs8", text, { name: "X25519" }, false, ["deriveBits"]);
  } catch {
    return (await import("./noble/dh.js")).nobleKeyPair(suiteX25519, privateKey);
  } finally {
    wipe(text);
  }
  // The public half is the agreement with the base point; exporting it would need a key that can be exported whole.
  const base = new Uint8Array(32);
  base[0] = 9;
  const publicKey = await webKeyPair(subtle, suiteX25519, key, base).agree(base);
  return webKeyPair(subtle, suiteX25519, key, publicKey);
}

/** The pair of an X25519 private key of 32 bytes, of which it takes a copy. */
export async function x25519PairOf(privateKey: Uint8Array, provider?: CryptoProvider): Promise<KeyPair> {
  const chosen = provider ?? (await defaultCrypto());
  if (chosen.name === "webcrypto") return webPairOf(globalThis.crypto.subtle, privateKey);
  return (chosen as SyncCryptoProvider).keyPairOf(suiteX25519, privateKey);
}
