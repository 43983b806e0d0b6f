// The server role: on a socket that was accepted, or through a tunnel.
// Layer endpoint. Source: PROTOCOL, "Endpoint, direct", "Endpoint through a tunnel".

import { Deadline, e2eeDefaults, transportDefaults, wipe, type BinaryTransport, type FlowersecPath } from "../base/index.js";
import { peekInit, serverHandshake, type InitPeek, type SecureChannel } from "../e2ee/index.js";
import { toPublic } from "../handshake/to_public.js";
import { isSuite, Role, type ChannelInitGrant, type Suite } from "../gen/flowersec/controlplane/v1.gen.js";
import { NoopObserver, nowSeconds } from "../observability/index.js";
import { failure, isAbort, isTimeout, livenessOfIdleTimeout, noLiveness, offeredFeatures, Session } from "../session/index.js";
import { guard } from "../ws/bound.js";
import type { WebSocketLike } from "../ws/socket.js";
import { SocketTransport } from "../ws/transport.js";
import { attach, closing, dial, enforcePolicy, handshakeFailed } from "./dial.js";
import { checkChannelId, checkGrant, checkInitExp, checkPsk } from "./inputs.js";
import * as checks from "./check_options.js";
import { checkOrigin, filled, type CheckedOptions, type DirectAcceptOptions, type EndpointOptions, type TunnelEndpointOptions } from "./options.js";

/** What a server knows about a channel. */
export interface ResolvedCredential {
  /** 32 bytes, or their base64url. A copy is used, and wiped. */
  psk: Uint8Array | string;
  /** End of the channel's init window, Unix seconds. */
  initExpireAtUnixS: number;
  /**
   * Runs when the client has proved that it knows the key, before any stream: the moment to mark a credential as used.
   * Throwing closes the connection.
   */
  commitAuthenticated?: (() => void | Promise<void>) | undefined;
}

/** A channel known beforehand. */
export interface DirectCredential extends ResolvedCredential {
  channelId: string;
  /** 1 is X25519, 2 is P-256. */
  suite: Suite;
}

/**
 * Finds the credential of a channel. It must not consume anything: whoever asks is not authenticated yet. Throwing, or
 * taking longer than the handshake time-out, refuses the client.
 */
export type CredentialResolver = (asked: InitPeek) => ResolvedCredential | Promise<ResolvedCredential>;

/**
 * The server's handshake on an accepted WebSocket. Errors: FlowersecError of path direct, stages validate and handshake;
 * each closes the socket.
 */
export async function acceptDirect(socket: WebSocketLike, credential: DirectCredential, options: DirectAcceptOptions = {}): Promise<Session> {
  options ??= {};
  return accept(socket, options, async (checked, transport, deadline) => {
    const channelId = checkChannelId("direct", credential?.channelId);
    if (!isSuite(credential.suite)) throw failure("direct", "validate", "invalid_suite");
    return authenticate(transport, { ...credential, channelId }, checked, options, deadline);
  });
}

/** The same for a channel that the client names: its first message is read, `resolve` finds the credential. */
export async function acceptDirectResolved(socket: WebSocketLike, resolve: CredentialResolver, options: DirectAcceptOptions = {}): Promise<Session> {
  options ??= {};
  return accept(socket, options, async (checked, transport, deadline) => {
    let asked: InitPeek;
    const frame = await deadline.wait(transport.readBinary(), options.signal).catch((error: unknown) => {
      throw handshakeFailure("direct", error);
    });
    try {
      asked = peekInit(frame, options.maxHandshakePayload || e2eeDefaults.maxHandshakePayload);
    } catch (error) {
      throw handshakeFailure("direct", error);
    }
    let found: ResolvedCredential;
    try {
      found = await deadline.wait((async () => resolve(asked))(), options.signal);
    } catch (error) {
      if (isGivenUp(error, options.signal, deadline)) throw handshakeFailure("direct", error);
      throw failure("direct", "validate", "resolve_failed", error);
    }
    const credential = { ...found, channelId: asked.channelId, suite: asked.suite };
    return authenticate(replaying(frame, transport), credential, checked, options, deadline);
  });
}

/**
 * Attaches to the tunnel that the server's grant names and waits for the client; the handshake time-out includes that
 * wait. Takes `{grant_server}` too. Errors: FlowersecError of path tunnel, stages validate, connect, attach, handshake.
 */
