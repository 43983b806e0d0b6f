// Reconnecting in Node.
// Layer reconnect, Node only.

import type { ConnectArtifact } from "../endpoint/artifact.js";
import { connectDirectNode, connectNode as connectArtifact, connectTunnelEndpointNode } from "../endpoint/node.js";
import type { ConnectOptions } from "../endpoint/options.js";
import type { Client } from "../session/index.js";
import { reconnectConfig, type ConnectConfig, type ReconnectConfigInput } from "./config.js";
import { stayConnected, type FromSource } from "./connect_source.js";
import type { ReconnectManager } from "./manager.js";
import { serveEndpointThrough, type ServeEndpointOptions } from "./serve_endpoint.js";
import type { ArtifactSource } from "./source.js";

/** ReconnectConfigInput for Node: options as those of connectNode. */
export type NodeReconnectConfigInput = ReconnectConfigInput<ConnectOptions>;

/**
 * For createReconnectManager().connect: each attempt acquires an artifact and connects with it as connectNode does. Throws
 * validate/invalid_option for bad reconnect settings, and for a source that yields once together with reconnecting.
 */
export function createNodeReconnectConfig(input: NodeReconnectConfigInput): ConnectConfig {
  return reconnectConfig(input, connectArtifact);
}

/** connect() in Node: without a wsFactory, that of createNodeWsFactory. */
export function connectNode(artifact: ConnectArtifact, options: ConnectOptions): Promise<Client>;
/**
 * Acquires an artifact, connects as above, and stays connected as `autoReconnect` says: resolves with the manager once it is
 * connected. Errors: auto/validate/invalid_input for a source of no known kind; those of ReconnectManager.connect;
 * connect/canceled when the signal fires before.
 */
export function connectNode(source: ArtifactSource, options: FromSource<ConnectOptions>): Promise<ReconnectManager>;
export async function connectNode(from: ConnectArtifact | ArtifactSource, options: FromSource<ConnectOptions>): Promise<Client | ReconnectManager> {
  if (typeof from === "object" && from !== null && "kind" in from) return stayConnected<ConnectOptions>(from, options, connectArtifact);
  return connectArtifact(from, options);
}

/** Keeps an endpoint registered at its control plane and serves its clients, until the signal fires. As serveEndpointThrough. */
export async function serveEndpoint(options: ServeEndpointOptions): Promise<void> {
  return serveEndpointThrough({ connectControl: connectDirectNode, attach: connectTunnelEndpointNode }, options);
}
