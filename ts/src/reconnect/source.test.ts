import assert from "node:assert/strict";
import { test } from "node:test";
import { deferred, FlowersecError } from "../base/index.js";
import { requestConnectArtifact } from "../controlplane/artifact_request.js";
import type { ConnectArtifact } from "../endpoint/artifact.js";
import { CountedAbort } from "../testing/counted_signal.js";
import { ManualClock } from "../testing/manual_clock.js";
import { SecretWatch } from "../testing/secret_watch.js";
import { info } from "../testing/world.js";
import { createControlplaneArtifactSource, type ControlplaneArtifactSourceInput } from "./controlplane_source.js";
import { createBrowserReconnectConfig } from "./browser.js";
import { isRetryable } from "./failure.js";
import { createNodeReconnectConfig } from "./node.js";
import { createArtifactResolver, type ArtifactRequest } from "./source.js";

const artifact = (traceId?: string): ConnectArtifact => ({
  v: 1,
  transport: "direct",
  direct_info: info,
  ...(traceId && { correlation: { v: 1, trace_id: traceId, tags: [] } }),
});

test("a source that yields once yields once", async () => {
  const direct = createArtifactResolver({ kind: "once", artifact: artifact() });
  assert.deepEqual(await direct(), artifact());
  await assert.rejects(direct(), { stage: "validate", code: "missing_connect_info" });
  const tunnel = createArtifactResolver({ kind: "once", artifact: { v: 1, transport: "tunnel", tunnel_grant: {} as never } });
  await tunnel();
  await assert.rejects(tunnel(), { stage: "validate", code: "missing_grant" });
});

test("each acquisition is told the trace id of the artifact before, also across one that had none", async () => {
  const asked: ArtifactRequest[] = [];
  const answers = [artifact("trace-one"), artifact(), artifact("trace-three"), artifact()];
  const acquire = createArtifactResolver({
    kind: "refreshable",
    acquire: async (request) => {
      asked.push(request);
      return answers.shift() ?? assert.fail();
    },
  });
  for (let i = 0; i < 4; i++) await acquire();
  assert.deepEqual(asked, [{}, { traceId: "trace-one" }, { traceId: "trace-one" }, { traceId: "trace-three" }]);
});

test("the signal reaches the source, ends the wait, and keeps no listener", async () => {
  const stuck = createArtifactResolver({ kind: "refreshable", acquire: () => new Promise(() => {}) });
  const abort = new CountedAbort();
  const waiting = stuck({ signal: abort.signal });
  abort.abort(new Error("enough"));
  await assert.rejects(waiting, { name: "AbortError" });
  assert.equal(abort.listeners, 0);
  const other = new CountedAbort();
  const failing = createArtifactResolver({
    kind: "refreshable",
    acquire: async ({ signal }) => {
      assert.equal(signal, other.signal);
      throw new Error("no artifact");
    },
  });
  await assert.rejects(failing({ signal: other.signal }), /no artifact/);
  assert.equal(other.listeners, 0);
});

test("a control plane is asked with the caller's trace id first, then with the artifact's; a ticket asks the entry endpoint", async () => {
  const requests: { url: string; body: unknown; authorization: string | null; signal: unknown }[] = [];
  const fetch = (async (url: string, { body, headers, signal }: RequestInit) => {
    requests.push({ url, body: JSON.parse(body as string), authorization: new Headers(headers).get("authorization"), signal });
    return Response.json({ connect_artifact: artifact("trace-of-artifact") });
  }) as typeof globalThis.fetch;
  const input = { baseUrl: "https://cp.example", endpointId: "server-1", correlation: { traceId: "trace-of-caller" }, fetch };
  const acquire = createArtifactResolver(createControlplaneArtifactSource(input));
  const { signal } = new AbortController();
  await acquire({ signal });
  await acquire();
  await createControlplaneArtifactSource({ ...input, entryTicket: "ticket" }).acquire({});
  assert.deepEqual(requests.map(({ url, body, authorization }) => [url, (body as { correlation: unknown }).correlation, authorization]), [
    ["https://cp.example/v1/connect/artifact", { trace_id: "trace-of-caller" }, null],
    ["https://cp.example/v1/connect/artifact", { trace_id: "trace-of-artifact" }, null],
    ["https://cp.example/v1/connect/artifact/entry", { trace_id: "trace-of-caller" }, "Bearer ticket"],
  ]);
  assert.ok(requests.every(({ signal: given }) => given instanceof AbortSignal && !given.aborted));
});

