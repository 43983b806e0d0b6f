import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "../base/index.js";
import { SecretWatch } from "../testing/secret_watch.js";
import { ControlplaneRequestError, requestConnectArtifact, requestEntryConnectArtifact, type RequestConnectArtifactInput } from "./artifact_request.js";
import { bearerToken, ControlplaneCodecError, decodeArtifactRequest, encodeArtifactEnvelope, encodeControlplaneError } from "./codec.js";

const [psk, ticket] = ["canary-of-a-psk-0000", "canary-of-a-ticket-0"];
/** Looks at every error of a request, and at every refusal of one. */
const watch = new SecretWatch(psk, ticket);

const artifact = {
  v: 1 as const, transport: "direct" as const,
  direct_info: { ws_url: "wss://e.example", channel_id: "c", e2ee_psk_b64u: psk, channel_init_expire_at_unix_s: 1, default_suite: 1 as const },
};
const good = encodeArtifactEnvelope(artifact);

interface Sent {
  url: string;
  init: RequestInit;
}

/** A fetch that answers with this and keeps what it was asked. */
function answering(body: BodyInit | null, init: ResponseInit = {}): { fetch: typeof globalThis.fetch; sent: Sent[] } {
  const sent: Sent[] = [];
  const fetch = (url: unknown, asked: unknown) => {
    sent.push({ url: String(url), init: asked as RequestInit });
    return Promise.resolve(new Response(body, init));
  };
  return { fetch: fetch as unknown as typeof globalThis.fetch, sent };
}

function seen(error: unknown): never {
  watch.look(error);
  throw error;
}

async function ask(more: Partial<RequestConnectArtifactInput> = {}, body: BodyInit | null = good, init: ResponseInit = {}) {
  const { fetch, sent } = answering(body, init);
  const answer = await requestConnectArtifact({ endpointId: " server-1 ", baseUrl: "https://cp.example/", fetch, ...more }).catch(seen);
  return { answer, sent: sent[0] as Sent };
}

test("the request, by default", async () => {
  const { answer, sent } = await ask();
  assert.deepEqual(answer, artifact);
  assert.equal(sent.url, "https://cp.example/v1/connect/artifact");
  assert.equal(sent.init.method, "POST");
  assert.equal(sent.init.body, '{"endpoint_id":"server-1"}');
  assert.deepEqual([...(sent.init.headers as Headers)], [["content-type", "application/json"]]);
  assert.deepEqual([sent.init.credentials, sent.init.cache, sent.init.redirect], ["omit", "no-store", "error"]);
});

test("the request, with everything", async () => {
  const { sent } = await ask({
    baseUrl: " https://cp.example/base// ", path: "/x", payload: { a: 1 }, correlation: { traceId: " trace-01 " },
    headers: { "Content-Type": "application/json; charset=utf-8", "X-More": "1" }, credentials: "include",
  });
  assert.equal(sent.url, "https://cp.example/base/x");
  assert.equal(sent.init.body, '{"endpoint_id":"server-1","payload":{"a":1},"correlation":{"trace_id":"trace-01"}}');
  assert.deepEqual([...(sent.init.headers as Headers)], [["content-type", "application/json; charset=utf-8"], ["x-more", "1"]]);
  assert.equal(sent.init.credentials, "include");
});

test("a blank trace id is left out; a blank endpoint id or ticket is refused", async () => {
  assert.equal((await ask({ correlation: { traceId: " " } })).sent.init.body, '{"endpoint_id":"server-1"}');
  await assert.rejects(ask({ endpointId: " " }), { name: "ControlplaneRequestError", status: 0, code: "invalid_option", message: "endpointId is required" });
  await assert.rejects(requestEntryConnectArtifact({ endpointId: "e", entryTicket: " ", baseUrl: "https://a.example" }), { name: "ControlplaneRequestError", status: 0, code: "invalid_option", message: "entryTicket is required" });
});

