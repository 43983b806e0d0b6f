// flowersec/identity in browsers: peers that are addressed by their public key. What docs/IDENTITY.md says, without connections.
export * from "../identity/index.js";
