import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConnectArtifact } from "../endpoint/artifact.js";
import { CountedAbort } from "../testing/counted_signal.js";
import { info } from "../testing/world.js";
import { createControlplaneArtifactSource } from "./controlplane_source.js";
import { createBrowserReconnectConfig } from "./browser.js";
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
  assert.equal(requests[0]?.signal, signal);
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
