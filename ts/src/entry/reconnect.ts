// flowersec/reconnect: a connection that comes back.
export {
  type ConnectAttempt, type ConnectConfig, type ReconnectConfigInput, type SupervisedClient,
} from "../reconnect/config.js";
export { createControlplaneArtifactSource, type ControlplaneArtifactSourceInput } from "../reconnect/controlplane_source.js";
export type { ConnectionStatus } from "../reconnect/machine.js";
export { createReconnectManager, type ConnectionState, type ReconnectManager, type ReconnectManagerOptions } from "../reconnect/manager.js";
export type { ReconnectSettings } from "../reconnect/settings.js";
export { createArtifactResolver, type ArtifactRequest, type ArtifactResolver, type ArtifactSource } from "../reconnect/source.js";
export type { Surroundings } from "../reconnect/surroundings.js";
