// What is wrong with a grant or info that is malformed: which field is missing, which suite is foreign.
// Layer endpoint. The order of the checks is part of the contract. Source: PROTOCOL, "Client through
// a tunnel", "Client, direct".

import type { FlowersecErrorCode } from "../base/index.js";

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

/** The code of what is malformed, of which `role` is the one that is wanted. undefined: nothing better than invalid_input. */
export function diagnose(
  path: "tunnel" | "direct",
  value: unknown,
  isSuite: (value: unknown) => boolean,
  role?: number,
): FlowersecErrorCode | undefined {
  const members = value as Members;
  const fields = path === "tunnel" ? grantFields : infoFields;
  if (hasRightKinds(members, fields)) {
    if (role !== undefined && members["role"] !== role) return "role_mismatch";
    const missing = fields.find(([name, , code]) => code !== undefined && members[name] === undefined);
    if (missing !== undefined) return missing[2];
  }
  const { default_suite, allowed_suites } = members;
  const named = [default_suite, ...(Array.isArray(allowed_suites) ? (allowed_suites as unknown[]) : [])];
  return named.some((suite) => Number.isInteger(suite) && !isSuite(suite)) ? "invalid_suite" : undefined;
}

function hasRightKinds(members: Members, fields: Fields): boolean {
  return typeof members === "object" && fields.every(([name, kind]) => members[name] === undefined || kindOf(members[name]) === kind);
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? "list" : typeof value;
}