/** What the control plane of a source does, and whether it is asked again. */
const refusals: [string, Partial<ControlplaneArtifactSourceInput>, () => Promise<Response>, string, boolean][] = [
  ["refuses", {}, async () => Response.json({ error: { code: "unavailable", message: "no" } }, { status: 503 }), "resolve_failed", true],
  ["cannot be reached", {}, () => Promise.reject(new TypeError("fetch failed")), "resolve_failed", true],
  ["answers nonsense", {}, async () => Response.json({}), "resolve_failed", true],
  ["says that it is final", {}, async () => Response.json({ error: { code: "role_mismatch", message: "no" } }, { status: 400 }), "role_mismatch", false],
  ["says canceled, which is not its to say", {}, async () => Response.json({ error: { code: "canceled", message: "no" } }, { status: 400 }), "resolve_failed", true],
  ["may not be asked", { baseUrl: "http://cp.example" }, () => assert.fail("asked"), "transport_policy_denied", false],
  ["is asked for nobody", { endpointId: " " }, () => assert.fail("asked"), "invalid_option", false],
  ["is shown no ticket", { entryTicket: "" } as never, () => assert.fail("asked"), "invalid_option", false],
  ["has no time", { timeoutMs: -1 }, () => assert.fail("asked"), "invalid_option", false],
];
for (const [name, input, answer, code, isAskedAgain] of refusals) {
  test(`a control plane that ${name}: validate/${code}, ${isAskedAgain ? "asked again" : "final"}`, async () => {
    const ticket = "a-ticket-nobody-may-say";
    const watch = new SecretWatch(ticket, "a-bearer-key-nobody-may-say");
    const headers = { "X-Key": "a-bearer-key-nobody-may-say" };
    const source = createControlplaneArtifactSource({ baseUrl: "https://cp.example", endpointId: "e", entryTicket: ticket, headers, fetch: answer, ...input });
    await assert.rejects(source.acquire({}), (error) => {
      assert.ok(error instanceof FlowersecError && error.cause !== undefined, String(error));
      watch.look(error);
      assert.deepEqual([error.path, error.stage, error.code], ["auto", "validate", code]);
      assert.equal(isRetryable(error), isAskedAgain);
      return true;
    });
  });
}

test("a control plane that is silent holds an attempt for 10 s, unless told otherwise", async () => {
  for (const [input, ms] of [[{}, 10_000], [{ timeoutMs: 50 }, 50]] as const) {
    const clock = new ManualClock();
    let asked: AbortSignal | undefined;
    const fetch = (_: unknown, { signal }: RequestInit = {}) => ((asked = signal as AbortSignal), new Promise<Response>(() => {}));
    const source = createControlplaneArtifactSource({ baseUrl: "https://cp.example", endpointId: "e", fetch, clock, ...input });
    const failing = assert.rejects(source.acquire({}), (error) => {
      const { code, cause } = error as FlowersecError;
      assert.deepEqual([code, (cause as { code: string; status: number }).code, (cause as { status: number }).status], ["resolve_failed", "timeout", 0]);
      return isRetryable(error);
    });
    clock.advance(ms - 1);
    assert.equal(asked?.aborted, false);
    clock.advance(1);
    await failing;
    assert.equal(asked.aborted, true, "the request is given up");
    assert.equal(clock.pending, 0);
  }
});

test("so does one that begins to answer", async () => {
  const clock = new ManualClock();
  const cancelled = deferred<void>();
  const begun = deferred<void>();
  const body = new ReadableStream({ pull: () => begun.resolve(), cancel: () => cancelled.resolve() }, { highWaterMark: 0 });
  const fetch = async (_: unknown, { signal }: RequestInit = {}) => {
    signal?.addEventListener("abort", () => void cancelled.resolve());
    return new Response(body);
  };
  const failing = assert.rejects(requestConnectArtifact({ baseUrl: "https://cp.example", endpointId: "e", fetch, clock, timeoutMs: 5 }), { status: 0, code: "timeout" });
  await begun.promise;
  clock.advance(5);
  await Promise.all([failing, cancelled.promise]);
});

test("the caller's own signal ends a request with its own reason", async () => {
  const abort = new CountedAbort();
  const fetch = () => new Promise<Response>(() => {});
  const source = createControlplaneArtifactSource({ baseUrl: "https://cp.example", endpointId: "e", fetch });
  const failing = assert.rejects(source.acquire({ signal: abort.signal }), (error) => error === "enough");
  abort.abort("enough");
  await failing;
  assert.equal(abort.listeners, 0);
});

for (const [name, create] of [["Node", createNodeReconnectConfig], ["Browser", createBrowserReconnectConfig]] as const) {
  test(`create${name}ReconnectConfig refuses what cannot work before anything is acquired`, () => {
    const once = { kind: "once", artifact: artifact() } as const;
    const invalid = { stage: "validate", code: "invalid_option" };
    assert.throws(() => create({ source: once, autoReconnect: { enabled: true } }), invalid);
    assert.throws(() => create({ source: once, autoReconnect: { factor: 0 } }), invalid);
    const observer = {};
    const autoReconnect = { enabled: false };
    const config = create({ source: once, observer, autoReconnect });
    assert.equal(config.observer, observer);
    assert.equal(config.autoReconnect, autoReconnect);
  });
}
