// Stands where crypto/noble/provider.ts is in the package: loads the fallbacks as a script of its own, when something is missing.
// Layer ownwire, browsers. A script element and not import(), so that an integrity value can be held against it.

import type { CryptoProvider } from "../../crypto/index.js";
import { filled } from "../embedded.js";
import { scriptNonce, scriptUrl } from "./script.js";

/** The name that js/ownwire_compat.js gives them. */
export const compatName = "ownwireCompat";
const fileName = "ownwire_compat.js";

let loading: Promise<CryptoProvider> | undefined;

function load(): Promise<CryptoProvider> {
  loading ??= new Promise<CryptoProvider>((resolve, reject) => {
    const present = (globalThis as Record<string, unknown>)[compatName] as CryptoProvider | undefined;
    if (present !== undefined) return resolve(present);
    const element = document.createElement("script");
    const integrity = filled("%OWNWIRE_COMPAT_SRI%");
    if (integrity !== "") element.integrity = integrity;
    element.crossOrigin = "anonymous";
    element.nonce = scriptNonce() ?? "";
    const end = () => {
      element.remove();
      const loaded = (globalThis as Record<string, unknown>)[compatName] as CryptoProvider | undefined;
      if (loaded !== undefined) return resolve(loaded);
      loading = undefined; // the next attempt tries again
      reject(new Error(`${fileName} cannot be loaded`));
    };
    element.onload = element.onerror = end;
    element.src = new URL(fileName, scriptUrl() ?? document.baseURI).href;
    document.head.append(element);
  });
  return loading;
}

/** Answers when the script is there. */
export const nobleCrypto: CryptoProvider = {
  name: "noble",
  generateKeyPair: async (suite) => (await load()).generateKeyPair(suite),
  sha256: async (...parts) => (await load()).sha256(...parts),
  hmac: async (key, ...parts) => (await load()).hmac(key, ...parts),
  cipher: async (key) => (await load()).cipher(key),
};
