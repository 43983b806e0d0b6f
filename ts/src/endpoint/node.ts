// Connecting and accepting in Node: WebSockets of the `ws` package, whose messages are bounded by the configured limits.
// Layer endpoint, Node only.

import type { ChannelInitGrant } from "../gen/flowersec/controlplane/v1.gen.js";
import type { DirectConnectInfo } from "../gen/flowersec/direct/v1.gen.js";
import type { Client, Session } from "../session/index.js";
import { maxPayloadFor } from "../ws/bound.js";
import { adaptNodeWebSocket, EmitterWebSocketAdapter, isEmitterWebSocket } from "../ws/node/adapt.js";
import { createNodeWsFactory } from "../ws/node/factory.js";
import type { WebSocketFactory, WebSocketLike } from "../ws/socket.js";
import { acceptDirect, acceptDirectResolved, connectTunnel as connectTunnelEndpoint, type CredentialResolver, type DirectCredential } from "./accept.js";
import { acceptSealed, type SealedCredentials } from "./accept_sealed.js";
import type { ConnectArtifact } from "./artifact.js";
import { connect, connectDirect, connectTunnel } from "./connect.js";
import { connectSealed, type SealedConnectInfo } from "./connect_sealed.js";
import type { ConnectOptions, DirectAcceptOptions, DirectConnectOptions, TunnelConnectOptions, TunnelEndpointOptions } from "./options.js";

interface SizedOptions {
  wsFactory?: WebSocketFactory | undefined;
  maxRecordBytes?: number | undefined;
  maxHandshakePayload?: number | undefined;
}

function withFactory<Options extends SizedOptions>(options: Options): Options & { wsFactory: WebSocketFactory } {
  const { wsFactory, maxRecordBytes, maxHandshakePayload } = options ?? ({} as Options);
  return { ...options, wsFactory: wsFactory ?? createNodeWsFactory({ maxPayload: maxPayloadFor(maxRecordBytes, maxHandshakePayload) }) };
}

/** connect() in Node: without a wsFactory, that of createNodeWsFactory. */
export async function connectNode(artifact: ConnectArtifact, options: ConnectOptions): Promise<Client> {
  return connect(artifact, withFactory(options));
}

/** connectTunnel() in Node. */
export async function connectTunnelNode(grant: ChannelInitGrant, options: TunnelConnectOptions): Promise<Client> {
  return connectTunnel(grant, withFactory(options));
}

/** connectDirect() in Node. */
export async function connectDirectNode(info: DirectConnectInfo, options: DirectConnectOptions): Promise<Client> {
  return connectDirect(info, withFactory(options));
}

/** connectSealed() in Node. */
export async function connectSealedNode(info: SealedConnectInfo, options: DirectConnectOptions): Promise<Client> {
  return connectSealed(info, withFactory(options));
}

/** The server role through a tunnel, in Node. */
export async function connectTunnelEndpointNode(
  grant: ChannelInitGrant | { readonly grant_server: ChannelInitGrant },
  options: TunnelEndpointOptions,
): Promise<Session> {
  return connectTunnelEndpoint(grant, withFactory(options));
}

/** As an emitter a socket hands over messages without a copy, and says when it drains. */
function adapted(socket: unknown): WebSocketLike {
  return isEmitterWebSocket(socket) ? new EmitterWebSocketAdapter(socket) : adaptNodeWebSocket(socket);
}

/** acceptDirect() for a socket of the `ws` package. Throws TypeError when it is no socket. */
export async function acceptDirectNode(socket: unknown, credential: DirectCredential, options: DirectAcceptOptions = {}): Promise<Session> {
  return acceptDirect(adapted(socket), credential, options);
}

/** acceptDirectResolved() for a socket of the `ws` package. Throws TypeError when it is no socket. */
export async function acceptDirectResolvedNode(socket: unknown, resolve: CredentialResolver, options: DirectAcceptOptions = {}): Promise<Session> {
  return acceptDirectResolved(adapted(socket), resolve, options);
}

/** acceptSealed() for a socket of the `ws` package. Throws TypeError when it is no socket. */
export async function acceptSealedNode(socket: unknown, credentials: SealedCredentials, options: DirectAcceptOptions = {}): Promise<Session> {
  return acceptSealed(adapted(socket), credentials, options);
}
