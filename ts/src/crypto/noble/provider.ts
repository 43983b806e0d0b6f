// The primitives in JavaScript, for platforms without WebCrypto (a page that is not from a secure origin has none).
// Layer crypto. Loaded by import() only.

import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes as concat } from "@noble/hashes/utils.js";
import type { SyncCryptoProvider } from "../provider.js";
import { nobleCipher } from "./aes.js";
import { nobleKeyPair } from "./dh.js";

/** @noble/ciphers, curves and hashes. */
export const nobleCrypto: SyncCryptoProvider = {
  name: "noble",
  generateKeyPair: (suite) => nobleKeyPair(suite),
  keyPairOf: nobleKeyPair,
  sha256: (...parts) => sha256(concat(...parts)),
  hmac: (key, ...parts) => hmac(sha256, key, concat(...parts)),
  cipher: nobleCipher,
};