test("a payload that JSON does not write as an object is refused before anybody is asked", async () => {
  const cycle: Record<string, unknown> = {};
  cycle["again"] = cycle;
  for (const payload of [null, [], "text", 5, true, new Date(), () => {}, cycle, { a: 1n }]) {
    const { fetch, sent } = answering(good);
    const asked = requestConnectArtifact({ endpointId: "e", baseUrl: "https://cp.example", fetch, payload: payload as never });
    await assert.rejects(asked, { name: "ControlplaneRequestError", status: 0, code: "invalid_option", message: "payload must be an object" });
    assert.equal(sent.length, 0);
  }
});

test("a redirect is a refusal, by whichever fetch", async () => {
  const stopped = { name: "ControlplaneRequestError", status: 0, code: "", message: "controlplane request failed: redirect" };
  await assert.rejects(ask({}, null, { status: 302, headers: { location: "/elsewhere" } }), { name: "ControlplaneRequestError", status: 302, code: "", message: "controlplane request failed: 302" });
  const [opaque, followed] = [Response.error(), new Response(good)];
  Object.defineProperty(opaque, "type", { value: "opaqueredirect" });
  Object.defineProperty(followed, "redirected", { value: true });
  for (const answer of [opaque, followed]) await assert.rejects(ask({ fetch: () => Promise.resolve(answer) }), stopped);
});

test("a fetch may answer without a promise", async () => {
  const post = () => new Response(good);
  await ask({ fetch: post as unknown as typeof globalThis.fetch });
});

test("what fetch throws is a typed error with its cause", async () => {
  const cause = new TypeError("fetch failed");
  const failed = { name: "ControlplaneRequestError", status: 0, code: "", message: "controlplane request failed: fetch failed", responseBody: "", cause };
  await assert.rejects(ask({ fetch: () => Promise.reject(cause) }), failed);
  await assert.rejects(ask({ fetch: () => { throw cause; } }), failed);
});

test("the ticket wins over a header of the caller", async () => {
  const { fetch, sent } = answering(good);
  await requestEntryConnectArtifact({ endpointId: "e", entryTicket: ` ${ticket} `, baseUrl: "https://cp.example", headers: { AUTHORIZATION: "Basic x" }, fetch });
  assert.equal(sent[0]?.url, "https://cp.example/v1/connect/artifact/entry");
  assert.equal((sent[0]?.init.headers as Headers).get("authorization"), `Bearer ${ticket}`);
  const refused = requestEntryConnectArtifact({ endpointId: "e", entryTicket: ticket, baseUrl: "https://cp.example", fetch: answering("", { status: 403 }).fetch }).catch(seen);
  await assert.rejects(refused, { name: "ControlplaneRequestError", status: 403 });
});

const refusals: [string, number, string, { code: string; message: string }][] = [
  ["with an error", 403, '{"error":{"code":" denied ","message":"no"}}', { code: "denied", message: "no" }],
  ["without a message", 500, '{"error":{"code":"x"}}', { code: "x", message: '{"error":{"code":"x"}}' }],
  ["in plain text", 502, " bad gateway ", { code: "", message: "bad gateway" }],
  ["with nothing", 404, "", { code: "", message: "controlplane request failed: 404" }],
  ["with another JSON", 400, "[1]", { code: "", message: "[1]" }],
];
for (const [name, status, body, expected] of refusals) {
  test(`an answer that refuses, ${name}`, async () => {
    await assert.rejects(ask({}, body, { status }), (error) => {
      assert.ok(error instanceof ControlplaneRequestError);
      assert.deepEqual({ status: error.status, code: error.code, message: error.message, body: error.responseBody }, { status, ...expected, body });
      return true;
    });
  });
}

