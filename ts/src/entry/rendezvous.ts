// flowersec/rendezvous: a peer that is addressed by its public key and reaches others by theirs; and, in Node, the registry where they meet.
export { RegistryServer, type RegistryServerOptions, type UpgradeRequest } from "../rendezvous/node/registry_server.js";
export type { RegistryLimits } from "../rendezvous/limits.js";
export * from "../rendezvous/index.js";
