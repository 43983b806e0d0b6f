// Primitives that answer at once on every platform: node:crypto, or JavaScript. For the low-level functions of ./e2ee;
// sessions use index.ts, so that a browser's bundle does not carry the JavaScript.
// Layer crypto.
export { syncCrypto } from "#crypto-sync";