test("a good status with anything but an artifact is an error", async () => {
  for (const body of ["", "null", "[]", "{}", "{", good.slice(0, -3)]) await assert.rejects(ask({}, body), { message: "invalid controlplane response: missing connect_artifact" });
  await assert.rejects(ask({}, good.replace('"v":1', '"v":2')), { message: "bad ConnectArtifact.v" });
});

test("an answer may have 1 MiB and not one byte more, declared or counted", async () => {
  const padded = good + " ".repeat(1_048_576 - good.length);
  assert.deepEqual((await ask({}, padded)).answer, artifact);
  await assert.rejects(ask({}, `${padded} `), { message: "controlplane response exceeds 1048576 bytes" });
  await assert.rejects(ask({}, good, { headers: { "content-length": "1048577" } }), { message: "controlplane response exceeds 1048576 bytes" });
  await assert.rejects(ask({}, `${padded} `, { status: 500 }), (error) => error instanceof ControlplaneRequestError && error.status === 500);
});

test("the signal reaches fetch, and its reason the caller", async () => {
  const stop = new AbortController();
  stop.abort(new Error("enough"));
  const fetch = (_: unknown, init: unknown) => Promise.reject((init as RequestInit).signal?.reason as Error);
  await assert.rejects(ask({ fetch: fetch as typeof globalThis.fetch, signal: stop.signal }), { message: "enough" });
});

// ---- the serving side

const json = (value: unknown) => utf8(typeof value === "string" ? value : JSON.stringify(value));
const requests: [string, unknown, unknown][] = [
  ["the least", { endpoint_id: " e " }, { endpointId: "e" }],
  ["everything", { endpoint_id: "e", payload: { a: 1 }, correlation: { trace_id: " t " } }, { endpointId: "e", payload: { a: 1 }, correlation: { traceId: "t" } }],
  ["no trace id", { endpoint_id: "e", correlation: { trace_id: null } }, { endpointId: "e" }],
  ["no correlation", { endpoint_id: "e", correlation: null }, { endpointId: "e" }],
  ["a blank trace id", { endpoint_id: "e", correlation: { trace_id: " " } }, { endpointId: "e" }],
];
for (const [name, body, expected] of requests) {
  test(`request read: ${name}`, () => {
    for (const type of ["application/json", "Application/JSON; charset=utf-8", "application/json;"]) {
      assert.deepEqual(decodeArtifactRequest(type, json(body)), expected);
    }
  });
}

const badRequests: [string, string | null, Uint8Array, number, string, string][] = [
  ["no type", null, json({}), 415, "unsupported_media_type", "content type must be application/json"],
  ["another type", "text/plain", json({}), 415, "unsupported_media_type", "content type must be application/json"],
  ["too long", "application/json", new Uint8Array(32_769), 413, "body_too_large", "request body exceeds 32768 bytes"],
  ["nothing", "application/json", json(""), 400, "invalid_json", "request body must be a JSON object"],
  ["blank", "application/json", json(" \n\u00a0"), 400, "invalid_json", "request body must be a JSON object"],
  ["broken", "application/json", json(`{"payload":{"a":"${psk}"}`), 400, "invalid_json", "malformed JSON request body"],
  ["not UTF-8", "application/json", Uint8Array.of(0x22, 0xff, 0x22), 400, "invalid_json", "malformed JSON request body"],
  ["no object", "application/json", json([]), 400, "invalid_json", "malformed JSON request body"],
  ["null", "application/json", json("null"), 400, "invalid_request", "missing endpoint_id"],
  ["no endpoint", "application/json", json({}), 400, "invalid_request", "missing endpoint_id"],
  ["a stranger", "application/json", json({ endpoint_id: "e", more: 1 }), 400, "invalid_request", "unknown request field: more"],
  ["strangers by code points", "application/json", json({ "\u{1f600}": 1, "\uff5e": 1 }), 400, "invalid_request", "unknown request field: \uff5e"],
  ["a blank endpoint", "application/json", json({ endpoint_id: " " }), 400, "invalid_request", "bad endpoint_id"],
  ["an endpoint that is no text", "application/json", json({ endpoint_id: 1 }), 400, "invalid_request", "bad endpoint_id"],
  ["payload null", "application/json", json({ endpoint_id: "e", payload: null }), 400, "invalid_request", "bad payload"],
  ["payload a list", "application/json", json({ endpoint_id: "e", payload: [psk] }), 400, "invalid_request", "bad payload"],
  ["correlation a list", "application/json", json({ endpoint_id: "e", correlation: [] }), 400, "invalid_request", "bad correlation"],
  ["a stranger in it", "application/json", json({ endpoint_id: "e", correlation: { trace_id: 5, more: 1 } }), 400, "invalid_request", "unknown correlation field: more"],
  ["a trace id that is no text", "application/json", json({ endpoint_id: "e", correlation: { trace_id: 5 } }), 400, "invalid_request", "bad correlation.trace_id"],
];
for (const [name, type, body, status, code, message] of badRequests) {
  test(`request refused: ${name}`, () => {
    assert.throws(() => decodeArtifactRequest(type, body), (error) => {
      assert.ok(error instanceof ControlplaneCodecError);
      watch.look(error);
      assert.deepEqual([error.status, error.code, error.message], [status, code, message]);
      return true;
    });
  });
}