export async function connectTunnel(
  grant: ChannelInitGrant | { readonly grant_server: ChannelInitGrant },
  options: TunnelEndpointOptions,
): Promise<Session> {
  const raw: unknown = typeof grant === "object" && grant !== null && "grant_server" in grant ? grant.grant_server : grant;
  const plan = await checkGrant(raw, Role.server, options?.endpointInstanceId);
  let toClose: { close(): void } = { close() {} };
  try {
    const origin = checkOrigin("tunnel", options?.origin);
    const checked = filled("tunnel", options, livenessOfIdleTimeout(plan.idleTimeoutSeconds), checks);
    await enforcePolicy("tunnel", plan.url, options, "connect", checked.connectTimeoutMs);
    const { ws, transport } = await dial("tunnel", plan.url, origin, options, checked.connectTimeoutMs, NoopObserver);
    toClose = transport;
    attach(ws, plan, NoopObserver);
    const deadline = new Deadline(checked.handshakeTimeoutMs, options.clock);
    return await authenticate(transport, plan, checked, options, deadline, plan.endpointInstanceId);
  } catch (error) {
    throw closing(error, toClose);
  } finally {
    wipe(plan.psk);
  }
}

type AcceptSteps = (checked: CheckedOptions, transport: SocketTransport, deadline: Deadline) => Promise<Session>;

async function accept(socket: WebSocketLike, options: DirectAcceptOptions, steps: AcceptSteps): Promise<Session> {
  if (socket === undefined || socket === null) throw failure("direct", "validate", "missing_conn");
  let toClose: { close(): void } = socket;
  try {
    guard(socket, options);
    const checked = filled("direct", options, noLiveness, checks);
    // Before anything is awaited: what the client has sent already is not lost.
    const transport = new SocketTransport(socket, { webSocketLimits: options.webSocketLimits, clock: options.clock });
    toClose = transport;
    const deadline = new Deadline(checked.handshakeTimeoutMs, options.clock);
    const url = (options.secureTransport ?? true) ? "wss://localhost/" : "ws://localhost/";
    await enforcePolicy("direct", url, options, "handshake", checked.handshakeTimeoutMs);
    return await steps(checked, transport, deadline);
  } catch (error) {
    throw closing(error, toClose);
  }
}

/** The handshake of a channel that is known, and the session on it. */
export async function authenticate(
  transport: BinaryTransport,
  credential: DirectCredential,
  checked: CheckedOptions,
  options: EndpointOptions,
  deadline: Deadline,
  endpointInstanceId?: string,
): Promise<Session> {
  const path = endpointInstanceId === undefined ? "direct" : "tunnel";
  const { channelId, suite, commitAuthenticated } = credential;
  const initExpireAtUnixS = checkInitExp(path, credential.initExpireAtUnixS);
  const psk = checkPsk(path, credential.psk);
  const { signal, clock } = options;
  const startedAt = nowSeconds();
  let channel: SecureChannel;
  try {
    const timeoutMs = deadline.leftMs();
    const clockSkewSeconds = Math.ceil((options.handshakeClockSkewMs ?? transportDefaults.handshakeClockSkewMs) / 1000);
    channel = await serverHandshake(transport, options.handshakeCache, {
      ...options, channelId, suite, psk, initExpireAtUnixS, clockSkewSeconds, serverFeatures: offeredFeatures(options.serverFeatures, options.yamuxLimits),
      timeoutMs: timeoutMs === Infinity ? 0 : timeoutMs === 0 ? Number.MIN_VALUE : timeoutMs,
    });
  } catch (error) {
    throw await handshakeFailed(path, startedAt, NoopObserver, error);
  } finally {
    wipe(psk);
  }
  try {
    if (commitAuthenticated !== undefined) await deadline.wait((async () => commitAuthenticated())(), signal);
  } catch (error) {
    const told = isGivenUp(error, signal, deadline) ? handshakeFailure(path, error) : failure(path, "handshake", "credential_commit_failed", error);
    throw closing(told, channel);
  }
  const { yamuxLimits, maxOutboundBufferedBytes } = options;
  return Session.create(path, channel, { yamuxLimits, liveness: checked.liveness, clock, endpointInstanceId, maxOutboundBufferedBytes });
}

/** What ended the waiting for a handshake message. */
export function handshakeFailure(path: FlowersecPath, error: unknown) {
  const { stage, code } = toPublic(error);
  return failure(path, stage, code, error);
}

/** Whether a wait ended by our signal or deadline, and not by an error of that name that somebody else threw. */
function isGivenUp(error: unknown, signal: AbortSignal | undefined, deadline: Deadline): boolean {
  return (isAbort(error) && signal?.aborted === true) || (isTimeout(error) && deadline.leftMs() === 0);
}

/** The transport with one message put back in front. */
function replaying(frame: Uint8Array, transport: SocketTransport): BinaryTransport {
  let first: Uint8Array | undefined = frame;
  return {
    readBinary(options) {
      if (first === undefined) return transport.readBinary(options);
      const put = first;
      first = undefined;
      return Promise.resolve(put);
    },
    writeBinary: (sent, options) => transport.writeBinary(sent, options),
    close: () => transport.close(),
  };
}
