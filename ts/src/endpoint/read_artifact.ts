// Reading connect artifacts. Clients load the half for scopes and correlations only when there are some.
// Layer endpoint. Source: PROTOCOL, "Messages".

import { assertChannelInitGrant, Role } from "../gen/flowersec/controlplane/v1.gen.js";
import { assertDirectConnectInfo } from "../gen/flowersec/direct/v1.gen.js";
import type { ConnectArtifact } from "./artifact.js";
import type { readParts } from "./artifact_parts.js";

/** Whether a value carries more than a grant or info. */
export function hasParts(value: unknown): boolean {
  const { scoped, correlation } = (value ?? {}) as Partial<ConnectArtifact>;
  return scoped !== undefined || correlation !== undefined;
}

function refuse(what: string): never {
  throw new Error(`bad ${what}`);
}

/** What assertConnectArtifact does. `parts` reads scopes and correlation; one that hasParts needs it. */
export function readArtifact(artifact: unknown, parts?: typeof readParts): ConnectArtifact {
  if (typeof artifact !== "object" || artifact === null || Array.isArray(artifact)) refuse("ConnectArtifact");
  const value = artifact as Record<string, unknown>;
  if (value["v"] !== 1) refuse("ConnectArtifact.v");
  const transport = value["transport"];
  if (transport !== "tunnel" && transport !== "direct") refuse("ConnectArtifact.transport");
  const kind = transport === "tunnel" ? "TunnelClientConnectArtifact" : "DirectClientConnectArtifact";
  const bodyKey = transport === "tunnel" ? "tunnel_grant" : "direct_info";
  for (const key of Object.keys(value)) {
    if (!["v", "transport", "scoped", "correlation", bodyKey].includes(key)) refuse(`${kind}.${key}`);
  }
  const body = value[bodyKey];
  if (body === undefined || body === null) refuse(`${kind}.${bodyKey}`);
  if (transport === "direct") return Object.freeze({ v: 1, transport, direct_info: Object.freeze({ ...assertDirectConnectInfo(body) }), ...parts?.(value) });
  const grant = assertChannelInitGrant(body);
  if (grant.role !== Role.client) refuse(`${kind}.${bodyKey}.role`);
  return Object.freeze({ v: 1, transport, tunnel_grant: Object.freeze({ ...grant }), ...parts?.(value) });
}
