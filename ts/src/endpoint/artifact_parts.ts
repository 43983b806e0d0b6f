// What an artifact may carry besides a grant or info: scopes, and a correlation for logs.
// Layer endpoint. Throws Error with the text `bad <kind>.<field>`. Clients load it when an artifact carries any of this; so
// that it is all they load then, it is given what they have already and imports nothing.
// Source: PROTOCOL, "Messages".

import type { FlowersecError, withAbort } from "../base/index.js";
import type { ClientObserver, ObserverContext, tell } from "../observability/index.js";
import type { failure } from "../session/index.js";
import type { ConnectArtifact, Correlation, ScopeEntry } from "./artifact.js";
import type { ConnectOptions } from "./options.js";

const maxEntries = 8;
const maxPayloadBytes = 8192;
const maxPayloadDepth = 8;
const maxTagBytes = 128;
const scopeName = /^[a-z][a-z0-9._-]{0,63}$/;
const tagKey = /^[a-z][a-z0-9._-]{0,31}$/;
/** With the white space around it, which is not the id's. */
const correlationId = /^\p{White_Space}*([A-Za-z0-9._~-]{8,128})\p{White_Space}*$/u;
/** No surrogate stands alone: with the flag u only those are matched. */
const wholeText = /^\P{Surrogate}*$/u;

type Members = Record<string, unknown>;

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(what: string): never {
  throw new Error(`bad ${what}`);
}

/** An object of `kind` that has no members but these; at `place`. */
function membersOf(kind: string, value: unknown, keys: readonly string[], place: string): Members {
  if (!isObject(value)) refuse(place);
  for (const key of Object.keys(value)) if (value[key] !== undefined && !keys.includes(key)) refuse(`${kind}.${key}`);
  return value;
}

/** Scopes and correlation of an artifact, where they are. */
export function readParts(artifact: Members): { scoped?: readonly ScopeEntry[]; correlation?: Correlation } {
  const { scoped, correlation } = artifact;
  return {
    ...(scoped === undefined ? {} : { scoped: readScoped(scoped) }),
    ...(correlation === undefined ? {} : { correlation: readCorrelation(correlation) }),
  };
}

function readScoped(value: unknown): readonly ScopeEntry[] {
  if (!Array.isArray(value) || value.length > maxEntries) refuse("ConnectArtifact.scoped");
  const seen = new Set<string>();
  // Not map, which passes over holes.
  const entries = Array.from(value as unknown[], (each): ScopeEntry => {
    const kind = "ScopeMetadataEntry";
    const { scope, scope_version, critical, payload } = membersOf(kind, each, ["scope", "scope_version", "critical", "payload"], "ConnectArtifact.scoped");
    if (!matches(scopeName, scope)) refuse(`${kind}.scope`);
    if (!isInteger(scope_version, 1, 0xffff)) refuse(`${kind}.scope_version`);
    if (typeof critical !== "boolean") refuse(`${kind}.critical`);
    if (!isObject(payload) || !fits(payload)) refuse(`${kind}.payload`);
    if (seen.has(scope)) refuse("ConnectArtifact.scoped");
    seen.add(scope);
    return Object.freeze({ scope, scope_version, critical, payload });
  });
  return Object.freeze(entries);
}

function readCorrelation(value: unknown): Correlation {
  const kind = "CorrelationContext";
  const { v, trace_id, session_id, tags = [] } = membersOf(kind, value, ["v", "trace_id", "session_id", "tags"], "ConnectArtifact.correlation");
  if (v !== 1) refuse(`${kind}.v`);
  if (!Array.isArray(tags) || tags.length > maxEntries) refuse(`${kind}.tags`);
  const kept = Array.from(tags as unknown[], (each) => {
    const { key, value: text } = membersOf("CorrelationKV", each, ["key", "value"], `${kind}.tags`);
    if (!matches(tagKey, key)) refuse("CorrelationKV.key");
    if (!matches(wholeText, text) || bytesOf(text) > maxTagBytes) refuse("CorrelationKV.value");
    return Object.freeze({ key, value: text });
  });
  if (new Set(kept.map(({ key }) => key)).size < kept.length) refuse(`${kind}.tags`);
  // A text that does not fit is left out, anything but a text is no id.
  const id = (name: "trace_id" | "session_id", given: unknown) => {
    const text = given ?? "";
    if (typeof text !== "string") refuse(`${kind}.${name}`);
    const kept = idIn(text);
    return kept === undefined ? {} : { [name]: kept };
  };
  return Object.freeze({ v: 1, ...id("trace_id", trace_id), ...id("session_id", session_id), tags: Object.freeze(kept) });
}

/** The id that a text of a correlation holds, undefined for one that does not fit. */
export function idIn(text: unknown): string | undefined {
  return typeof text === "string" ? correlationId.exec(text)?.[1] : undefined;
}

function matches(pattern: RegExp, value: unknown): value is string {
  return typeof value === "string" && pattern.test(value);
}

function isInteger(value: unknown, least: number, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** Whether a payload is JSON of bounded depth and size, its keys sorted. The payload itself is the first level. */
function fits(payload: Members): boolean {
  try {
    const text = sortedJson(payload, 1);
    return text !== undefined && bytesOf(text) <= maxPayloadBytes;
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

/** What every event of this connection carries. */
export function contextOf({ transport: path, correlation: { trace_id: traceId, session_id: sessionId } = { v: 1, tags: [] } }: ConnectArtifact): ObserverContext {
  return { path, ...(traceId && { traceId }), ...(sessionId && { sessionId }) };
}

/** What a client has already. */
interface Tools {
  readonly FlowersecError: typeof FlowersecError;
  readonly failure: typeof failure;
  readonly tell: typeof tell;
  readonly withAbort: typeof withAbort;
}

/** Offers each scope to its resolver, one after the other. Errors: validate/resolve_failed; connect/canceled. */
export async function resolveScopes(
  { transport: path, scoped = [] }: ConnectArtifact,
  options: ConnectOptions,
  observer: ClientObserver,
  { FlowersecError, failure, tell, withAbort }: Tools,
): Promise<void> {
  const { scopeResolvers = {}, relaxedOptionalScopeValidation: isRelaxed = false, signal } = options;
  // Not failure(): a FlowersecError of a resolver is a cause like any other.
  const refusal = (cause?: unknown) => new FlowersecError({ path, stage: "validate", code: "resolve_failed", cause });
  const skipped = (code: "scope_ignored_missing_resolver" | "scope_ignored_relaxed_validation") => tell(observer, { stage: "scope", code, result: "skip" });
  for (const entry of scoped) {
    const resolve = Object.hasOwn(scopeResolvers, entry.scope) ? scopeResolvers[entry.scope] : undefined;
    if (resolve === undefined) {
      if (entry.critical) throw refusal();
      skipped("scope_ignored_missing_resolver");
      continue;
    }
    try {
      await withAbort((async () => resolve(entry))(), signal);
    } catch (cause) {
      if (signal?.aborted) throw failure(path, "connect", "canceled", signal.reason);
      if (entry.critical || !isRelaxed) throw refusal(cause);
      skipped("scope_ignored_relaxed_validation");
    }
  }
}
