// What the doors show of endpoint, for both platforms.
export {
  assertConnectArtifact, type ConnectArtifact, type Correlation, type DirectConnectArtifact, type ScopeEntry, type TunnelConnectArtifact,
} from "./artifact.js";
export { connect, connectDirect, connectTunnel } from "./connect.js";
export type {
  ClientConnectOptions, CommonOptions, ConnectOptions, DialOptions, DirectAcceptOptions, DirectConnectOptions, EndpointOptions, ScopeResolver,
  TunnelConnectOptions, TunnelEndpointOptions,
} from "./options.js";
export {
  AllowPlaintextForLoopback, createNetworkPlaintextPolicy, PlaintextRiskAcceptance, RequireTLS, type TransportPolicyFunction,
  type TransportPolicyInput, type TransportSecurityPolicy,
} from "./policy.js";
