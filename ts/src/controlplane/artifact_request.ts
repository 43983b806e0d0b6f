// Asking a control plane for a connect artifact.
// Layer controlplane, for clients. Runs in browsers. HTTPS only; no redirects, no caches, a bounded answer. Where it may go is in
// artifact_url.ts.

import { concat, controlplaneDefaults, fromUtf8, trimmed, withDeadline, type Clock } from "../base/index.js";
import type { ConnectArtifact } from "../endpoint/artifact.js";
import { decodeArtifactEnvelope } from "./artifact_text.js";
import { artifactUrl } from "./artifact_url.js";

/** Path of the route that an application calls with its own session. Source: docs/CONTROLPLANE.md. */
export const DEFAULT_CONNECT_ARTIFACT_PATH = "/v1/connect/artifact";
/** Path of the route that takes an entry ticket. Source: docs/CONTROLPLANE.md. */
export const DEFAULT_ENTRY_CONNECT_ARTIFACT_PATH = "/v1/connect/artifact/entry";

/** Where and how to ask. */
export interface ControlplaneBaseConfig {
  /** Scheme, host and path before `path`. In a page it may leave out scheme and host: it is relative to the page then. Absent or blank: `path` alone. */
  baseUrl?: string;
  /** Cannot change the host of `baseUrl`. */
  path?: string;
  headers?: Readonly<Record<string, string>>;
  /** Cookies and the like; default omit. */
  credentials?: "omit" | "same-origin" | "include";
  /** Default: the platform's. */
  fetch?: typeof fetch;
  signal?: AbortSignal;
  /** For the whole request, in milliseconds. Default 10 000; 0: no limit. */
  timeoutMs?: number | undefined;
  /** For tests. */
  clock?: Clock | undefined;
  /** Allows http to localhost, ::1 and 127.0.0.0/8, judged on the text. */
  allowLoopbackHTTP?: boolean;
}

/** What ties the request to a trace. `traceId` comes back in the artifact; a blank one is left out. */
export interface ArtifactRequestCorrelation {
  traceId?: string;
}

export interface RequestConnectArtifactInput extends ControlplaneBaseConfig {
  endpointId: string;
  /** Handed to whoever issues the artifact. */
  payload?: Readonly<Record<string, unknown>>;
  correlation?: ArtifactRequestCorrelation;
}

export interface RequestEntryConnectArtifactInput extends RequestConnectArtifactInput {
  /** Sent as Authorization: Bearer; wins over a header of that name. */
  entryTicket: string;
}

/** Body of a good answer. */
export interface ConnectArtifactEnvelope {
  connect_artifact: ConnectArtifact;
}

/** Body of any other. */
export interface ControlplaneErrorEnvelope {
  error: { code: string; message: string };
}

/**
 * The control plane refused. Status 0: it was not asked, code transport_policy_denied or invalid_option; or it did not answer
 * in time, code timeout; or fetch failed, without a code and with what it threw as cause: the network, or a redirect, of which
 * fetch does not tell the status.
 */
