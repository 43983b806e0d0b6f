// What the package takes where it is not Node: see "imports" of package.json.
import type { CryptoProvider } from "../provider.js";
import { webCrypto } from "./provider.js";

/** WebCrypto; JavaScript where there is none, which is in pages from insecure origins. */
export async function platformCrypto(): Promise<CryptoProvider> {
  const subtle = (globalThis.crypto as Crypto | undefined)?.subtle as SubtleCrypto | undefined;
  return subtle ? webCrypto(subtle) : (await import("../noble/provider.js")).nobleCrypto;
}
