import assert from "node:assert/strict";
import { test } from "node:test";
import { RpcCallError } from "../gen/flowersec_runtime.gen.js";
import { frameOf, ScriptedStream, textsOfFrames } from "../testing/rpc_stream.js";
import { CountingSignal, settled } from "../testing/yamux_channel.js";
import { callTyped } from "./call_typed.js";
import { RpcClient, type RpcClientOptions } from "./client.js";
import { RpcStreamError } from "./errors.js";

function scripted(options: RpcClientOptions = {}) {
  const stream = new ScriptedStream();
  const ends: RpcStreamError[] = [];
  const client = new RpcClient(stream.readExactly, stream.write, { onTerminal: (error) => ends.push(error), ...options });
  return { stream, client, ends };
}
const response = (id: number, payload: unknown, error?: unknown) => ({
  type_id: 1, request_id: 0, response_to: id, payload, ...(error !== undefined && { error }),
});
const notification = (typeId: number, payload: unknown) => ({ type_id: typeId, request_id: 0, response_to: 0, payload });

test("the worked request is byte-exact", async () => {
  const { stream, client } = scripted();
  void client.call(1, {}).catch(() => {});
  await settled();
  const [frame] = stream.written;
  assert.deepEqual([...(frame as Uint8Array).subarray(0, 4)], [0, 0, 0, 0x39]);
  assert.deepEqual(textsOfFrames(frame as Uint8Array), ['{"type_id":1,"request_id":1,"response_to":0,"payload":{}}']);
});

test("a notification that cannot leave may be given up: the reason is kept, nothing is left behind", async () => {
  const { stream, client } = scripted();
  const before = new CountingSignal();
  before.abort("early");
  await assert.rejects(client.notify(8, 1, before.signal), (error) => error === "early");
  assert.equal(stream.written.length, 0);
  const stuck = new RpcClient(stream.readExactly, () => new Promise(() => {}));
  const during = new CountingSignal();
  const notifying = stuck.notify(8, 1, during.signal);
  during.abort("enough");
  await assert.rejects(notifying, (error) => error === "enough");
  const after = new CountingSignal();
  await client.notify(8, 1, after.signal);
  assert.deepEqual([before.listeners, during.listeners, after.listeners], [0, 0, 0]);
});

test("ids count up from one, notifications use none, absent payloads are sent as null", async () => {
  const { stream, client } = scripted();
  for (const payload of ["a", undefined]) void client.call(7, payload).catch(() => {});
  await client.notify(8, undefined);
  void client.call(9, null).catch(() => {});
  await settled();
  assert.deepEqual(stream.sent(), [
    { type_id: 7, request_id: 1, response_to: 0, payload: "a" },
    { type_id: 7, request_id: 2, response_to: 0, payload: null },
    { type_id: 8, request_id: 0, response_to: 0, payload: null },
    { type_id: 9, request_id: 3, response_to: 0, payload: null },
  ]);
});

test("responses may come in any order, in any pieces; unknown and second ones are dropped", async () => {
  const { stream, client } = scripted();
  const calls = [client.call(1, 1), client.call(1, 2), client.call(1, 3)];
  stream.arrive(response(99, "nobody"), response(3, "c"), response(3, "again"), response(1, "a"));
  for (const byte of frameOf(response(2, "b"))) stream.arriveBytes(Uint8Array.of(byte));
  const replies = await Promise.all(calls);
  assert.deepEqual(replies.map(({ payload }) => payload), ["a", "b", "c"]);
  assert.equal(client.callsInFlight, 0);
});

test("an error is part of the reply; a missing payload is null", async () => {
  const { stream, client } = scripted();
  const calls = [client.call(1, 1), client.call(1, 1), client.call(1, 1)];
  stream.arrive(
    response(1, "kept", { code: 42, message: "no" }),
    { type_id: 1, request_id: 0, response_to: 2 },
    response(3, 0, null),
  );
  assert.deepEqual(await Promise.all(calls), [{ payload: "kept", error: { code: 42, message: "no" } }, { payload: null }, { payload: 0 }]);
});

test("ids end at 2^53 - 1, before anything is written", async () => {
  const { stream, client } = scripted({ firstId: Number.MAX_SAFE_INTEGER });
  const last = client.call(1, 1);
  await assert.rejects(client.call(1, 1), { name: "RpcStreamError", code: "ids_exhausted" });
  await settled();
  assert.equal(stream.written.length, 1);
  assert.ok(textsOfFrames(stream.written[0] as Uint8Array)[0]?.includes('"request_id":9007199254740991,'));
  stream.arrive(response(Number.MAX_SAFE_INTEGER, "x"));
  assert.deepEqual(await last, { payload: "x" });
});