export class ControlplaneRequestError extends Error {
  override readonly name = "ControlplaneRequestError";
  constructor(
    message: string,
    /** HTTP status. */
    readonly status: number,
    /** Of the body's error; empty without one. */
    readonly code: string,
    /** Text of the body, as far as it was read. */
    readonly responseBody: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Posts the request and returns the artifact, validated and frozen. Throws ControlplaneRequestError for any status but 2xx,
 * for a redirect, a URL that is refused, options that make no sense, a network that fails and a control plane that is silent, Error
 * for an answer that holds no artifact or more than 1 MiB, and the signal's reason.
 */
export function requestConnectArtifact(input: RequestConnectArtifactInput): Promise<ConnectArtifact> {
  return request(input, DEFAULT_CONNECT_ARTIFACT_PATH, {});
}

/** The same from the entry endpoint, on the strength of a ticket. */
export async function requestEntryConnectArtifact(input: RequestEntryConnectArtifactInput): Promise<ConnectArtifact> {
  const ticket = trimmed(input.entryTicket);
  if (ticket === "") throw notAsked("invalid_option", "entryTicket is required");
  return request(input, DEFAULT_ENTRY_CONNECT_ARTIFACT_PATH, { authorization: `Bearer ${ticket}` });
}

/** A request that was not made, or led to nothing. */
function notAsked(code: "invalid_option" | "transport_policy_denied" | "timeout", message: string, options?: ErrorOptions): ControlplaneRequestError {
  return new ControlplaneRequestError(message, 0, code, "", options);
}

async function request(input: RequestConnectArtifactInput, defaultPath: string, extra: Record<string, string>): Promise<ConnectArtifact> {
  const { payload, signal, clock, timeoutMs = controlplaneDefaults.requestTimeoutMs } = input;
  const endpoint_id = trimmed(input.endpointId);
  if (endpoint_id === "") throw notAsked("invalid_option", "endpointId is required");
  if (payload !== undefined && !isWrittenAsObject(payload)) throw notAsked("invalid_option", "payload must be an object");
  if (!(timeoutMs >= 0)) throw notAsked("invalid_option", "timeoutMs must be at least 0");
  const url = artifactUrl(trimmed(input.baseUrl).replace(/\/+$/, ""), input.path ?? defaultPath, input.allowLoopbackHTTP === true);
  if (url === undefined) throw notAsked("transport_policy_denied", "the URL is refused by the transport policy");
  const trace_id = trimmed(input.correlation?.traceId);
  const headers = new Headers(input.headers);
  for (const [name, value] of Object.entries(extra)) headers.set(name, value);
  if (!headers.has("content-type")) headers.set("content-type", "application/json");
  const givenUp = new AbortController();
  const asking = ask(input.fetch ?? fetch, url, {
    method: "POST",
    headers,
    body: JSON.stringify({ endpoint_id, payload, correlation: trace_id ? { trace_id } : undefined }),
    credentials: input.credentials ?? "omit",
    cache: "no-store",
    redirect: "error",
    signal: givenUp.signal,
  });
  const { status, body } = await withDeadline(asking, { signal, timeoutMs, clock }, (error) => givenUp.abort(error)).catch((error: unknown) => {
    if (signal?.aborted) throw signal.reason;
    throw givenUp.signal.aborted ? notAsked("timeout", `the control plane did not answer in ${timeoutMs} ms`, { cause: error }) : error;
  });
  if (status < 200 || status > 299) throw refusal(status, body);
  return decodeArtifactEnvelope(body);
}

function isWrittenAsObject(value: unknown): boolean {
  try {
    return String(JSON.stringify(value)).startsWith("{");
  } catch {
    return false; // a cycle, or what JSON has not
  }
}

/** Status and body. A refusal whose body cannot be read is one all the same. */
async function ask(post: typeof fetch, url: string, init: RequestInit): Promise<{ status: number; body: string }> {
  const response = await (async () => post(url, init))().catch((cause: unknown) => {
    throw new ControlplaneRequestError(`controlplane request failed: ${String((cause as Error | undefined)?.message ?? cause)}`, 0, "", "", { cause });
  });
  const { status } = response;
  // For a fetch of the caller's that does not know the mode: an answer of whoever it was sent on to is not one of the control plane.
  if (response.redirected || response.type === "opaqueredirect") throw new ControlplaneRequestError("controlplane request failed: redirect", 0, "", "");
  try {
    return { status, body: await textOf(response) };
  } catch (cause) {
    if (response.ok) throw cause;
    throw new ControlplaneRequestError(`controlplane request failed: ${status}`, status, "", "", { cause });
  }
}

async function textOf(response: Response): Promise<string> {
  const limit = controlplaneDefaults.maxResponseBodyBytes;
  const declared = Number(response.headers.get("content-length") ?? 0);
  if (response.body === null) return "";
  const reader = response.body.getReader();
  const parts: Uint8Array[] = [];
  let length = declared > limit ? Infinity : 0;
  while (length <= limit) {
    const { done, value } = await reader.read();
    if (done) return fromUtf8(concat(...parts));
    parts.push(value);
    length += value.length;
  }
  await reader.cancel().catch(() => {});
  throw new Error(`controlplane response exceeds ${limit} bytes`);
}

function refusal(status: number, body: string): ControlplaneRequestError {
  const error = parsed(body)?.["error"] as { code?: unknown; message?: unknown } | null | undefined;
  const message = trimmed(error?.message) || trimmed(body) || `controlplane request failed: ${status}`;
  return new ControlplaneRequestError(message, status, trimmed(error?.code), body);
}

function parsed(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
