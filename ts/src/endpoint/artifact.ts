// Connect artifacts: one object that says how an endpoint is reached, as a control plane hands it out.
// Layer endpoint. Source: PROTOCOL, "Messages". Unknown keys are refused, except inside the grant or info.

import { assertChannelInitGrant, Role, type ChannelInitGrant } from "../gen/flowersec/controlplane/v1.gen.js";
import { assertDirectConnectInfo, type DirectConnectInfo } from "../gen/flowersec/direct/v1.gen.js";
import { isObject, readCorrelation, readScoped, refuse } from "./artifact_parts.js";

/** What the application adds; a client that does not know a critical scope refuses to connect. */
export interface ScopeEntry {
  readonly scope: string;
  readonly scope_version: number;
  readonly critical: boolean;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** Ties a connection to the request that asked for it, for logs. */
export interface Correlation {
  readonly v: 1;
  readonly trace_id?: string;
  readonly session_id?: string;
  readonly tags: readonly { readonly key: string; readonly value: string }[];
}

interface ArtifactBase {
  readonly v: 1;
  readonly scoped?: readonly ScopeEntry[];
  readonly correlation?: Correlation;
}

export interface TunnelConnectArtifact extends ArtifactBase {
  readonly transport: "tunnel";
  readonly tunnel_grant: ChannelInitGrant;
}

export interface DirectConnectArtifact extends ArtifactBase {
  readonly transport: "direct";
  readonly direct_info: DirectConnectInfo;
}

export type ConnectArtifact = TunnelConnectArtifact | DirectConnectArtifact;

/**
 * The artifact as a new frozen object: ids of the correlation trimmed, or left out when they do not fit, its tags always a
 * list. Throws Error with the text `bad <kind>.<field>`.
 */
export function assertConnectArtifact(value: unknown): ConnectArtifact {
  if (!isObject(value)) refuse("ConnectArtifact");
  if (value["v"] !== 1) refuse("ConnectArtifact.v");
  const transport = value["transport"];
  if (transport !== "tunnel" && transport !== "direct") refuse("ConnectArtifact.transport");
  const kind = transport === "tunnel" ? "TunnelClientConnectArtifact" : "DirectClientConnectArtifact";
  const bodyKey = transport === "tunnel" ? "tunnel_grant" : "direct_info";
  const scoped = value["scoped"] === undefined ? undefined : readScoped(value["scoped"]);
  const correlation = value["correlation"] === undefined ? undefined : readCorrelation(value["correlation"]);
  for (const key of Object.keys(value)) {
    if (!["v", "transport", "scoped", "correlation", bodyKey].includes(key)) refuse(`${kind}.${key}`);
  }
  const body = value[bodyKey];
  if (body === undefined || body === null) refuse(`${kind}.${bodyKey}`);
  const rest = { ...(scoped === undefined ? {} : { scoped }), ...(correlation === undefined ? {} : { correlation }) };
  if (transport === "direct") return Object.freeze({ v: 1, transport, direct_info: Object.freeze({ ...assertDirectConnectInfo(body) }), ...rest });
  const grant = assertChannelInitGrant(body);
  if (grant.role !== Role.client) refuse(`${kind}.${bodyKey}.role`);
  return Object.freeze({ v: 1, transport, tunnel_grant: Object.freeze({ ...grant }), ...rest });
}
