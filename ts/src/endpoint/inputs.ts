// Grants and connect infos, checked before anything touches the network.
// Layer endpoint. The order of the checks is part of the contract. Source: PROTOCOL, "Client through a tunnel", "Client, direct".

import {
  decodeBase64url, encodeBase64url, maxChannelIdBytes, pskBytes, randomBytes, utf8, type FlowersecErrorCode, type FlowersecPath,
} from "../base/index.js";
import { assertChannelInitGrant, isSuite, type ChannelInitGrant, type Role, type Suite } from "../gen/flowersec/controlplane/v1.gen.js";
import { assertDirectConnectInfo, type DirectConnectInfo } from "../gen/flowersec/direct/v1.gen.js";
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

type Members = Record<string, unknown>;
type Kind = "string" | "number" | "list";
/** Required field, its primitive type, and the code of its absence; undefined: absence is malformed. */
type Fields = readonly (readonly [name: string, kind: Kind, missing?: FlowersecErrorCode])[];

const sharedFields: Fields = [
  ["channel_id", "string", "missing_channel_id"],
  ["token", "string", "missing_token"],
  ["channel_init_expire_at_unix_s", "number", "missing_init_exp"],
  ["e2ee_psk_b64u", "string", "invalid_psk"],
  ["default_suite", "number", "invalid_suite"],
];
const grantFields: Fields = [
  ["tunnel_url", "string", "missing_tunnel_url"], ...sharedFields, ["role", "number"], ["idle_timeout_seconds", "number"], ["allowed_suites", "list"],
];
const infoFields: Fields = [["ws_url", "string", "missing_ws_url"], ...sharedFields.filter(([name]) => name !== "token")];

/** Checks a grant for `role`. Errors: stage validate, in the order of the protocol. */
export function checkGrant(value: unknown, role: Role, endpointInstanceId: unknown): TunnelPlan {
  const refuse = (code: FlowersecErrorCode, cause?: unknown) => failure("tunnel", "validate", code, cause);
  if (value === null || value === undefined) throw refuse("missing_grant");
  const members = value as Members;
  if (hasRightKinds(members, grantFields)) {
    if (members["role"] !== role) throw refuse("role_mismatch");
    refuseMissing("tunnel", members, grantFields);
  }
  refuseForeignSuites("tunnel", members);
  let grant: ChannelInitGrant;
  try {
    grant = assertChannelInitGrant(value);
  } catch (cause) {
    throw refuse("invalid_input", cause);
  }
  const url = grant.tunnel_url.trim();
  const token = grant.token.trim();
  if (url === "") throw refuse("missing_tunnel_url");
  const channelId = checkChannelId("tunnel", grant.channel_id);
  if (token === "") throw refuse("missing_token");
  const initExpireAtUnixS = checkInitExp("tunnel", grant.channel_init_expire_at_unix_s);
  if (grant.role !== role) throw refuse("role_mismatch");
  const suite = grant.default_suite;
  if (!grant.allowed_suites.includes(suite)) throw refuse("invalid_suite");
  const psk = checkPsk("tunnel", grant.e2ee_psk_b64u);
  return {
    url, channelId, suite, psk, initExpireAtUnixS, role, token,
    idleTimeoutSeconds: grant.idle_timeout_seconds,
    endpointInstanceId: checkInstanceId(endpointInstanceId),
  };
}

/** Checks the info of a direct endpoint. Errors: stage validate, in the order of the protocol. */
export function checkInfo(value: unknown): ChannelPlan {
  const refuse = (code: FlowersecErrorCode, cause?: unknown) => failure("direct", "validate", code, cause);
  if (value === null || value === undefined) throw refuse("missing_connect_info");
  const members = value as Members;
  if (hasRightKinds(members, infoFields)) refuseMissing("direct", members, infoFields);
  refuseForeignSuites("direct", members);
  let info: DirectConnectInfo;
  try {
    info = assertDirectConnectInfo(value);
  } catch (cause) {
    throw refuse("invalid_input", cause);
  }
  const url = info.ws_url.trim();
  if (url === "") throw refuse("missing_ws_url");
  const channelId = checkChannelId("direct", info.channel_id);
  const initExpireAtUnixS = checkInitExp("direct", info.channel_init_expire_at_unix_s);
  return { url, channelId, suite: info.default_suite, psk: checkPsk("direct", info.e2ee_psk_b64u), initExpireAtUnixS };
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? "list" : typeof value;
}

function hasRightKinds(members: Members, fields: Fields): boolean {
  return typeof members === "object" && fields.every(([name, kind]) => members[name] === undefined || kindOf(members[name]) === kind);
}

function refuseMissing(path: FlowersecPath, members: Members, fields: Fields): void {
  for (const [name, , missing] of fields) {
    if (missing !== undefined && members[name] === undefined) throw failure(path, "validate", missing);
  }
}

function refuseForeignSuites(path: FlowersecPath, { default_suite, allowed_suites }: Members): void {
  const named = [default_suite, ...(Array.isArray(allowed_suites) ? (allowed_suites as unknown[]) : [])];
  if (named.some((suite) => Number.isInteger(suite) && !isSuite(suite))) throw failure(path, "validate", "invalid_suite");
}

/** A channel id, trimmed. Errors: missing_channel_id; invalid_input above 256 bytes. */
export function checkChannelId(path: FlowersecPath, text: string): string {
  const id = text.trim();
  if (id === "") throw failure(path, "validate", "missing_channel_id");
  if (utf8(id).length > maxChannelIdBytes) throw failure(path, "validate", "invalid_input");
  return id;
}

/** The end of an init window. Errors: missing_init_exp unless it is a positive whole number. */
export function checkInitExp(path: FlowersecPath, unixS: number): number {
  if (!Number.isSafeInteger(unixS) || unixS <= 0) throw failure(path, "validate", "missing_init_exp");
  return unixS;
}

/** A copy of a key, given as base64url or bytes. Errors: invalid_psk unless it has 32 bytes. */
export function checkPsk(path: FlowersecPath, given: string | Uint8Array): Uint8Array {
  const psk = typeof given === "string" ? decodeBase64url(given.trim(), pskBytes) : given instanceof Uint8Array ? new Uint8Array(given) : undefined;
  if (psk?.length !== pskBytes) throw failure(path, "validate", "invalid_psk");
  return psk;
}

function checkInstanceId(given: unknown): string {
  if (given === undefined) {
    try {
      return encodeBase64url(randomBytes(instanceIdBytes));
    } catch (cause) {
      throw failure("tunnel", "validate", "random_failed", cause);
    }
  }
  const id = typeof given === "string" ? given.trim() : "";
  const length = decodeBase64url(id)?.length ?? 0;
  if (length < leastInstanceIdBytes || length > mostInstanceIdBytes) throw failure("tunnel", "validate", "invalid_endpoint_instance_id");
  return id;
}
