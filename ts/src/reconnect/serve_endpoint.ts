// A server endpoint that stays registered at its control plane, and meets every client that is announced to it.
// Layer reconnect. Source: RECONNECT, "A server endpoint"; CONTROLPLANE, "Control connection".

import { FlowersecError, quietly } from "../base/index.js";
import type { DialOptions, TunnelEndpointOptions } from "../endpoint/options.js";
import { assertChannelInitGrant, Role, type ChannelInitGrant } from "../gen/flowersec/controlplane/v1.gen.js";
import type { DirectConnectInfo } from "../gen/flowersec/direct/v1.gen.js";
import { RpcCallError } from "../gen/flowersec_runtime.gen.js";
import { callTyped } from "../rpc/call_typed.js";
import { failure, type Client, type Session } from "../session/index.js";
import { checkServing } from "./check_serving.js";
import type { ConnectConfig } from "./config.js";
import { createReconnectManager } from "./manager.js";
import type { ReconnectSettings } from "./settings.js";

const registerType = 1001;
const serverGrantType = 1002;
const registerTimeoutMs = 10_000;
const maxWaitingGrants = 16;
const [badRequest, forbidden] = [400, 403];

/** What an endpoint is, and how it serves. Callbacks that throw are their own concern. */
export interface ServeEndpointOptions {
  /** The credential of this endpoint, and where its control plane is. */
  readonly credential: DirectConnectInfo;
  /** Trimmed; 1 to 256 bytes. */
  readonly endpointId: string;
  /** How the control plane and tunnels are dialled. */
  readonly dial: Omit<DialOptions, "signal">;
  /** For tunnels only. The handshake time-out includes the wait for the client; default 60 s. */
  readonly attach?: Pick<TunnelEndpointOptions, "handshakeTimeoutMs" | "handshakeClockSkewMs" | "serverFeatures" | "liveness">;
  /** Serves one session. The session is closed when this settles. */
  serve(session: Session): Promise<void> | void;
  /** Without an argument: it is registered. With one: it was, and is not, or its handshake was refused (each time). */
  readonly onRegistered?: (lost?: unknown) => void;
  /** A client did not come, or serving it failed. */
  readonly onClientFailed?: (error: unknown) => void;
  /** A grant was dropped: all sessions are taken, and 16 grants wait. */
  readonly onGrantDropped?: () => void;
  /** Attaches under way and sessions at once; at least 1, default 256. */
  readonly maxSessions?: number;
  /** Waits between attempts. Default: those of a manager, and as many attempts as it takes. */
  readonly autoReconnect?: Omit<ReconnectSettings, "enabled">;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/** How this platform dials. */
export interface EndpointDoors {
  connectControl(credential: DirectConnectInfo, options: DialOptions): Promise<Client>;
  attach(grant: ChannelInitGrant, options: TunnelEndpointOptions): Promise<Session>;
}

/**
 * Resolves when the signal fired and everything is over: the control connection, attaches, sessions. A refused handshake is
 * no end: the control plane may learn of this credential yet. Errors: validate/invalid_option and missing_origin, and those of a
 * credential that cannot be, before anything is dialled; validate/invalid_input when the control plane answers the registration
 * with 400 or 403, the cause says so; terminal codes.
 */
export async function serveEndpointThrough(doors: EndpointDoors, options: ServeEndpointOptions): Promise<void> {
  const { credential, dial, onRegistered, maxSessions = 256, signal } = options;
  const endpointId = await checkServing(options);
  const over = new AbortController();
  const clients = new Clients(doors, options, maxSessions, over.signal);
  const manager = createReconnectManager({ clock: dial.clock });
  const connectOnce: ConnectConfig["connectOnce"] = async ({ signal: attempt, observer }) => {
    const control = await doors.connectControl(credential, { ...dial, observer, signal: attempt } as DialOptions);
    try {
      control.rpc.onNotify(serverGrantType, (payload) => clients.announce(payload)); // before anybody can announce a client
      const within = AbortSignal.any([attempt, AbortSignal.timeout(registerTimeoutMs)]);
      await callTyped(control.rpc, registerType, { endpoint_id: endpointId }, { signal: within });
      return control;
    } catch (error) {
      control.close();
      throw verdictOn(error);
    }
  };
  let isRegistered = false;
  try {
    await new Promise<void>((resolve, reject) => {
      if (signal?.aborted) return resolve();
      over.signal.addEventListener("abort", () => signal?.removeEventListener("abort", stop));
      const stop = () => resolve();
      signal?.addEventListener("abort", stop, { once: true });
      manager.subscribe(({ status, error }) => {
        if (over.signal.aborted || signal?.aborted) return;
        const isUp = status === "connected";
        if (isRegistered !== isUp || (status === "connecting" && isRefusedHandshake(error))) {
          isRegistered = isUp;
          quietly(() => onRegistered?.(isUp ? undefined : error));
        }
        if (status === "error") reject(error as Error);
      });
      const autoReconnect = { maxAttempts: Number.MAX_SAFE_INTEGER, ...options.autoReconnect, enabled: true };
      manager.connect({ connectOnce, autoReconnect, surroundings: false }).catch(reject);
    });
  } finally {
    over.abort();
    manager.disconnect();
    await clients.allGone();
  }
}

/** Attaches and sessions, and the grants that wait for one of them to end. */
class Clients {
  /** Each with what ends it: so many listeners on one signal would look like a leak. */
  private readonly going = new Map<Promise<void>, AbortController>();
  private readonly waiting: ChannelInitGrant[] = [];

