// WebCrypto key pairs of known private keys; the package itself only generates.
import { suiteX25519, type KeyPair, type SuiteId } from "../crypto/index.js";
import { webKeyPair } from "../crypto/browser/provider.js";
import { concat } from "../base/index.js";
import { hex } from "./bytes.js";

// PKCS #8 up to the private key: RFC 8410, 7; RFC 5915.
const headers = {
  1: hex("302e020100300506032b656e04220420"),
  2: hex("3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420"),
};

/** Of 32 bytes. */
export async function webKeyPairOf(suite: SuiteId, privateKey: Uint8Array): Promise<KeyPair> {
  const algorithm = suite === suiteX25519 ? { name: "X25519" } : { name: "ECDH", namedCurve: "P-256" };
  const key = await crypto.subtle.importKey("pkcs8", concat(headers[suite], privateKey), algorithm, true, ["deriveBits"]);
  const { x = "", y = "" } = await crypto.subtle.exportKey("jwk", key);
  const bytes = (text: string) => Uint8Array.from(Buffer.from(text, "base64url"));
  return webKeyPair(crypto.subtle, suite, key, suite === suiteX25519 ? bytes(x) : concat(Uint8Array.of(4), bytes(x), bytes(y)));
}
