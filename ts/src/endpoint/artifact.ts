// Connect artifacts: one object that says how an endpoint is reached, as a control plane hands it out.
// Layer endpoint. Source: PROTOCOL, "Messages". Unknown keys are refused, except inside the grant or info.

import { utf8 } from "../base/index.js";
import {
  assertChannelInitGrant, assertCorrelationContext, assertScopeMetadataEntry, Role, type ChannelInitGrant, type CorrelationContext,
} from "../gen/flowersec/controlplane/v1.gen.js";
import { assertDirectConnectInfo, type DirectConnectInfo } from "../gen/flowersec/direct/v1.gen.js";

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

const maxEntries = 8;
const maxPayloadBytes = 8192;
const maxPayloadDepth = 8;
const maxTagBytes = 128;
const scopeName = /^[a-z][a-z0-9._-]{0,63}$/;
const tagKey = /^[a-z][a-z0-9._-]{0,31}$/;
const correlationId = /^[A-Za-z0-9._~-]{8,128}$/;

type Members = Record<string, unknown>;

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(what: string): never {
  throw new Error(`bad ${what}`);
}

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

function readScoped(value: unknown): readonly ScopeEntry[] {
  if (!Array.isArray(value) || value.length > maxEntries) refuse("ConnectArtifact.scoped");
  const seen = new Set<string>();
  const entries = (value as unknown[]).map((each): ScopeEntry => {
    const { scope, scope_version, critical, payload } = assertScopeMetadataEntry(each);
    if (!scopeName.test(scope)) refuse("ScopeMetadataEntry.scope");
    if (scope_version < 1) refuse("ScopeMetadataEntry.scope_version");
    if (!isObject(payload) || !fits(payload)) refuse("ScopeMetadataEntry.payload");
    if (seen.has(scope)) refuse("ConnectArtifact.scoped");
    seen.add(scope);
    return Object.freeze({ scope, scope_version, critical, payload });
  });
  return Object.freeze(entries);
}

function readCorrelation(value: unknown): Correlation {
  if (!isObject(value)) refuse("ConnectArtifact.correlation");
  const { trace_id, session_id } = value;
  const { v, tags = [] } = assertCorrelationContext({ ...value, trace_id: undefined, session_id: undefined }) as CorrelationContext;
  if (v !== 1) refuse("CorrelationContext.v");
  if (tags.length > maxEntries || new Set(tags.map(({ key }) => key)).size < tags.length) refuse("CorrelationContext.tags");
  const kept = tags.map(({ key, value: text }) => {
    if (!tagKey.test(key)) refuse("CorrelationKV.key");
    if (utf8(text).length > maxTagBytes) refuse("CorrelationKV.value");
    return Object.freeze({ key, value: text });
  });
  const id = (name: "trace_id" | "session_id", given: unknown) => {
    const text = typeof given === "string" ? given.trim() : "";
    return correlationId.test(text) ? { [name]: text } : {};
  };
  return Object.freeze({ v: 1, ...id("trace_id", trace_id), ...id("session_id", session_id), tags: Object.freeze(kept) });
}

/** Whether a payload is JSON of bounded depth and size, its keys sorted. The payload itself is the first level. */
function fits(payload: Members): boolean {
  try {
    const text = sortedJson(payload, 1);
    return text !== undefined && utf8(text).length <= maxPayloadBytes;
  } catch {
    return false; // too deep, or nothing that JSON can hold
  }
}

function sortedJson(value: unknown, depth: number): string | undefined {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (depth > maxPayloadDepth) throw new RangeError("too deep");
  if (Array.isArray(value)) return `[${value.map((each: unknown) => sortedJson(each, depth + 1) ?? "null").join(",")}]`;
  const members = Object.keys(value).sort().map((key) => [key, sortedJson((value as Members)[key], depth + 1)] as const);
  return `{${members.filter(([, text]) => text !== undefined).map(([key, text]) => `${JSON.stringify(key)}:${text}`).join(",")}}`;
}