  constructor(
    private readonly doors: EndpointDoors,
    private readonly options: ServeEndpointOptions,
    private readonly most: number,
    private readonly over: AbortSignal,
  ) {
    over.addEventListener("abort", () => this.going.forEach((end) => end.abort()));
  }

  /** What is no server's grant is no client. */
  announce(payload: unknown): void {
    let grant: ChannelInitGrant;
    try {
      grant = assertChannelInitGrant(payload);
    } catch {
      return;
    }
    if (grant.role !== Role.server || this.over.aborted) return;
    if (this.going.size < this.most) this.start(grant);
    else if (this.waiting.length < maxWaitingGrants) this.waiting.push(grant);
    else quietly(() => this.options.onGrantDropped?.());
  }

  async allGone(): Promise<void> {
    this.waiting.length = 0;
    await Promise.all(this.going.keys());
  }

  private start(grant: ChannelInitGrant): void {
    const end = new AbortController();
    const one: Promise<void> = this.meet(grant, end.signal)
      .catch((error: unknown) => this.over.aborted || quietly(() => this.options.onClientFailed?.(error)))
      .then(() => {
        this.going.delete(one);
        const next = this.waiting.shift();
        if (next !== undefined) this.start(next);
      });
    this.going.set(one, end);
  }

  private async meet(grant: ChannelInitGrant, signal: AbortSignal): Promise<void> {
    const { dial, attach, serve } = this.options;
    const session = await this.doors.attach(grant, { ...dial, handshakeTimeoutMs: 60_000, ...attach, signal });
    signal.addEventListener("abort", () => session.close());
    try {
      if (!signal.aborted) await serve(session);
    } finally {
      session.close();
    }
  }
}

/** A credential that is not known, or a control plane that cannot read its state. */
const isRefusedHandshake = (error: unknown) =>
  error instanceof FlowersecError && error.stage === "handshake" && error.code === "handshake_failed";

/** Why a registration that failed is not worth another try, or why it is. */
function verdictOn(error: unknown): unknown {
  const code = error instanceof RpcCallError ? error.code : 0;
  if (code !== forbidden && code !== badRequest) return error;
  const message = code === forbidden ? "the credential is not for this endpoint id, or was revoked" : "the control plane cannot use this endpoint id";
  return failure("direct", "validate", "invalid_input", new Error(message, { cause: error }));
}