test("what cannot be sent is refused, uses no id, and ends nothing", async () => {
  const { stream, client, ends } = scripted();
  const self: { self?: unknown } = {};
  self.self = self;
  for (const bad of [self, 1n, NaN, () => 1, new Date(), "\ud800", { a: undefined }]) {
    await assert.rejects(client.call(1, bad), { name: "BadMessageError" }, String(bad));
    await assert.rejects(client.notify(1, bad), { name: "BadMessageError" });
  }
  for (const badType of [-1, 0.5, 2 ** 32]) await assert.rejects(client.call(badType, 1), { name: "BadMessageError" });
  await assert.rejects(client.call(1, "x".repeat(1_048_576)), { name: "JsonFramingError", code: "too_long" });
  const overhead = '{"type_id":1,"request_id":1,"response_to":0,"payload":""}'.length;
  void client.call(1, "x".repeat(1_048_576 - overhead)).catch(() => {});
  await assert.rejects(client.notify(1, "x".repeat(1_048_576 - overhead + 1)), { code: "too_long" });
  await settled();
  assert.deepEqual(stream.sent().map(({ request_id }) => request_id), [1]);
  assert.deepEqual([ends.length, client.callsInFlight], [0, 1]);
});

test("aborting before writes nothing; while waiting it leaves nothing; late answers are dropped", async () => {
  const { stream, client } = scripted();
  const reason = new Error("enough");
  const before = new CountingSignal();
  before.abort(reason);
  await assert.rejects(client.call(1, 1, before.signal), reason);
  assert.equal(stream.written.length, 0);
  const during = new CountingSignal();
  const waiting = client.call(1, 1, during.signal);
  await settled();
  assert.equal(during.listeners, 1);
  during.abort(reason);
  await assert.rejects(waiting, reason);
  assert.deepEqual([during.listeners, client.callsInFlight, stream.sent().length], [0, 0, 1]);
  const after = new CountingSignal();
  const answered = client.call(1, 1, after.signal);
  stream.arrive(response(1, "late"), response(2, "in time"));
  assert.deepEqual(await answered, { payload: "in time" });
  assert.equal(after.listeners, 0);
  after.abort();
  const atWrite = new CountingSignal();
  stream.isHolding = true;
  const stuck = client.call(1, 1, atWrite.signal);
  await settled();
  atWrite.abort(reason);
  await assert.rejects(stuck, reason);
  stream.release(new Error("write"));
  await settled();
  assert.deepEqual([atWrite.listeners, client.callsInFlight], [0, 0]);
});

test("a write that fails rejects its call alone", async () => {
  const { stream, client, ends } = scripted();
  stream.isHolding = true;
  const counted = new CountingSignal();
  const failing = client.call(1, 1, counted.signal);
  const told = client.notify(2, 2);
  await settled();
  const failure = new Error("write");
  stream.release(failure);
  await assert.rejects(failing, failure);
  await assert.rejects(told, failure);
  assert.deepEqual([ends.length, client.callsInFlight, counted.listeners], [0, 0, 0]);
});

test("every handler of a type hears a notification, whatever the others do", async () => {
  const { stream, client } = scripted();
  const heard: string[] = [];
  const removeFirst = client.onNotify(5, () => heard.push("first"));
  client.onNotify(5, () => { throw new Error("handler"); });
  client.onNotify(5, async () => { throw new Error("asynchronous handler"); });
  const twice = (payload: unknown) => {
    heard.push(`twice ${String(payload)}`);
    removeFirst();
    client.onNotify(5, () => heard.push("later"));
  };
  client.onNotify(5, twice);
  const removeSecond = client.onNotify(5, twice);
  stream.arrive(notification(5, 1), notification(6, 1), { type_id: 5, request_id: 3, response_to: 0, payload: "a request" });
  await settled();
  assert.deepEqual(heard, ["first", "twice 1", "twice 1"]);
  removeSecond();
  removeSecond();
  removeFirst();
  stream.arrive(notification(5, null));
  await settled();
  assert.deepEqual(heard.slice(3), ["twice null", "later", "later"]);
});

const bad: [string, unknown][] = [
  ["no JSON", "{"],
  ["no object", "[]"],
  ["bytes behind", '{"type_id":1,"request_id":0,"response_to":1,"payload":1} x'],
  ["no type_id", { request_id: 0, response_to: 1, payload: 1 }],
  ["a negative id", { type_id: 1, request_id: 0, response_to: -1, payload: 1 }],
  ["an id above 2^53 - 1", '{"type_id":1,"request_id":0,"response_to":9007199254740992,"payload":1}'],
  ["an id as text", { type_id: 1, request_id: "0", response_to: 1, payload: 1 }],
  ["a fraction", { type_id: 1, request_id: 0, response_to: 1.5, payload: 1 }],
  ["a type_id above u32", { type_id: 2 ** 32, request_id: 0, response_to: 1, payload: 1 }],
  ["an error without code", response(1, 1, { message: "x" })],
  ["no UTF-8", Uint8Array.from([0x7b, 0xff, 0x7d])],
];
for (const [name, value] of bad) {
  test(`malformed, ${name}: two in a row are skipped, the third ends the stream`, async () => {
    const { stream, client, ends } = scripted();
    const call = client.call(1, 1);
    stream.arrive(value, value, notification(1, 1), value, value);
    await settled();
    assert.deepEqual([ends.length, client.callsInFlight], [0, 1]);
    stream.arrive(value);
    await assert.rejects(call, { name: "RpcStreamError", code: "malformed_envelopes" });
    assert.deepEqual(ends.map(({ code }) => code), ["malformed_envelopes"]);
  });
}

