// Grants and connect infos, checked before anything touches the network.
// Layer endpoint. The order of the checks is part of the contract. Source: PROTOCOL, "Client through a tunnel", "Client, direct".

import {
  decodeBase64url, encodeBase64url, maxChannelIdBytes, pskBytes, randomBytes, trimmed, utf8, type FlowersecErrorCode, type FlowersecPath,
} from "../base/index.js";
import { assertChannelInitGrant, isSuite, type Role, type Suite } from "../gen/flowersec/controlplane/v1.gen.js";
import { assertDirectConnectInfo } from "../gen/flowersec/direct/v1.gen.js";
import { failure } from "../session/index.js";

/** What grant and info have in common, checked. */
export interface ChannelPlan {
  readonly url: string;
  readonly channelId: string;
  readonly suite: Suite;
  /** 32 bytes. */
  readonly psk: Uint8Array;
  readonly initExpireAtUnixS: number;
}

/** A way through a tunnel. */
export interface TunnelPlan extends ChannelPlan {
  readonly role: Role;
  readonly token: string;
  readonly idleTimeoutSeconds: number;
  readonly endpointInstanceId: string;
}

const instanceIdBytes = 24;
const [leastInstanceIdBytes, mostInstanceIdBytes] = [16, 32];

const refusal = (path: FlowersecPath, code: FlowersecErrorCode, cause?: unknown) => failure(path, "validate", code, cause);

/** Checks a grant for `role`. Errors: stage validate, in the order of the protocol. */
export async function checkGrant(value: unknown, role: Role, endpointInstanceId: unknown): Promise<TunnelPlan> {
  const path = "tunnel";
  const grant = await asserted(path, value, assertChannelInitGrant, role);
  if (grant.role !== role) throw refusal(path, "role_mismatch");
  const url = present(path, grant.tunnel_url, "missing_tunnel_url");
  const channelId = checkChannelId(path, grant.channel_id);
  const token = present(path, grant.token, "missing_token");
  const initExpireAtUnixS = checkInitExp(path, grant.channel_init_expire_at_unix_s);
  const suite = grant.default_suite;
  if (!grant.allowed_suites.includes(suite)) throw refusal(path, "invalid_suite");
  const psk = checkPsk(path, grant.e2ee_psk_b64u);
  return {
    url, channelId, suite, psk, initExpireAtUnixS, role, token,
    idleTimeoutSeconds: grant.idle_timeout_seconds,
    endpointInstanceId: checkInstanceId(endpointInstanceId),
  };
}

/** Checks the info of a direct endpoint. Errors: stage validate, in the order of the protocol. */
export async function checkInfo(value: unknown): Promise<ChannelPlan> {
  const path = "direct";
  const info = await asserted(path, value, assertDirectConnectInfo);
  const url = present(path, info.ws_url, "missing_ws_url");
  const channelId = checkChannelId(path, info.channel_id);
  const initExpireAtUnixS = checkInitExp(path, info.channel_init_expire_at_unix_s);
  return { url, channelId, suite: info.default_suite, psk: checkPsk(path, info.e2ee_psk_b64u), initExpireAtUnixS };
}

/** A message of the right form. What is wrong with another one is found out on demand; failing that, it is invalid_input. */
async function asserted<Message>(path: "tunnel" | "direct", value: unknown, assert: (value: unknown) => Message, role?: Role): Promise<Message> {
  if (value === null || value === undefined) throw refusal(path, path === "tunnel" ? "missing_grant" : "missing_connect_info");
  try {
    return assert(value);
  } catch (cause) {
    const diagnosis = await import("./failure_names.js").catch(() => undefined);
    const code = diagnosis?.diagnose(path, value, isSuite, role);
    throw code ? refusal(path, code) : refusal(path, "invalid_input", cause);
  }
}

function present(path: FlowersecPath, text: string, missing: FlowersecErrorCode): string {
  const kept = trimmed(text);
  if (!kept) throw refusal(path, missing);
  return kept;
}

/** A channel id, trimmed. Errors: missing_channel_id; invalid_input above 256 bytes. */
export function checkChannelId(path: FlowersecPath, text: string): string {
  const id = present(path, text, "missing_channel_id");
  if (utf8(id).length > maxChannelIdBytes) throw refusal(path, "invalid_input");
  return id;
}

/** The end of an init window. Errors: missing_init_exp unless it is a positive whole number. */
export function checkInitExp(path: FlowersecPath, unixS: number): number {
  if (!Number.isSafeInteger(unixS) || unixS <= 0) throw refusal(path, "missing_init_exp");
  return unixS;
}

/** A copy of a key, given as base64url or bytes. Errors: invalid_psk unless it has 32 bytes. */
export function checkPsk(path: FlowersecPath, given: string | Uint8Array): Uint8Array {
  const psk = typeof given === "string" ? decodeBase64url(trimmed(given), pskBytes) : given instanceof Uint8Array ? new Uint8Array(given) : undefined;
  if (psk?.length !== pskBytes) throw refusal(path, "invalid_psk");
  return psk;
}

function checkInstanceId(given: unknown): string {
  if (given === undefined) {
    try {
      return encodeBase64url(randomBytes(instanceIdBytes));
    } catch (cause) {
      throw refusal("tunnel", "random_failed", cause);
    }
  }
  const id = trimmed(given);
  const length = decodeBase64url(id)?.length ?? 0;
  if (length < leastInstanceIdBytes || length > mostInstanceIdBytes) throw refusal("tunnel", "invalid_endpoint_instance_id");
  return id;
}
