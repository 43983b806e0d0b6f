// The tables that C++ runs too: artifacts as texts, and the choice of a tunnel.
import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "../base/index.js";
import type { ConnectArtifact } from "../endpoint/artifact.js";
import { readSharedJson } from "../testing/repository.js";
import { decodeConnectArtifact, encodeConnectArtifact } from "./artifact_text.js";
import { chooseTunnel, tunnelScore } from "./tunnel_choice.js";

interface ArtifactCase {
  name: string;
  input: string;
  fill?: { text: string; times: number };
  ok?: unknown;
  error?: string;
}
const filled = (text: string, { fill }: ArtifactCase) => (fill === undefined ? text : text.replaceAll("@@", fill.text.repeat(fill.times)));

const { cases } = readSharedJson("testdata/artifact_cases.json") as { cases: ArtifactCase[] };
test("there are artifacts in the table", () => assert.ok(cases.length >= 200));
for (const row of cases) {
  test(`artifact: ${row.name}`, () => {
    const input = filled(row.input, row);
    for (const text of [input, utf8(input)]) {
      if (row.error === undefined) {
        const expected: unknown = JSON.parse(filled(JSON.stringify(row.ok), row));
        assert.deepEqual(JSON.parse(encodeConnectArtifact(decodeConnectArtifact(text))), expected);
        continue;
      }
      const { error } = row;
      assert.throws(() => decodeConnectArtifact(text), (thrown) => thrown instanceof Error && thrown.message.startsWith(error) || assert.fail(String(thrown)));
    }
  });
}

const grant = {
  tunnel_url: "wss://t.example/ws", channel_id: "c", channel_init_expire_at_unix_s: 1, idle_timeout_seconds: 60, role: 1, token: "t",
  e2ee_psk_b64u: "p", allowed_suites: [1], default_suite: 1,
};

test("numbers of payloads may be written as they like, those of the protocol may not; texts are no numbers", () => {
  const text = (version: string) =>
    `{"v":1,"transport":"tunnel","tunnel_grant":${JSON.stringify({ ...grant, token: '1.0 "1e3" \\' })},"scoped":[{"scope":"a","scope_version":${version},` +
    '"critical":false,"payload":{"a":1.0,"b":[-1e3],"scope_version":2.5,"t":"1.0"}}]}';
  const artifact = decodeConnectArtifact(text("1"));
  assert.deepEqual(artifact.scoped?.[0]?.payload, { a: 1, b: [-1000], scope_version: 2.5, t: "1.0" });
  assert.ok(artifact.transport === "tunnel" && artifact.tunnel_grant.token === '1.0 "1e3" \\');
  assert.ok(Object.isFrozen(artifact) && Object.isFrozen(artifact.tunnel_grant));
  for (const version of ["1.0", "1e0", "10e-1", "1E0"]) assert.throws(() => decodeConnectArtifact(text(version)), { message: /^bad ScopeMetadataEntry\.scope_version/ });
});

test("artifacts are written in a fixed order, without what is unknown in a body", () => {
  const correlation = { tags: [{ value: "v", key: "k" }], trace_id: " trace-0001 ", v: 1 };
  const written = encodeConnectArtifact({
    correlation, scoped: [], tunnel_grant: { ...grant, more: 1 }, transport: "tunnel", v: 1,
  } as never);
  assert.equal(written, `{"v":1,"transport":"tunnel","tunnel_grant":${JSON.stringify(grant)},"correlation":{"v":1,"trace_id":"trace-0001","tags":[{"key":"k","value":"v"}]}}`);
  assert.throws(() => encodeConnectArtifact({ v: 1, transport: "tunnel", tunnel_grant: { ...grant, role: 2 } } as never), { message: /\.role$/ });
  assert.throws(() => encodeConnectArtifact({ v: 1, transport: "tunnel", tunnel_grant: { ...grant, token: "x".repeat(1_048_576) } } as never), { message: "bad ConnectArtifact" });
});

test("whatever is changed in a text, it is an artifact or refused by name, and no secret is in the refusal", () => {
  const text = encodeConnectArtifact({
    v: 1, transport: "tunnel", tunnel_grant: { ...grant, token: "canary-canary", e2ee_psk_b64u: "canary-canary" } as never,
    scoped: [{ scope: "app", scope_version: 1, critical: true, payload: { a: [1, "x", { b: null }] } }],
    correlation: { v: 1, trace_id: "trace-0001", tags: [{ key: "k", value: "v" }] },
  });
  const pieces = ['"', "{", "}", "[", "]", ",", ":", "1.0", "-0", "1e9", "null", "\\", "\\ud800", "\u0000", "\ufeff", "é", '"v":2,', '"__proto__":{},', " "];
  let seed = 1;
  const random = (below: number) => (seed = (seed * 48_271) % 0x7fff_ffff) % below;
  let taken = 0;
  const rounds = 3000;
  for (let i = 0; i < rounds; i++) {
    const at = random(text.length);
    const changed = text.slice(0, at) + (pieces[random(pieces.length)] ?? "") + text.slice(at + random(3));
    let artifact: ConnectArtifact;
    try {
      artifact = decodeConnectArtifact(changed);
    } catch (error) {
      const { message, cause } = error as Error;
      assert.match(message, /^bad [A-Z]\w+/);
      assert.ok(!`${message} ${String(cause)}`.includes("canary"), message);
      continue;
    }
    assert.deepEqual(decodeConnectArtifact(encodeConnectArtifact(artifact)), artifact);
    taken++;
  }
  assert.ok(taken > 100 && taken < rounds - 100, `${taken} of ${rounds} taken`);
});

interface ChoiceCase {
  name: string;
  channel_id: string;
  urls: string[];
  scores: string[];
  pick: string;
}
const choices = (readSharedJson("testdata/tunnel_choice.json") as { cases: ChoiceCase[] }).cases;
test("there are choices in the table", () => assert.ok(choices.length >= 10));
for (const { name, channel_id, urls, scores, pick } of choices) {
  test(`choice: ${name}`, () => {
    assert.deepEqual(urls.map((url) => tunnelScore(channel_id, url).toString(16).padStart(16, "0")), scores);
    assert.equal(chooseTunnel(channel_id, urls), pick);
  });
}