test("a frame of no length or above the limit ends the stream before its body", async () => {
  for (const header of [Uint8Array.of(0, 0, 0, 0), Uint8Array.of(0, 0x10, 0, 1), Uint8Array.of(0xff, 0xff, 0xff, 0xff)]) {
    const { stream, client, ends } = scripted();
    const call = client.call(1, 1);
    stream.arriveBytes(header);
    await assert.rejects(call, { code: "bad_frame_length" });
    assert.equal(ends[0]?.code, "bad_frame_length");
  }
});

test("the end rejects every pending call, then all further ones, and is told once", async () => {
  const { stream, client, ends } = scripted();
  const calls = [client.call(1, 1), client.call(1, 2)];
  const cause = new Error("reset");
  stream.end(cause);
  for (const call of calls) await assert.rejects(call, { code: "stream_closed", cause });
  await assert.rejects(client.call(1, 3), { code: "stream_closed" });
  await assert.rejects(client.notify(1, 3), { code: "stream_closed" });
  client.close();
  assert.deepEqual([ends.length, ends[0]?.cause, client.callsInFlight], [1, cause, 0]);
});

test("close() rejects every pending call and tells nobody", async () => {
  const { stream, client, ends } = scripted();
  const heard: unknown[] = [];
  client.onNotify(1, (payload) => heard.push(payload));
  const call = client.call(1, 1);
  client.close();
  await assert.rejects(call, { code: "closed" });
  await assert.rejects(client.call(1, 1), { code: "closed" });
  stream.arrive(notification(1, 1));
  stream.end(new Error("gone"));
  await settled();
  assert.deepEqual([ends.length, heard.length], [0, 0]);
});

test("calls are counted by their result, and an observer's failure stops nothing", async () => {
  const counted: string[] = [];
  const { stream, client } = scripted({
    observer: {
      onRpcCall: (result, elapsedSeconds) => {
        assert.ok(elapsedSeconds >= 0);
        counted.push(result);
        throw new Error("observer");
      },
      onRpcNotify: () => {
        counted.push("notify");
        throw new Error("observer");
      },
    },
    onTerminal: () => { throw new Error("terminal"); },
  });
  const signal = new CountingSignal();
  const calls = [client.call(1, 1), client.call(1, 1), client.call(1, 1), client.call(1, 1, signal.signal), client.call(1, 1)];
  const over = Promise.allSettled(calls);
  stream.arrive(response(1, 1), response(2, 1, { code: 404 }), response(3, 1, { code: 500 }), notification(1, 1));
  await settled();
  signal.abort();
  await settled();
  stream.end(new Error("gone"));
  await over;
  assert.deepEqual(counted, ["ok", "handler_not_found", "rpc_error", "notify", "canceled", "transport_error"]);
});

test("callTyped gives the payload, asserted, or throws what the peer said", async () => {
  const { stream, client } = scripted();
  const calls = [
    callTyped(client, 1, {}),
    callTyped(client, 1, {}, { assert: (value) => Number(value) + 1 }),
    callTyped(client, 1, {}, { assert: () => { throw new TypeError("not mine"); } }),
    callTyped(client, 7, {}),
    callTyped(client, 7, {}),
  ];
  stream.arrive(response(1, null), response(2, 41), response(3, 1), response(4, 1, { code: 9, message: "no" }), response(5, 1, { code: 8 }));
  assert.equal(await calls[0], null);
  assert.equal(await calls[1], 42);
  await assert.rejects(calls[2] as Promise<unknown>, TypeError);
  const refused = (code: number, message: string) => (error: unknown) =>
    error instanceof RpcCallError && error.code === code && error.typeId === 7 && error.message === message;
  await assert.rejects(calls[3] as Promise<unknown>, refused(9, "no"));
  await assert.rejects(calls[4] as Promise<unknown>, refused(8, ""));
  await assert.rejects(callTyped(client, 1, {}, { signal: AbortSignal.abort("why") }), (error) => error === "why");
});

test("an observer, a handler and a listener of the end that are async and reject disturb nothing", async () => {
  const heard: unknown[] = [];
  const failing = (name: string) => async () => {
    heard.push(name);
    throw new Error("theirs");
  };
  const { stream, client } = scripted({ observer: { onRpcCall: failing("call"), onRpcNotify: failing("notify") }, onTerminal: failing("end") });
  client.onNotify(1, failing("handler"));
  const called = client.call(1, 1);
  stream.arrive(response(1, 1), notification(1, 1));
  assert.deepEqual(await called, { payload: 1 });
  await settled();
  stream.end(new Error("gone"));
  await settled();
  assert.deepEqual(heard, ["call", "notify", "handler", "end"]);
});
