// flowersec/identity: peers that are addressed by their public key, and the file that keeps one. What docs/IDENTITY.md says, without connections.
export * from "../identity/index.js";
export { readIdentityFile, readStoredIdentity, writeIdentityFile } from "../identity/node/file.js";
