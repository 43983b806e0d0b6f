// What an artifact may carry besides a grant or info: scopes, and a correlation for logs.
// Layer endpoint. Throws Error with the text `bad <kind>.<field>`.

import { utf8 } from "../base/index.js";
import { assertCorrelationContext, assertScopeMetadataEntry, type CorrelationContext } from "../gen/flowersec/controlplane/v1.gen.js";
import type { Correlation, ScopeEntry } from "./artifact.js";

const maxEntries = 8;
const maxPayloadBytes = 8192;
const maxPayloadDepth = 8;
const maxTagBytes = 128;
const scopeName = /^[a-z][a-z0-9._-]{0,63}$/;
const tagKey = /^[a-z][a-z0-9._-]{0,31}$/;
const correlationId = /^[A-Za-z0-9._~-]{8,128}$/;

type Members = Record<string, unknown>;

export function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function refuse(what: string): never {
  throw new Error(`bad ${what}`);
}

export function readScoped(value: unknown): readonly ScopeEntry[] {
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

export function readCorrelation(value: unknown): Correlation {
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
