// Types that every door to connecting shows.
export type { FlowersecErrorCode, FlowersecPath, FlowersecStage } from "../base/errors.js";
export type {
  ClientConnectOptions, ConnectArtifact, ConnectOptions, Correlation, DirectConnectArtifact, DirectConnectOptions, ScopeEntry, ScopeResolver,
  TransportPolicyFunction, TransportPolicyInput, TransportSecurityPolicy, TunnelConnectArtifact, TunnelConnectOptions,
} from "../endpoint/index.js";
export type { ChannelInitGrant } from "../gen/flowersec/controlplane/v1.gen.js";
export type { DirectConnectInfo } from "../gen/flowersec/direct/v1.gen.js";
export type { ClientObserver, ClientObserverLike, DiagnosticEvent } from "../observability/events.js";
export type { Client, ClientPath, Liveness, LivenessOptions } from "../session/index.js";
export type { WebSocketLimits } from "../ws/limits.js";
export type { WebSocketFactory, WebSocketLike } from "../ws/socket.js";
export type { YamuxLimits, YamuxStream } from "../yamux/index.js";
