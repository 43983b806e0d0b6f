// Connecting as client: through a tunnel, directly, or as an artifact says.
// Layer endpoint. Source: PROTOCOL, "Client through a tunnel", "Client, direct".

import { FlowersecError, systemClock, withAbort, withDeadline } from "../base/index.js";
import { clientHandshake, type SecureChannel } from "../e2ee/index.js";
import { assertChannelInitGrant, Role, type ChannelInitGrant } from "../gen/flowersec/controlplane/v1.gen.js";
import { assertDirectConnectInfo, type DirectConnectInfo } from "../gen/flowersec/direct/v1.gen.js";
import { nowSeconds, tell } from "../observability/index.js";
import { failure, howEnded, livenessOfIdleTimeout, noLiveness, offeredFeatures, startClient, type Client, type ClientPath } from "../session/index.js";
import type { ConnectArtifact } from "./artifact.js";
import { attach, closing, dial, enforcePolicy, handshakeFailed, handshakeSucceeded } from "./dial.js";
import { checkGrant, checkInfo, type ChannelPlan, type TunnelPlan } from "./inputs.js";
import { observerOf } from "./observer_of.js";
import {
  checkedOptions, checkOrigin, invalidOption, loaded, type ClientConnectOptions, type ConnectOptions, type DirectConnectOptions, type TunnelConnectOptions,
} from "./options.js";

/**
 * Connects through the tunnel that the client's grant names. The grant's token is used up by the attempt once the tunnel
 * has seen it. Errors: FlowersecError of path tunnel, stages validate (nothing was dialled), connect, attach, handshake,
 * yamux, rpc, in this order; each leaves nothing open.
 */
export async function connectTunnel(grant: ChannelInitGrant, options: TunnelConnectOptions): Promise<Client> {
  const plan = await checkGrant(grant, Role.client, options?.endpointInstanceId);
  return run("tunnel", plan, plan, options);
}

/** Connects to an endpoint's own WebSocket. Errors as connectTunnel, of path direct, without stage attach. */
export async function connectDirect(info: DirectConnectInfo, options: DirectConnectOptions): Promise<Client> {
  if ((options as ConnectOptions | undefined)?.endpointInstanceId !== undefined) throw invalidOption("direct", "endpointInstanceId is for tunnels");
  return run("direct", await checkInfo(info), undefined, options);
}

/**
 * Connects with an artifact, an object and not its text. Errors: auto/validate/invalid_input for what is none,
 * validate/resolve_failed for a scope, then those of connectTunnel or connectDirect.
 */
export async function connect(artifact: ConnectArtifact, options: ConnectOptions): Promise<Client> {
  options ??= {} as ConnectOptions;
  const full = isBare(artifact) ? undefined : await loaded("auto", import("./read_artifact.js"), options.signal);
  try {
    artifact = full?.readArtifact(artifact, { assertChannelInitGrant, assertDirectConnectInfo }) ?? artifact;
  } catch (cause) {
    throw failure("auto", "validate", "invalid_input", cause);
  }
  const observer = await observerOf(options, full?.contextOf(artifact) ?? { path: artifact.transport });
  await full?.resolveScopes(artifact, options, observer, { FlowersecError, failure, tell, withAbort });
  const whole = { ...options, observer };
  if (artifact.transport === "tunnel") return connectTunnel(artifact.tunnel_grant, whole);
  return connectDirect(artifact.direct_info, whole as DirectConnectOptions);
}

/** Whether an artifact is good, and nothing but a grant or info. */
function isBare(artifact: ConnectArtifact): boolean {
  try {
    const keys = Object.keys(artifact).sort().join();
    if (artifact.v !== 1) return false;
    if (artifact.transport === "tunnel") return keys === "transport,tunnel_grant,v" && assertChannelInitGrant(artifact.tunnel_grant).role === Role.client;
    return artifact.transport === "direct" && keys === "direct_info,transport,v" && !!assertDirectConnectInfo(artifact.direct_info);
  } catch {
    return false;
  }
}

async function run(path: ClientPath, plan: ChannelPlan, tunnel: TunnelPlan | undefined, options: ClientConnectOptions): Promise<Client> {
  let toClose: { close(): void } = { close() {} };
  try {
    const origin = checkOrigin(path, options?.origin);
    const derived = tunnel ? livenessOfIdleTimeout(tunnel.idleTimeoutSeconds) : noLiveness;
    const { connectTimeoutMs, handshakeTimeoutMs, liveness } = await checkedOptions(path, options, derived);
    const observer = await observerOf(options, { path });
    await enforcePolicy(path, plan.url, options, "connect", connectTimeoutMs, observer);
    const { ws, transport } = await dial(path, plan.url, origin, options, connectTimeoutMs, observer);
    const { signal, clock = systemClock } = options;
    toClose = transport;
    if (tunnel) attach(ws, tunnel, observer);
    const [startedAt, startedAtMs] = [nowSeconds(), clock.monoMs()];
    let channel: SecureChannel;
    try {
      const { channelId, suite, psk } = plan;
      channel = await clientHandshake(transport, {
        ...options, channelId, suite, psk, timeoutMs: handshakeTimeoutMs, clientFeatures: offeredFeatures(options.clientFeatures, options.yamuxLimits),
      });
      handshakeSucceeded(path, startedAt, observer);
    } catch (error) {
      throw await handshakeFailed(path, startedAt, observer, error);
    }
    const started = startClient({ ...options, path, channel, observer, liveness, endpointInstanceId: tunnel?.endpointInstanceId });
    // What the handshake has left of its time; 0 would be no limit.
    const timeoutMs = handshakeTimeoutMs && Math.max(Number.MIN_VALUE, handshakeTimeoutMs + startedAtMs - clock.monoMs());
    return await withDeadline(started, { signal, timeoutMs, clock }, () => channel.close()).catch((error: unknown) => {
      const code = howEnded(error, "");
      throw code ? failure(path, "yamux", code, error) : error;
    });
  } catch (error) {
    throw closing(error, toClose);
  } finally {
    plan.psk.fill(0); // however far it came
  }
}
