// Whatever is changed in what strangers send: a typed refusal or a reading, soon, and no secret in what is said about it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "../base/index.js";
import { sampleArtifact } from "../testing/artifact_endpoint_cases.js";
import { mutated } from "../testing/mutations.js";
import { SecretWatch } from "../testing/secret_watch.js";
import { createArtifactEndpoint } from "./artifact_endpoint.js";
import { decodeConnectArtifact, encodeConnectArtifact } from "./artifact_text.js";
import { ControlplaneCodecError, decodeArtifactRequest } from "./codec.js";
import { isJsonMediaType } from "./media_type.js";

const pieces = ['"', "{", "}", "[", "]", ",", ":", "1.0", "-0", "1e999", "null", "true", "\\", "\\ud800", "\\u0000", "\u0000", "\ufeff", "é", '"endpoint_id":', '"__proto__":{},', " ", ";", "=", "[".repeat(3000), " ".repeat(3000)];
const [psk, token, ticket] = ["canary-of-a-psk-0000", "canary-of-a-token-00", "canary-of-a-ticket-0"];
/** Of a processor. Far more than any of these takes, and far less than what is quadratic in the longest would. */
const mostMicros = 250_000;

function timed<T>(work: () => T): T {
  const begun = process.cpuUsage();
  try {
    return work();
  } finally {
    const { user, system } = process.cpuUsage(begun);
    assert.ok(user + system < mostMicros, "too slow");
  }
}

test("artifacts", async () => {
  const watch = new SecretWatch(psk, token);
  const text = encodeConnectArtifact({
    v: 1, transport: "tunnel",
    tunnel_grant: {
      tunnel_url: "wss://t.example/ws", channel_id: "c", channel_init_expire_at_unix_s: 1, idle_timeout_seconds: 60, role: 1, token, e2ee_psk_b64u: psk,
      allowed_suites: [1, 2], default_suite: 1,
    },
    scoped: [{ scope: "app", scope_version: 1, critical: true, payload: { a: [1, "x", { b: null }] } }],
    correlation: { v: 1, trace_id: "trace-0001", tags: [{ key: "k", value: "v" }] },
  });
  const outcomes = { read: 0, refused: 0 };
  await mutated(text, pieces, { seed: 7, rounds: 4000 }, (changed) => {
    try {
      const artifact = timed(() => decodeConnectArtifact(changed));
      assert.deepEqual(decodeConnectArtifact(encodeConnectArtifact(artifact)), artifact);
      outcomes.read++;
    } catch (error) {
      assert.match((error as Error).message, /^bad [A-Z]\w+/, changed.slice(0, 500));
      watch.look(error);
      outcomes.refused++;
    }
  });
  assert.ok(outcomes.read > 50 && outcomes.refused > 2000, JSON.stringify(outcomes));
});

const request = `{"endpoint_id":"server-1","payload":{"a":[1,"${psk}"]},"correlation":{"trace_id":"trace-0001"}}`;

test("requests for artifacts", async () => {
  const watch = new SecretWatch(psk);
  const outcomes = { read: 0, refused: 0 };
  await mutated(request, pieces, { seed: 11, rounds: 4000 }, (changed) => {
    try {
      const { endpointId } = timed(() => decodeArtifactRequest("application/json", utf8(changed)));
      assert.notEqual(endpointId, "");
      outcomes.read++;
    } catch (error) {
      assert.ok(error instanceof ControlplaneCodecError, String(error));
      assert.ok(error.status >= 400 && error.status < 500);
      watch.look(error);
      outcomes.refused++;
    }
  });
  assert.ok(outcomes.read > 50 && outcomes.refused > 2000, JSON.stringify(outcomes));
});

test("media types", async () => {
  let taken = 0;
  const rounds = 4000;
  await mutated('application/json; charset="utf-8"; a=b', [...pieces, "application/", ";;", '"\\"', "\t"], { seed: 13, rounds }, (changed) => {
    taken += Number(timed(() => isJsonMediaType(changed)));
  });
  assert.ok(taken > 50 && taken < rounds - 50, `${taken}`);
});

test("an endpoint answers whatever it is sent, never 500, and says no secret", async () => {
  const watch = new SecretWatch(psk, ticket);
  const answer = createArtifactEndpoint({ issue: () => sampleArtifact });
  const statuses = new Set<number>();
  const headers = { "content-type": "application/json", authorization: `Bearer ${ticket}` };
  await mutated(request, pieces, { seed: 17, rounds: 1500 }, async (body) => {
    const response = await answer(new Request("https://cp.example/", { method: "POST", headers, body }));
    statuses.add(response.status);
    const said = await response.text();
    watch.look(said);
    assert.equal(typeof JSON.parse(said), "object");
  });
  assert.ok(statuses.has(200) && statuses.has(400));
  assert.deepEqual([...statuses].filter((status) => status !== 200 && (status < 400 || status > 499)), []);
  assert.equal(watch.looks, 1500);
});