test("the limit of a body: at it, and one past it", () => {
  const at = json(`${JSON.stringify({ endpoint_id: "e" })}${" ".repeat(32_768 - 19)}`);
  assert.equal(at.length, 32_768);
  assert.doesNotThrow(() => decodeArtifactRequest("application/json", at));
  assert.doesNotThrow(() => decodeArtifactRequest("application/json", at, -1));
  assert.throws(() => decodeArtifactRequest("application/json", json({ endpoint_id: "e" }), 18), { code: "body_too_large" });
  const most = new Uint8Array(1_048_577).fill(0x20);
  most.set(json({ endpoint_id: "e" }));
  assert.doesNotThrow(() => decodeArtifactRequest("application/json", most.subarray(0, 1_048_576), 1e9));
  assert.throws(() => decodeArtifactRequest("application/json", most, 1e9), { message: "request body exceeds 1048576 bytes" });
});

test("content types, beyond those of the shared table", () => {
  for (const type of [
    " application/json ", "APPLICATION/json", "application/json ;\t", "application/json;a=b", "application/json ; a = b", 'application/json;a="b;c"',
    'application/json;a="\\""', 'application/json;a=""', "application/json;a=b; c=d;",
  ]) assert.doesNotThrow(() => decodeArtifactRequest(type, json({ endpoint_id: "e" })), type);
  for (const type of [
    "", ";", "json", "application/", "application/json/x", "application /json", "application/json x", "application/json;;", "application/json;a",
    "application/json;a=", "application/json;a=b c", 'application/json;a="b', 'application/json;a="b\\', 'application/json;a="b"c', "application/json;=b",
    "application/json;a=b;A=c", "application/json,application/json", "text/json",
  ]) assert.throws(() => decodeArtifactRequest(type, json({ endpoint_id: "e" })), { status: 415 }, type);
});

test("bodies of answers", () => {
  assert.equal(encodeArtifactEnvelope(artifact), `${JSON.stringify({ connect_artifact: artifact })}\n`);
  assert.throws(() => encodeArtifactEnvelope({ ...artifact, v: 2 } as never), { message: "bad ConnectArtifact.v" });
  assert.equal(encodeControlplaneError("c", "m"), '{"error":{"code":"c","message":"m"}}\n');
});

test("bearer tickets", () => {
  for (const [header, ticket] of [["Bearer t", "t"], ["  Bearer   t  ", "t"], ["bearer t", undefined], ["Bearer", undefined], ["Bearer ", undefined], ["Basic t", undefined], [null, undefined]] as const) {
    assert.equal(bearerToken(header), ticket);
  }
});
