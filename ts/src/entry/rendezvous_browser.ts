// flowersec/rendezvous in browsers: a peer that is addressed by its public key, and reaches others by theirs.
export * from "../rendezvous/index.js";
