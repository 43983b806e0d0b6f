import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type Deferred, deferred } from "../base/index.js";
import type { RpcReply } from "../gen/flowersec_runtime.gen.js";
import { ScriptedStream, textsOfFrames } from "../testing/rpc_stream.js";
import { CountingSignal, settled } from "../testing/yamux_channel.js";
import { RpcRouter } from "./router.js";
import { RpcServer, type RpcServerOptions } from "./server.js";

function scripted(options: RpcServerOptions = {}) {
  const stream = new ScriptedStream();
  const router = new RpcRouter();
  const server = new RpcServer(stream, options, router);
  const started: { payload: unknown; answer: Deferred<RpcReply>; signal: AbortSignal }[] = [];
  // Type 1 answers when told to, type 2 echoes, type 3 throws.
  router.register(1, (payload, { signal }) => {
    const answer = deferred<RpcReply>();
    started.push({ payload, answer, signal });
    return answer.promise;
  });
  router.register(2, (payload) => ({ payload }));
  router.register(3, () => { throw new Error("secret of the handler"); });
  const serving = server.serve();
  serving.catch(() => {});
  return { stream, server, router, started, serving };
}
const request = (id: number, typeId: number, payload: unknown = null) => ({
  type_id: typeId, request_id: id, response_to: 0, payload,
});
const overloaded = { code: 429, message: "server overloaded" };

test("the worked responses are byte-exact", async () => {
  const { stream, server } = scripted();
  server.register(1, async () => ({ payload: { ok: true } }));
  stream.arrive(request(1, 1, {}), request(2, 77, {}));
  await settled();
  assert.deepEqual(stream.written.flatMap(textsOfFrames), [
    '{"type_id":1,"request_id":0,"response_to":1,"payload":{"ok":true}}',
    '{"type_id":77,"request_id":0,"response_to":2,"payload":null,"error":{"code":404,"message":"handler not found"}}',
  ]);
});

test("responses leave in the order of completion; a failing handler is a 500 that tells nothing", async () => {
  const { stream, started } = scripted();
  stream.arrive(request(1, 1), request(2, 3), request(3, 2, "x"), request(4, 1));
  await settled();
  started[1]?.answer.resolve({ payload: "second" });
  await settled();
  started[0]?.answer.reject(new Error("late failure"));
  await settled();
  const internal = { code: 500, message: "internal error" };
  assert.deepEqual(stream.sent().map(({ response_to, payload, error }) => [response_to, payload, error]), [
    [2, null, internal], [3, "x", undefined], [4, "second", undefined], [1, null, internal],
  ]);
});

test("errors of a handler keep code, message and payload; 0 becomes 500 and an empty message a text", async () => {
  const { stream, router } = scripted();
  const replies: RpcReply[] = [
    { payload: "kept", error: { code: 42, message: "no" } },
    { payload: null, error: { code: 0, message: "" } },
    { payload: null, error: { code: 7 } },
    { payload: 1, error: null },
  ];
  replies.forEach((reply, i) => router.register(10 + i, () => reply));
  replies.forEach((_, i) => stream.arrive(request(i + 1, 10 + i)));
  await settled();
  assert.deepEqual(stream.sent().map(({ payload, error }) => [payload, error]), [
    ["kept", { code: 42, message: "no" }], [null, { code: 500, message: "rpc error" }], [null, { code: 7 }], [1, undefined],
  ]);
});

test("an answer that cannot be sent becomes an internal error", async () => {
  const { stream, router } = scripted();
  const answers: unknown[] = [{ payload: 1n }, { payload: "x".repeat(1_048_577) }, undefined, { payload: 1, error: { code: -1 } }];
  answers.forEach((answer, i) => router.register(10 + i, () => answer as RpcReply));
  answers.forEach((_, i) => stream.arrive(request(i + 1, 10 + i)));
  await settled();
  assert.deepEqual(stream.sent().map(({ error }) => error?.code), [500, 500, 500, 500]);
});

