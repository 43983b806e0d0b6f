// The shared table of the artifact endpoints: hooks as its rows want them, and what an answer must be.
import assert from "node:assert/strict";
import type { ArtifactEndpointOptions, ArtifactQuestion } from "../controlplane/artifact_endpoint.js";
import { ControlplaneCodecError } from "../controlplane/codec.js";
import { decodeArtifactEnvelope } from "../controlplane/artifact_text.js";
import type { ConnectArtifact } from "../endpoint/artifact.js";
import { readSharedJson } from "./repository.js";
import { SecretWatch } from "./secret_watch.js";

type Hook = "fail" | "throw" | "absent" | "nothing" | "unusable" | { status: number; code: string; message: string };

export interface EndpointCase {
  name: string;
  entry?: true;
  max_body_bytes?: number;
  hooks?: { metadata?: Hook; validate?: Hook; issue?: Hook };
  method: string;
  headers: [string, string][];
  body: string;
  fill?: { text: string; times: number };
  status: number;
  error?: { code: string; message?: string };
  asked?: {
    endpoint_id: string;
    payload?: unknown;
    trace_id?: string;
    ticket?: string;
    metadata?: { request_id: string; host: string; origin: string; user_agent: string };
  };
}

export interface Answered {
  status: number;
  /** By names in lower case. */
  header(name: string): string | null | undefined;
  body: string;
}

export function endpointCases(): EndpointCase[] {
  const { cases } = readSharedJson("testdata/controlplane_http_cases.json") as { cases: EndpointCase[] };
  return cases.map(({ body, fill, ...row }) => ({ ...row, body: fill === undefined ? body : body.replaceAll("@@", fill.text.repeat(fill.times)) }));
}

export const sampleArtifact: ConnectArtifact = {
  v: 1,
  transport: "tunnel",
  tunnel_grant: {
    tunnel_url: "wss://t/ws", channel_id: "chan", channel_init_expire_at_unix_s: 1_800_000_120, idle_timeout_seconds: 60, role: 1,
    token: "FST2.canary.token", e2ee_psk_b64u: "EBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8", allowed_suites: [1], default_suite: 1,
  },
};

const { token, e2ee_psk_b64u } = (sampleArtifact as { tunnel_grant: { token: string; e2ee_psk_b64u: string } }).tunnel_grant;
/** Looks for what is secret in the artifact: in answers that refuse, and in what an application is told of them. */
export const watch = new SecretWatch(token, e2ee_psk_b64u);

function failing(hook: Hook): never {
  if (typeof hook === "object") throw new ControlplaneCodecError(hook.status, hook.code, hook.message);
  throw new Error("canary");
}

/** An endpoint as the row wants it; `asked` is what its issue hook was told. */
export class CaseWorld {
  asked: ArtifactQuestion | undefined;
  private readonly failures: unknown[] = [];
  constructor(readonly row: EndpointCase) {}

  options<Native>(): ArtifactEndpointOptions<Native> {
    const { entry, max_body_bytes: maxBodyBytes, hooks: { metadata, validate, issue } = {} } = this.row;
    return {
      isEntry: entry,
      onFailure: (error) => void this.failures.push(error),
      maxBodyBytes,
      ...(metadata && { metadata: () => (metadata === "throw" ? failing(metadata) : Promise.reject(caught(metadata))) }),
      ...(validate && { validate: () => (validate === "throw" ? failing(validate) : Promise.reject(caught(validate))) }),
      ...(issue !== "absent" && { issue: (question) => this.issue(question, issue) }),
    };
  }

  private issue(question: ArtifactQuestion, hook: Hook | undefined): ConnectArtifact | Promise<ConnectArtifact> {
    this.asked = question;
    if (hook === undefined) return sampleArtifact;
    if (hook === "nothing") return undefined as unknown as ConnectArtifact;
    if (hook === "unusable") return { ...sampleArtifact, tunnel_grant: { ...(sampleArtifact as { tunnel_grant: object }).tunnel_grant, role: 2 } } as ConnectArtifact;
    return hook === "throw" ? failing(hook) : Promise.reject(caught(hook));
  }

  check({ status, header, body }: Answered): void {
    const { row } = this;
    this.failures.forEach(watch.look);
    assert.equal(status, row.status, body);
    assert.equal(header("content-type"), "application/json");
    assert.equal(header("cache-control"), "no-store, no-cache, must-revalidate, private");
    assert.equal(header("pragma"), "no-cache");
    assert.equal(header("expires"), "0");
    assert.equal(header("allow") ?? null, null);
    assert.ok(body.endsWith("}\n"));
    if (row.error === undefined) return this.checkAsked(decodeArtifactEnvelope(body));
    watch.look(body);
    const { error } = JSON.parse(body) as { error: { code: string; message: string } };
    assert.deepEqual(Object.keys(error), ["code", "message"]);
    assert.equal(error.code, row.error.code);
    assert.ok(error.message !== "" && !body.includes("canary"));
    if (row.error.message !== undefined) assert.equal(error.message, row.error.message);
  }

  private checkAsked(artifact: ConnectArtifact): void {
    const { asked, row } = this;
    const { endpoint_id, payload, trace_id, ticket = "", metadata } = row.asked ?? { endpoint_id: "" };
    assert.deepEqual(artifact, sampleArtifact);
    assert.ok(asked !== undefined);
    assert.equal(asked.endpointId, endpoint_id);
    assert.deepEqual(asked.payload, payload);
    assert.equal(asked.correlation?.traceId, trace_id);
    assert.equal(asked.ticket, ticket);
    assert.equal(asked.isEntry, row.entry === true);
    if (metadata === undefined) return;
    const { requestId, host, origin, userAgent, subject, attributes } = asked.metadata;
    assert.deepEqual({ request_id: requestId, host, origin, user_agent: userAgent, subject, attributes }, { ...metadata, subject: "", attributes: {} });
  }
}

function caught(hook: Hook): unknown {
  try {
    return failing(hook);
  } catch (error) {
    return error;
  }
}
