// The artifact endpoints without sockets: the table that C++ runs too, and what Request and Response add to it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "../base/index.js";
import { CaseWorld, endpointCases, sampleArtifact, watch } from "../testing/artifact_endpoint_cases.js";
import { ManualClock } from "../testing/manual_clock.js";
import { answerArtifactRequest, createArtifactEndpoint, requireBearerKey, type ArtifactEndpointOptions } from "./artifact_endpoint.js";
import { bodyTooLarge, ControlplaneCodecError } from "./codec.js";

const cases = endpointCases();
test("there are endpoints' cases in the table", () => assert.ok(cases.length >= 120));
for (const row of cases) {
  test(`endpoint: ${row.name}`, async () => {
    const world = new CaseWorld(row);
    const headers = new Map(row.headers.map(([name, value]) => [name.toLowerCase(), value]));
    const { status, headers: answered, body } = await answerArtifactRequest(world.options(), {
      native: undefined, method: row.method, header: (name) => headers.get(name) ?? "", remoteAddress: "192.0.2.1", signal: new AbortController().signal,
      readBody: async (limit) => {
        if (utf8(row.body).length > limit) throw bodyTooLarge(limit);
        return utf8(row.body);
      },
      stopReading: () => {},
    });
    const lower = new Map(Object.entries(answered).map(([name, value]) => [name.toLowerCase(), value]));
    world.check({ status, header: (name) => lower.get(name), body });
  });

  // Request has no lower-case methods, and no bodies for some.
  if (row.method !== "POST") continue;
  test(`endpoint, by Request: ${row.name}`, async () => {
    const world = new CaseWorld(row);
    const headers = new Headers(row.headers);
    const request = new Request("https://cp.example/", { method: "POST", headers, body: row.body });
    if (!headers.has("content-type")) request.headers.delete("content-type");
    const response = await createArtifactEndpoint(world.options())(request, { remoteAddress: " 192.0.2.1 " });
    world.check({ status: response.status, header: (name) => response.headers.get(name), body: await response.text() });
    if (world.asked !== undefined) assert.equal(world.asked.metadata.remoteAddress, "192.0.2.1");
  });
}

const post = (body: BodyInit | null, headers: Record<string, string> = {}, more: RequestInit & { duplex?: "half" } = {}) =>
  new Request("https://cp.example/", { method: "POST", headers: { "content-type": "application/json", ...headers }, body, ...more });
const good = '{"endpoint_id":"e1"}';
const issue = () => sampleArtifact;

async function codeOf(answer: Response): Promise<string> {
  const text = await answer.text();
  const { error } = JSON.parse(text) as { error?: { code: string } };
  if (error !== undefined) watch.look(text);
  return `${answer.status} ${error?.code ?? "ok"}`;
}

/** A body of these parts, and whether it was given up. */
function streamed(parts: readonly string[], isEnded = true) {
  const seen = { canceled: false, pulled: 0 };
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      const part = parts[seen.pulled++];
      if (part !== undefined) controller.enqueue(utf8(part));
      else if (isEnded) controller.close();
    },
    cancel: () => void (seen.canceled = true),
  }, { highWaterMark: 0 });
  return { seen, request: (headers?: Record<string, string>) => post(stream, headers, { duplex: "half" }) };
}

test("a body may come in pieces; one that is too long is given up where the limit is", async () => {
  const endpoint = createArtifactEndpoint({ issue, maxBodyBytes: 20 });
  assert.equal(await codeOf(await endpoint(streamed(['{"endpoint', '_id":"e1"}']).request())), "200 ok");
  const long = streamed([good, " ", "never looked at"], false);
  assert.equal(await codeOf(await endpoint(long.request())), "413 body_too_large");
  assert.deepEqual(long.seen, { canceled: true, pulled: 2 });
  const announced = streamed([], false);
  assert.equal(await codeOf(await endpoint(announced.request({ "content-length": "21" }))), "413 body_too_large");
  assert.equal(announced.seen.pulled, 0);
});

test("a body that does not come is not waited for longer than it may take; one that breaks off is none", async () => {
  const clock = new ManualClock();
  const slow = streamed([good], false);
  const answering = createArtifactEndpoint({ issue, clock })(slow.request());
  clock.advance(9999);
  assert.equal(slow.seen.canceled, false);
  clock.advance(1);
  assert.equal(await codeOf(await answering), "400 invalid_body");
  assert.equal(slow.seen.canceled, true);
  const broken = new ReadableStream<Uint8Array>({ pull: () => { throw new Error("canary"); } });
  const answer = await createArtifactEndpoint({ issue })(post(broken, {}, { duplex: "half" }));
  assert.equal(await codeOf(answer), "400 invalid_body");
});

test("hooks: what they are given, what they add, and whom their failures are told", async () => {
  const told: unknown[] = [];
  const failure = new Error("canary");
  const options: ArtifactEndpointOptions<Request> = {
    metadata: (request, read) => ({ ...read, subject: request.headers.get("x-user") ?? "", attributes: { tier: "gold" } }),
    validate: ({ metadata: { subject, attributes } }) => assert.deepEqual([subject, attributes], ["ada", { tier: "gold" }]),
    issue: ({ signal }) => (signal.aborted ? sampleArtifact : Promise.reject(failure)),
    onFailure: (error) => {
      told.push(error);
      throw new Error("no matter");
    },
  };
  const later = async (error: unknown) => options.onFailure?.(error); // the same, async
  for (const each of [options, { ...options, onFailure: later }]) {
    assert.equal(await codeOf(await createArtifactEndpoint(each)(post(good, { "x-user": "ada" }))), "500 issue_failed");
  }
  assert.deepEqual(told, [failure, failure]);
});

test("a refusal in words of its own that HTTP cannot say becomes 500", async () => {
  for (const status of [1, 100, 200, 204, 302, 399, 600, 99_999, NaN, 450.5]) {
    const validate = () => { throw new ControlplaneCodecError(status, "c", "m"); };
    assert.equal(await codeOf(await createArtifactEndpoint({ validate, issue })(post(good))), "500 c", String(status));
  }
});

test("bearer key: only the key itself passes, and an empty one opens nothing", async () => {
  const key = "the-bearer-key";
  watch.remember(key);
  const asking = (key: string, authorization: string) => createArtifactEndpoint({ validate: requireBearerKey(key), issue })(post(good, { authorization }));
  assert.equal((await asking(key, `Bearer ${key}`)).status, 200);
  for (const wrong of ["", "Bearer", "Bearer another-key", `Bearer ${key.slice(0, -1)}`, `Bearer ${key}1`, `bearer ${key}`, key]) {
    const answer = await asking(key, wrong);
    assert.equal(answer.headers.get("www-authenticate"), "Bearer");
    assert.equal(await codeOf(answer), "401 unauthorized", wrong);
  }
  assert.equal((await asking("", "")).status, 401);
});