test("32 run, 128 wait, and the 161st is refused at once", async () => {
  const { stream, started } = scripted();
  for (let id = 1; id <= 160; id++) stream.arrive(request(id, 1, id));
  await settled();
  assert.equal(started.length, 32);
  assert.deepEqual(stream.sent(), []);
  stream.arrive(request(161, 1));
  await settled();
  assert.deepEqual(stream.sent(), [{ type_id: 1, request_id: 0, response_to: 161, payload: null, error: overloaded }]);
  started[5]?.answer.resolve({ payload: 0 });
  await settled();
  assert.deepEqual([started.length, started[32]?.payload], [33, 33]);
  stream.arrive(request(162, 1));
  await settled();
  assert.deepEqual(stream.sent().map(({ response_to }) => response_to), [6]);
});

test("an answer that nobody takes keeps its slot, and waiting requests start in their order", async () => {
  const { stream, started } = scripted({ maxConcurrentRequests: 1, maxQueuedRequests: 1 });
  stream.isHolding = true;
  stream.arrive(request(1, 2), request(2, 1), request(3, 1));
  await settled();
  assert.deepEqual([started.length, stream.sent().map(({ response_to }) => response_to)], [0, [1]]);
  stream.release();
  await settled();
  assert.equal(started.length, 1);
  assert.deepEqual(stream.sent(), [{ type_id: 1, request_id: 0, response_to: 3, payload: null, error: overloaded }]);
});

test("no queue is a limit too; limits that are none are refused", async () => {
  const { stream } = scripted({ maxConcurrentRequests: 1, maxQueuedRequests: 0 });
  stream.arrive(request(1, 1), request(2, 1));
  await settled();
  assert.deepEqual(stream.sent().map(({ response_to, error }) => [response_to, error?.code]), [[2, 429]]);
  const transport = new ScriptedStream();
  for (const options of [{ maxConcurrentRequests: 0 }, { maxQueuedRequests: -1 }, { maxQueuedNotifications: 0.5 }, { maxQueuedRequests: NaN }]) {
    assert.throws(() => new RpcServer(transport, options), RangeError);
  }
});

test("refusals that nobody reads are bounded", async () => {
  const { stream, serving } = scripted({ maxConcurrentRequests: 1, maxQueuedRequests: 0 });
  stream.isHolding = true;
  stream.arrive(request(1, 1));
  for (let id = 2; id <= 4097; id++) stream.arrive(request(id, 1));
  await settled();
  assert.equal(stream.closes.length, 0);
  stream.arrive(request(5000, 1));
  await assert.rejects(serving, { code: "refusal_overflow" });
  assert.equal(stream.closes.length, 1);
});

test("notifications run one at a time in order and are never answered, whatever becomes of them", async () => {
  const { stream, started, serving } = scripted({ maxConcurrentRequests: 1, maxQueuedRequests: 0 });
  stream.arrive(request(0, 3), request(0, 99), request(0, 1, "a"), request(0, 1, "b"), request(7, 2, "beside"));
  await settled();
  assert.deepEqual(started.map(({ payload }) => payload), ["a"]);
  assert.deepEqual(stream.sent().map(({ response_to }) => response_to), [7]);
  started[0]?.answer.reject(new Error("no matter"));
  await settled();
  assert.deepEqual(started.map(({ payload }) => payload), ["a", "b"]);
  started[1]?.answer.resolve({ payload: "dropped" });
  stream.arrive(request(0, 1, "c"));
  await settled();
  assert.deepEqual([started.length, stream.sent().length, stream.closes.length], [3, 0, 0]);
  stream.end(new Error("the end"));
  await serving;
});

test("128 notifications wait behind the one that runs, and one more ends the stream", async () => {
  const { stream, serving } = scripted();
  for (let i = 0; i <= 128; i++) stream.arrive(request(0, 1, i));
  await settled();
  assert.equal(stream.closes.length, 0);
  stream.arrive(request(0, 1));
  await assert.rejects(serving, { code: "notification_overflow" });
  assert.equal((stream.closes[0] as { code: string }).code, "notification_overflow");
});

test("envelopes that answer something are skipped", async () => {
  const { stream } = scripted();
  stream.arrive({ type_id: 2, request_id: 0, response_to: 5, payload: 1 }, { type_id: 2, request_id: 6, response_to: 5, payload: 1 });
  await settled();
  assert.deepEqual([stream.sent(), stream.closes], [[], []]);
});

