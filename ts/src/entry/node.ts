// flowersec/node: both roles, with WebSockets of the `ws` package. `connectTunnel` is the endpoint's, as in flowersec/endpoint.
export { createNodeArtifactEndpoint } from "../controlplane/node/artifact_endpoint.js";
export {
  AllowPlaintextForLoopback, assertConnectArtifact, createNetworkPlaintextPolicy, PlaintextRiskAcceptance, RequireTLS,
} from "../endpoint/index.js";
export {
  acceptDirectNode, acceptDirectResolvedNode, acceptSealedNode, connectDirectNode, connectSealedNode, connectTunnelEndpointNode, connectTunnelNode,
} from "../endpoint/node.js";
export type { SealedCredentials } from "../endpoint/accept_sealed.js";
export type { SealedConnectInfo } from "../endpoint/connect_sealed.js";
export type { DialOptions } from "../endpoint/options.js";
export type { ServeEndpointOptions } from "../reconnect/serve_endpoint.js";
export type { FromSource } from "../reconnect/connect_source.js";
export {
  connectNode, serveEndpoint, createNodeReconnectConfig, createNodeReconnectConfig as createDirectNodeReconnectConfig, createNodeReconnectConfig as createTunnelNodeReconnectConfig,
  type NodeReconnectConfigInput,
} from "../reconnect/node.js";
export { adaptNodeWebSocket } from "../ws/node/adapt.js";
export { createNodeWsFactory, type NodeWsFactoryOptions } from "../ws/node/factory.js";
export * from "./endpoint.js";
export type * from "./shared_types.js";
