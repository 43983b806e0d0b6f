// Options of connecting and accepting, and their checks.
// Layer endpoint. Source: PROTOCOL, "Connection lifecycle". Sizes are bytes; 0 or absent is the default unless said otherwise.

import { FlowersecError, transportDefaults, trimmed, withDeadline, type Clock, type FlowersecPath } from "../base/index.js";
import type { ServerHandshakeCache } from "../e2ee/index.js";
import type { ClientObserverLike } from "../observability/index.js";
import { checkedLimits, type RecordLimits } from "../record/index.js";
import { failure, howEnded, noLiveness, type Liveness, type LivenessOptions } from "../session/index.js";
import { resolveWebSocketLimits, type WebSocketLimits } from "../ws/limits.js";
import type { WebSocketFactory } from "../ws/socket.js";
import { checkYamuxLimits, type YamuxLimits, type YamuxStream } from "../yamux/index.js";
import type { ScopeEntry } from "./artifact.js";
import type { TransportSecurityPolicy } from "./policy.js";

/** Both roles, both paths. */
export interface CommonOptions extends RecordLimits {
  /** Gives the connecting or accepting up. Its reason is the error's cause. */
  signal?: AbortSignal | undefined;
  /** For the whole handshake, in milliseconds. Default 10 000; 0: no limit. */
  handshakeTimeoutMs?: number | undefined;
  /** Largest JSON payload of a handshake message. Default 8192. */
  maxHandshakePayload?: number | undefined;
  webSocketLimits?: { readonly [name in keyof WebSocketLimits]?: number | undefined } | undefined;
  yamuxLimits?: YamuxLimits | undefined;
  /** Default RequireTLS. */
  transportSecurityPolicy?: TransportSecurityPolicy | undefined;
  /** Automatic probes: false is off. Default: derived from the grant's idle time-out through a tunnel, else off. */
  liveness?: false | LivenessOptions | undefined;
  /** For tests. */
  clock?: Clock | undefined;
}

/** Dialling, in either role. */
export interface DialOptions extends CommonOptions {
  /** The Origin header; required. In a browser it is the page's. */
  origin: string;
  /** Until the WebSocket is open, in milliseconds. Default 10 000; 0: no limit. */
  connectTimeoutMs?: number | undefined;
  /** Makes the WebSocket. Default, in browsers only: the browser's. */
  wsFactory?: WebSocketFactory | undefined;
}

/** Connecting as client. */
export interface ClientConnectOptions extends DialOptions {
  /** Feature bits to offer, a u32. Default 0. */
  clientFeatures?: number | undefined;
  observer?: ClientObserverLike | undefined;
  /**
   * Takes the streams that the server opens, their hello unread. Default: they are reset.
   * @internal
   */
  onIncomingStream?: ((stream: YamuxStream) => void) | undefined;
}

/** Of types only: options of one path are not those of the other. */
declare const onPath: unique symbol;

export interface TunnelConnectOptions extends ClientConnectOptions {
  readonly [onPath]?: "tunnel";
  /** What the tunnel knows this connection by: base64url of 16 to 32 bytes. Default: 24 random bytes. */
  endpointInstanceId?: string | undefined;
}

export interface DirectConnectOptions extends ClientConnectOptions {
  readonly [onPath]?: "direct";
  /** There is none on the direct path. */
  endpointInstanceId?: never;
}

/** Looks at a scope of an artifact before anything is dialled. Throwing refuses it. */
export type ScopeResolver = (entry: ScopeEntry) => void | Promise<void>;

/** Connecting with an artifact, which says which path it is. */
export interface ConnectOptions extends ClientConnectOptions {
  endpointInstanceId?: string | undefined;
  /** By scope name. A critical scope without one is refused. */
  scopeResolvers?: Readonly<Record<string, ScopeResolver>> | undefined;
  /** Lets scopes that are not critical fail. */
  relaxedOptionalScopeValidation?: boolean | undefined;
}

/** The server role. */
export interface EndpointOptions extends CommonOptions {
  /** How far a client's clock may be away, in milliseconds, rounded up to whole seconds. Default 30 000; 0 is exact. */
  handshakeClockSkewMs?: number | undefined;
  /** Feature bits to offer, a u32. Default 0. */
  serverFeatures?: number | undefined;
  /** Unfinished handshakes, shared by the connections that are given the same cache. Default: a private one. */
  handshakeCache?: ServerHandshakeCache | undefined;
}

export interface DirectAcceptOptions extends EndpointOptions {
  /** Whether the socket came over TLS; plaintext also needs a policy that allows it on loopback. Default true. */
  secureTransport?: boolean | undefined;
}

export interface TunnelEndpointOptions extends EndpointOptions, DialOptions {
  /** As a client's. */
  endpointInstanceId?: string | undefined;
}

/** What the steps after validation work with, besides the options themselves. */
export interface CheckedOptions {
  readonly connectTimeoutMs: number;
  readonly handshakeTimeoutMs: number;
  readonly liveness: Liveness;
}

/** Options of any role and path. */
export type AnyOptions = CommonOptions & Pick<DialOptions, "connectTimeoutMs"> & Pick<ClientConnectOptions, "clientFeatures"> & EndpointOptions;

/** Names of options that check_options.ts has checks for. */
const namesToCheck = /(Ms|Features|Payload|Bytes|Policy|Limits|liveness)$/;

/** Defaults filled in, and what is given checked. Throws validate/invalid_option. */
export async function checkedOptions(path: FlowersecPath, options: AnyOptions, derived: Liveness): Promise<CheckedOptions> {
  const mayBeBad = Object.keys(options).some((name) => namesToCheck.test(name));
  return filled(path, options, derived, mayBeBad ? await loaded(path, import("./check_options.js"), options.signal) : undefined);
}

/** checkedOptions, with the checks there already. */
export function filled(path: FlowersecPath, options: AnyOptions, derived: Liveness, checks?: typeof import("./check_options.js")): CheckedOptions {
  try {
    checks?.checkOptions(options, { checkedLimits, resolveWebSocketLimits, checkYamuxLimits });
    return {
      connectTimeoutMs: options.connectTimeoutMs ?? transportDefaults.connectTimeoutMs,
      handshakeTimeoutMs: options.handshakeTimeoutMs ?? transportDefaults.handshakeTimeoutMs,
      liveness: checks?.checkLiveness(options.liveness, derived, noLiveness) ?? derived,
    };
  } catch (error) {
    throw invalidOption(path, (error as Error).message, error);
  }
}

/** validate/invalid_option, saying what. */
export function invalidOption(path: FlowersecPath, message: string, cause?: unknown): FlowersecError {
  return new FlowersecError({ path, stage: "validate", code: "invalid_option", message, cause });
}

/**
 * Code that is loaded when it is needed. Where it cannot be, or not in 10 s, connecting fails as dialling would: connect/dial_failed,
 * connect/timeout. Errors also connect/canceled; a signal that had fired before is left to whoever looks at it in its turn.
 */
export function loaded<Module>(path: FlowersecPath, module: Promise<Module>, signal?: AbortSignal): Promise<Module> {
  const { connectTimeoutMs: timeoutMs } = transportDefaults;
  return withDeadline(module, { signal: signal?.aborted ? undefined : signal, timeoutMs }).catch((cause: unknown) => {
    throw failure(path, "connect", howEnded(cause, "dial_failed"), cause);
  });
}

/** The origin. Throws validate/missing_origin. */
export function checkOrigin(path: FlowersecPath, origin: unknown): string {
  const text = trimmed(origin);
  if (!text) throw failure(path, "validate", "missing_origin");
  return text;
}