test("payloads at the limit of what is held are admitted, and the next request is refused", async () => {
  const { stream, started } = scripted();
  const payload = "x".repeat(1_048_576 - '{"type_id":1,"request_id":100,"response_to":0,"payload":""}'.length);
  for (let id = 100; id < 116; id++) stream.arrive(request(id, 1, payload)); // 16 MiB
  for (let i = 0; i < 3; i++) await settled();
  assert.deepEqual([started.length, stream.sent().length], [16, 0]);
  stream.arrive(request(116, 1, 0));
  await settled();
  assert.deepEqual(stream.sent().map(({ response_to, error }) => [response_to, error?.code]), [[116, 429]]);
});

test("what waits for a slot is text, not the objects it stands for", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const { stream, started } = scripted({ maxConcurrentRequests: 1 });
  stream.arrive(request(1, 1), request(0, 1));
  await settled();
  collect();
  const before = process.memoryUsage().heapUsed;
  const payload = Array.from({ length: 40_000 }, () => ({})); // 120 kB of text, more than 2 MB of objects
  for (let id = 2; id < 52; id++) stream.arrive(request(id, 1, payload), request(0, 1, payload));
  for (let i = 0; i < 3; i++) await settled();
  collect();
  const held = process.memoryUsage().heapUsed - before;
  assert.equal(started.length, 2);
  assert.ok(held < 60_000_000, `${held} bytes for 100 requests of 2 MB each`);
  started[0]?.answer.resolve({ payload: 0 });
  started[1]?.answer.resolve({ payload: 0 });
  await settled();
  assert.deepEqual(started.slice(2).map(({ payload: given }) => (given as unknown[]).length), [40_000, 40_000]);
});

test("a notification that cannot leave may be given up: the reason is kept, nothing is left behind", async () => {
  const { stream, server } = scripted();
  stream.isHolding = true;
  const counted = new CountingSignal();
  const waiting = server.notify(2, "x", counted.signal);
  counted.abort("enough");
  await assert.rejects(waiting, (reason) => reason === "enough");
  await assert.rejects(server.notify(2, "y", counted.signal), (reason) => reason === "enough");
  assert.equal(counted.listeners, 0);
  stream.isHolding = false;
  stream.release();
  await server.notify(2, "z");
  assert.deepEqual(stream.sent().map(({ payload }) => payload), ["x", "z"], "given up is the waiting only");
});

test("pushes notifications at any time, bounded, and refuses what cannot be sent", async () => {
  const { stream, server } = scripted();
  await server.notify(2, { hello: "world" });
  assert.deepEqual(stream.sent(), [{ type_id: 2, request_id: 0, response_to: 0, payload: { hello: "world" } }]);
  await assert.rejects(server.notify(2, 1n), { name: "BadMessageError" });
  stream.isHolding = true;
  const big = "x".repeat(1_048_000);
  const pushes = [1, 2, 3, 4].map(() => server.notify(2, big));
  await assert.rejects(server.notify(2, big), { code: "resource_exhausted" });
  for (let i = 0; i < 4; i++) {
    await settled();
    assert.equal(stream.written.length, i + 1); // one at a time
    stream.release();
  }
  await Promise.all(pushes);
  stream.isHolding = false;
  await server.notify(2, big);
});

test("a notification from a handler leaves before that handler's answer", async () => {
  const { stream, server, router } = scripted();
  router.register(4, () => {
    void server.notify(9, "first");
    return { payload: "then" };
  });
  stream.arrive(request(1, 4));
  await settled();
  assert.deepEqual(stream.sent().map(({ payload }) => payload), ["first", "then"]);
});

test("the end stops what runs, starts and writes nothing more, and closes once", async () => {
  const { stream, server, started, serving } = scripted({ maxConcurrentRequests: 1 });
  stream.arrive(request(1, 1), request(2, 1), request(0, 2));
  await settled();
  stream.end(new Error("closed by the peer"));
  await serving;
  assert.equal(started[0]?.signal.aborted, true);
  started[0]?.answer.resolve({ payload: 1 });
  server.close();
  await settled();
  assert.deepEqual([started.length, stream.sent(), stream.closes], [1, [], [undefined]]);
  await assert.rejects(server.notify(1, 1), { code: "stream_closed" });
});

