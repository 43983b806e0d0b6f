// The one place where an implementation of the primitives is chosen.
// Layer crypto.

import { platformCrypto } from "#crypto-platform";
import type { Awaitable } from "../base/index.js";
import type { CryptoProvider } from "./provider.js";

export * from "./provider.js";

let forced: CryptoProvider | undefined;

/** What every new handshake uses. */
export function defaultCrypto(): Awaitable<CryptoProvider> {
  return forced ?? platformCrypto();
}

/** Makes every later handshake use this implementation, for tests and measurements; undefined ends it. */
export function forceCrypto(provider: CryptoProvider | undefined): void {
  forced = provider;
}
