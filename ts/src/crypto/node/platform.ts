// What the package takes in Node: see "imports" of package.json.
import type { CryptoProvider } from "../provider.js";
import { nodeCrypto } from "./provider.js";

export { nodeCrypto as syncCrypto };

export const platformCrypto = (): CryptoProvider => nodeCrypto;
