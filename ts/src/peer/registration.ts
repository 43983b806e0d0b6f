// An endpoint that stays registered at its control plane. CONTROLPLANE, "Control connection"; RECONNECT, "A server endpoint".
import { FlowersecError } from "../base/index.js";
import { connectDirectNode } from "../endpoint/node.js";
import type { DialOptions } from "../endpoint/index.js";
import { assertChannelInitGrant, Role, type ChannelInitGrant } from "../gen/flowersec/controlplane/v1.gen.js";
import type { DirectConnectInfo } from "../gen/flowersec/direct/v1.gen.js";
import type { ConnectConfig } from "../reconnect/config.js";
import { createReconnectManager } from "../reconnect/manager.js";
import { callTyped } from "../rpc/call_typed.js";
import { RpcCallError } from "../gen/flowersec_runtime.gen.js";

const register = 1001;
const serverGrant = 1002;
const registerTimeoutMs = 10_000;
const mostRefusedHandshakes = 5;

export interface Registration {
  readonly credential: DirectConnectInfo;
  readonly endpointId: string;
  readonly dial: DialOptions;
  readonly signal: AbortSignal;
  /** A client is coming. */
  onGrant(grant: ChannelInitGrant): void;
  /** Without an error: it is registered. With one: it was, and is not. */
  onRegistered(lost?: unknown): void;
}

/** Trying again is pointless: the code is one of those that a manager gives up for. */
function turnedAway(message: string, cause: unknown): Error {
  return Object.assign(new Error(message, { cause }), { code: "invalid_input" });
}

function isRefusedHandshake(error: unknown): boolean {
  return error instanceof FlowersecError && error.stage === "handshake" && error.code === "handshake_failed";
}

/** Why a registration that failed is not worth another try, or why it is. */
function verdictOn(error: unknown): unknown {
  if (!(error instanceof RpcCallError)) return error;
  if (error.code === 403) return turnedAway("the credential is not for this endpoint id, or was revoked", error);
  return error.code === 400 ? turnedAway("the control plane cannot use this endpoint id", error) : error;
}

/** Resolves when the signal fires. Errors: turned away for good. */
export function stayRegistered({ credential, endpointId, dial, signal, onGrant, onRegistered }: Registration): Promise<void> {
  let refusedHandshakes = 0;
  const hear = (payload: unknown) => {
    let grant: ChannelInitGrant;
    try {
      grant = assertChannelInitGrant(payload);
    } catch {
      return; // no grant is no client
    }
    if (grant.role === Role.server) onGrant(grant);
  };
  const connectOnce: ConnectConfig["connectOnce"] = async ({ signal: attempt, observer }) => {
    const control = await connectDirectNode(credential, { ...dial, signal: attempt, observer }).catch((error: unknown) => {
      refusedHandshakes = isRefusedHandshake(error) ? refusedHandshakes + 1 : 0;
      if (refusedHandshakes < mostRefusedHandshakes) throw error;
      throw turnedAway("the control plane refuses the credential: it is not known, or was revoked", error);
    });
    refusedHandshakes = 0;
    try {
      control.rpc.onNotify(serverGrant, hear); // before anybody can announce a client
      await callTyped(control.rpc, register, { endpoint_id: endpointId }, { signal: AbortSignal.any([attempt, AbortSignal.timeout(registerTimeoutMs)]) });
      return control;
    } catch (error) {
      control.close();
      throw verdictOn(error);
    }
  };

  const manager = createReconnectManager();
  return new Promise((resolve, reject) => {
    const stop = () => {
      manager.disconnect();
      resolve();
    };
    if (signal.aborted) return stop();
    signal.addEventListener("abort", stop, { once: true });
    let isRegistered = false;
    manager.subscribe(({ status, error }) => {
      if (signal.aborted) return;
      if (isRegistered !== (status === "connected")) {
        isRegistered = !isRegistered;
        onRegistered(isRegistered ? undefined : error);
      }
      if (status === "error") reject(error as Error);
    });
    manager.connect({ connectOnce, autoReconnect: { enabled: true, maxAttempts: Number.MAX_SAFE_INTEGER } }).catch(reject);
  });
}
