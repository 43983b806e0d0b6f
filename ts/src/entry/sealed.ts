// flowersec/sealed: direct connections whose server is known by its public key, and the pieces they are made of.
export { acceptSealed, type SealedCredentials } from "../endpoint/accept_sealed.js";
export { connectSealed, type SealedConnectInfo } from "../endpoint/connect_sealed.js";
export type { DirectAcceptOptions, DirectConnectOptions } from "../endpoint/index.js";
export type { Suite } from "../gen/flowersec/controlplane/v1.gen.js";
export { decodeOpen, encodeOpen, parseServerKey, SealedError, type OpenMessage, type SealedErrorCode } from "../sealed/index.js";
export { parseKeyFile, ServerKeyPair } from "../sealed/key_pair.js";
export { Session } from "../session/index.js";
export type * from "./shared_types.js";
