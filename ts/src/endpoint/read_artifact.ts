// Reading connect artifacts in full, and saying what is wrong with one.
// Layer endpoint. Clients load it for an artifact that is more than a grant or info, or is none; so that it is all they load
// then, it is given what they have already and imports nothing of it. Source: PROTOCOL, "Messages".

import type { assertChannelInitGrant } from "../gen/flowersec/controlplane/v1.gen.js";
import type { assertDirectConnectInfo } from "../gen/flowersec/direct/v1.gen.js";
import type { ConnectArtifact } from "./artifact.js";
import { readParts } from "./artifact_parts.js";

export { contextOf, resolveScopes } from "./artifact_parts.js";

/** Generated code. */
export interface BodyChecks {
  readonly assertChannelInitGrant: typeof assertChannelInitGrant;
  readonly assertDirectConnectInfo: typeof assertDirectConnectInfo;
}

const clientRole = 1;

function refuse(what: string): never {
  throw new Error(`bad ${what}`);
}

/** What assertConnectArtifact does. */
export function readArtifact(artifact: unknown, checks: BodyChecks): ConnectArtifact {
  if (typeof artifact !== "object" || artifact === null || Array.isArray(artifact)) refuse("ConnectArtifact");
  const value = artifact as Record<string, unknown>;
  if (value["v"] !== 1) refuse("ConnectArtifact.v");
  const transport = value["transport"];
  if (transport !== "tunnel" && transport !== "direct") refuse("ConnectArtifact.transport");
  const kind = transport === "tunnel" ? "TunnelClientConnectArtifact" : "DirectClientConnectArtifact";
  const bodyKey = transport === "tunnel" ? "tunnel_grant" : "direct_info";
  const rest = readParts(value);
  for (const key of Object.keys(value)) {
    if (!["v", "transport", "scoped", "correlation", bodyKey].includes(key)) refuse(`${kind}.${key}`);
  }
  const body = value[bodyKey];
  if (body === undefined || body === null) refuse(`${kind}.${bodyKey}`);
  if (transport === "direct") return Object.freeze({ v: 1, transport, direct_info: Object.freeze({ ...checks.assertDirectConnectInfo(body) }), ...rest });
  const grant = checks.assertChannelInitGrant(body);
  if (grant.role !== clientRole) refuse(`${kind}.${bodyKey}.role`);
  return Object.freeze({ v: 1, transport, tunnel_grant: Object.freeze({ ...grant }), ...rest });
}
