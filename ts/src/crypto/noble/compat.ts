// What a browser without X25519 lacks, and for the few without any WebCrypto the rest; no P-256, which all have that have one.
// Layer crypto. The contents of js/ownwire_compat.js.

import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes as concat } from "@noble/hashes/utils.js";
import type { CryptoProvider } from "../provider.js";
import { nobleCipher } from "./aes.js";
import { nobleX25519 } from "./x25519.js";

/** For suite 1 only. */
export const compatCrypto: CryptoProvider = {
  name: "noble",
  generateKeyPair(suite) {
    if (suite !== 1) throw new Error("suite 1 only");
    return nobleX25519();
  },
  sha256: (...parts) => sha256(concat(...parts)),
  hmac: (key, ...parts) => hmac(sha256, key, concat(...parts)),
  cipher: nobleCipher,
};
