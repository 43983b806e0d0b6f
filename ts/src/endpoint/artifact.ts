// Connect artifacts: one object that says how an endpoint is reached, as a control plane hands it out.
// Layer endpoint. Source: PROTOCOL, "Messages". Unknown keys are refused, except inside the grant or info.

import { assertChannelInitGrant, type ChannelInitGrant } from "../gen/flowersec/controlplane/v1.gen.js";
import { assertDirectConnectInfo, type DirectConnectInfo } from "../gen/flowersec/direct/v1.gen.js";
import { BadMessageError } from "../gen/flowersec_runtime.gen.js";
import { readArtifact } from "./read_artifact.js";

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

/** An artifact that leads through a tunnel. Its token works once. */
export interface TunnelConnectArtifact extends ArtifactBase {
  readonly transport: "tunnel";
  readonly tunnel_grant: ChannelInitGrant;
}

/** An artifact that leads to the endpoint itself. */
export interface DirectConnectArtifact extends ArtifactBase {
  readonly transport: "direct";
  readonly direct_info: DirectConnectInfo;
}

/** How an endpoint is reached. Source: PROTOCOL, "Messages". */
export type ConnectArtifact = TunnelConnectArtifact | DirectConnectArtifact;

/** What an error of a grant or info is called in an artifact. */
const places: Readonly<Record<string, string>> = {
  ChannelInitGrant: "TunnelClientConnectArtifact.tunnel_grant",
  DirectConnectInfo: "DirectClientConnectArtifact.direct_info",
};

/**
 * The artifact as a new frozen object: ids of the correlation trimmed, or left out when they do not fit, its tags always a
 * list. Throws Error with the text `bad <kind>.<field>`.
 */
export function assertConnectArtifact(value: unknown): ConnectArtifact {
  let artifact: ConnectArtifact;
  try {
    artifact = readArtifact(value, { assertChannelInitGrant, assertDirectConnectInfo });
  } catch (cause) {
    const place = cause instanceof BadMessageError ? places[cause.messageName] : undefined;
    if (place === undefined) throw cause;
    const { field } = cause as BadMessageError;
    throw new Error(`bad ${place}${field && `.${field}`}`, { cause });
  }
  if (artifact.transport === "tunnel" && artifact.tunnel_grant.allowed_suites.length === 0) {
    throw new Error(`bad ${places["ChannelInitGrant"]}.allowed_suites`);
  }
  return artifact;
}