test("malformed input: two in a row are skipped, the third ends the stream with an error", async () => {
  const { stream, serving } = scripted();
  stream.arrive("{", "[]", request(1, 2), '{"type_id":1}', "x");
  await settled();
  assert.deepEqual([stream.sent().length, stream.closes.length], [1, 0]);
  stream.arrive("null");
  await assert.rejects(serving, { code: "malformed_envelopes" });
  assert.equal((stream.closes[0] as { code: string }).code, "malformed_envelopes");
});

test("a bad frame length ends the stream with an error", async () => {
  const { stream, serving } = scripted();
  stream.arriveBytes(Uint8Array.of(0, 0x10, 0, 1));
  await assert.rejects(serving, { code: "bad_frame_length" });
  assert.equal(stream.closes.length, 1);
});

test("a write that fails is the end", async () => {
  const { stream, serving } = scripted();
  stream.isHolding = true;
  stream.arrive(request(1, 2), request(2, 2));
  await settled();
  stream.release(new Error("write"));
  await serving;
  await settled();
  assert.deepEqual([stream.written.length, stream.closes.length], [1, 1]);
});

test("close() ends in order or with an error, an abort with AbortError; the listener is gone", async () => {
  const orderly = scripted();
  orderly.server.close();
  await orderly.serving;
  assert.deepEqual(orderly.stream.closes, [undefined]);
  const failed = scripted();
  const failure = new Error("mine");
  failed.server.close(failure);
  await assert.rejects(failed.serving, failure);
  assert.equal((failed.stream.closes[0] as Error).cause, failure);
  for (const when of ["before", "while"]) {
    const stream = new ScriptedStream();
    const server = new RpcServer(stream);
    const counted = new CountingSignal();
    if (when === "before") counted.abort("why");
    const serving = server.serve(counted.signal);
    counted.abort("why");
    await assert.rejects(serving, { name: "AbortError", cause: "why" });
    assert.deepEqual([counted.listeners, stream.closes.length], [0, 1]);
  }
  const stream = new ScriptedStream();
  const counted = new CountingSignal();
  const serving = new RpcServer(stream).serve(counted.signal);
  assert.equal(counted.listeners, 1);
  stream.end(new Error("gone"));
  await serving;
  assert.equal(counted.listeners, 0);
});

test("the last handler for a type wins, and a router may have several servers", async () => {
  const { stream, router } = scripted();
  router.register(2, () => ({ payload: "new" }));
  const other = new ScriptedStream();
  void new RpcServer(other, {}, router).serve();
  for (const each of [stream, other]) each.arrive(request(1, 2));
  await settled();
  assert.deepEqual([stream.sent()[0]?.payload, other.sent()[0]?.payload], ["new", "new"]);
});

test("serve() settles after close(), an abort and a write that fails, also when closing the stream wakes no reader", async () => {
  const failure = new Error("mine");
  const ends: [string, (server: RpcServer, signal: CountingSignal, stream: ScriptedStream) => void, object | undefined][] = [
    ["close", (server) => server.close(), undefined],
    ["close with an error", (server) => server.close(failure), failure],
    ["abort", (_, signal) => signal.abort("why"), { name: "AbortError", cause: "why" }],
    ["write", (_, __, stream) => stream.release(new Error("write")), undefined],
  ];
  for (const [name, end, expected] of ends) {
    const stream = new ScriptedStream();
    const closes: unknown[] = [];
    stream.isHolding = true;
    const transport = { readExactly: stream.readExactly, write: stream.write, close: (error?: unknown) => void closes.push(error) };
    const server = new RpcServer(transport);
    const counted = new CountingSignal();
    const serving = server.serve(counted.signal);
    let isOver = false;
    const over = serving.catch(() => {}).then(() => (isOver = true));
    stream.arrive(request(1, 77));
    await settled();
    end(server, counted, stream);
    await settled();
    assert.deepEqual([isOver, closes.length, counted.listeners], [true, 1, 0], name);
    await over;
    if (expected === undefined) await serving;
    else await assert.rejects(serving, expected);
    stream.end(new Error("much later")); // of the read that was given up
    await settled();
    assert.equal(closes.length, 1, name);
  }
});
