// flowersec: connecting as client, on any platform.
export { FlowersecError } from "../base/errors.js";
export {
  AllowPlaintextForLoopback, assertConnectArtifact, connect, connectDirect, connectTunnel, createNetworkPlaintextPolicy, PlaintextRiskAcceptance,
  RequireTLS,
} from "../endpoint/index.js";
export { assertChannelInitGrant } from "../gen/flowersec/controlplane/v1.gen.js";
export { assertDirectConnectInfo } from "../gen/flowersec/direct/v1.gen.js";
export type * from "./shared_types.js";
