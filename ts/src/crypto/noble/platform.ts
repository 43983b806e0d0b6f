// Synchronous primitives where it is not Node: see "imports" of package.json.
export { nobleCrypto as syncCrypto } from "./provider.js";
