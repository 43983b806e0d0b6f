// Connecting as client: through a tunnel, directly, or as an artifact says.
// Layer endpoint. Source: PROTOCOL, "Client through a tunnel", "Client, direct".

import { Deadline, FlowersecError, withAbort } from "../base/index.js";
import { clientHandshake, type SecureChannel } from "../e2ee/index.js";
import { Role } from "../gen/flowersec/controlplane/v1.gen.js";
import type { ChannelInitGrant } from "../gen/flowersec/controlplane/v1.gen.js";
import type { DirectConnectInfo } from "../gen/flowersec/direct/v1.gen.js";
import { NoopObserver, nowSeconds, tell, type ClientObserver, type ClientObserverLike, type ObserverContext } from "../observability/index.js";
import { failure, isAbort, isTimeout, livenessOfIdleTimeout, noLiveness, startClient, type Client, type ClientPath } from "../session/index.js";
import { assertConnectArtifact, type ConnectArtifact } from "./artifact.js";
import { attach, closing, dial, enforcePolicy, handshakeOutcome } from "./dial.js";
import { checkGrant, checkInfo, type ChannelPlan, type TunnelPlan } from "./inputs.js";
import {
  checkOptions, checkOrigin, invalidOption, type ClientConnectOptions, type ConnectOptions, type DirectConnectOptions, type TunnelConnectOptions,
} from "./options.js";

/**
 * Connects through the tunnel that the client's grant names. The grant's token is used up by the attempt once the tunnel
 * has seen it. Errors: FlowersecError of path tunnel, stages validate (nothing was dialled), connect, attach, handshake,
 * yamux, rpc, in this order; each leaves nothing open.
 */
export async function connectTunnel(grant: ChannelInitGrant, options: TunnelConnectOptions): Promise<Client> {
  const plan = checkGrant(grant, Role.client, options.endpointInstanceId);
  return run("tunnel", plan, plan, options);
}

/** Connects to an endpoint's own WebSocket. Errors as connectTunnel, of path direct, without stage attach. */
export async function connectDirect(info: DirectConnectInfo, options: DirectConnectOptions): Promise<Client> {
  if ((options as TunnelConnectOptions).endpointInstanceId !== undefined) throw invalidOption("direct", "endpointInstanceId is for tunnels");
  return run("direct", checkInfo(info), undefined, options);
}

/**
 * Connects with an artifact, an object and not its text. Errors: auto/validate/invalid_input for what is none,
 * validate/resolve_failed for a scope, then those of connectTunnel or connectDirect.
 */
export async function connect(artifact: ConnectArtifact, options: ConnectOptions): Promise<Client> {
  let checked: ConnectArtifact;
  try {
    checked = assertConnectArtifact(artifact);
  } catch (cause) {
    throw failure("auto", "validate", "invalid_input", cause);
  }
  const { transport: path, correlation: { trace_id: traceId, session_id: sessionId } = {} } = checked;
  const observer = await observerOf(options.observer, { path, ...(traceId && { traceId }), ...(sessionId && { sessionId }) });
  await resolveScopes(checked, options, observer);
  const whole = { ...options, observer };
  if (checked.transport === "tunnel") return connectTunnel(checked.tunnel_grant, whole);
  return connectDirect(checked.direct_info, whole as DirectConnectOptions);
}

/** Offers each scope to its resolver. Errors: validate/resolve_failed, connect/canceled. */
async function resolveScopes({ scoped = [], transport: path }: ConnectArtifact, options: ConnectOptions, observer: ClientObserver): Promise<void> {
  const { scopeResolvers = {}, relaxedOptionalScopeValidation: isRelaxed = false, signal } = options;
  for (const entry of scoped) {
    const skip = (code: "scope_ignored_missing_resolver" | "scope_ignored_relaxed_validation") =>
      tell(observer, { stage: "scope", code, result: "skip" });
    const resolve = Object.hasOwn(scopeResolvers, entry.scope) ? scopeResolvers[entry.scope] : undefined;
    if (resolve === undefined) {
      if (entry.critical) throw failure(path, "validate", "resolve_failed");
      skip("scope_ignored_missing_resolver");
      continue;
    }
    try {
      await withAbort((async () => resolve(entry))(), signal);
    } catch (cause) {
      if (signal?.aborted) throw failure(path, "connect", "canceled", signal.reason);
      if (entry.critical || !isRelaxed) throw new FlowersecError({ path, stage: "validate", code: "resolve_failed", cause });
      skip("scope_ignored_relaxed_validation");
    }
  }
}

/** The observer with what it needs to tell its events; loaded when there is one. */
async function observerOf(observer: ClientObserverLike | undefined, context: ObserverContext): Promise<ClientObserver> {
  if (observer === undefined || observer === NoopObserver) return NoopObserver;
  const { normalizeObserver, withObserverContext } = await import("../observability/observer.js");
  return normalizeObserver(withObserverContext(observer, context));
}

async function run(path: ClientPath, plan: ChannelPlan, tunnel: TunnelPlan | undefined, options: ClientConnectOptions): Promise<Client> {
  const origin = checkOrigin(path, options.origin);
  const checked = checkOptions(path, options, tunnel === undefined ? noLiveness : livenessOfIdleTimeout(tunnel.idleTimeoutSeconds));
  const observer = await observerOf(options.observer, { path });
  await enforcePolicy(path, plan.url, options, observer);
  const { ws, transport } = await dial(path, plan.url, origin, options, checked, observer);
  const { signal, clock } = options;
  try {
    if (tunnel !== undefined) attach(ws, tunnel, observer);
    const deadline = new Deadline(checked.handshakeTimeoutMs, clock);
    const startedAt = nowSeconds();
    let channel: SecureChannel;
    try {
      const { channelId, suite, psk } = plan;
      channel = await clientHandshake(transport, {
        channelId, suite, psk, clientFeatures: checked.features, ...checked.records, signal, timeoutMs: checked.handshakeTimeoutMs, clock,
      });
      handshakeOutcome(path, startedAt, observer);
    } catch (error) {
      throw handshakeOutcome(path, startedAt, observer, error);
    } finally {
      plan.psk.fill(0);
    }
    const { yamuxLimits, liveness, records } = checked;
    const started = startClient({
      path, channel, observer, yamuxLimits, liveness, clock, signal,
      endpointInstanceId: tunnel?.endpointInstanceId, maxOutboundBufferedBytes: records.maxOutboundBufferedBytes,
    });
    return await deadline.wait(started, signal, () => channel.close()).catch((error: unknown) => {
      throw isTimeout(error) || isAbort(error) ? failure(path, "yamux", isTimeout(error) ? "timeout" : "canceled", error) : error;
    });
  } catch (error) {
    throw closing(error, transport);
  }
}
