import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { AbortError, TimeoutError } from "../base/index.js";
import type { ClientObserverLike } from "../observability/index.js";
import { FakeWebSocket } from "../testing/fake_web_socket.js";
import { ManualClock } from "../testing/manual_clock.js";
import { DEFAULT_WEB_SOCKET_LIMITS, resolveWebSocketLimits } from "./limits.js";
import { WsCloseError } from "./socket.js";
import { WebSocketBinaryTransport } from "./binary_transport.js";

const bytes = (...values: number[]) => Uint8Array.from(values);
const buffer = (n: number) => new ArrayBuffer(n);

function setUp(limits: Partial<typeof DEFAULT_WEB_SOCKET_LIMITS> = {}) {
  const told: string[] = [];
  const observer: ClientObserverLike = {
    onWsError: (reason) => void told.push(reason),
    onWsClose: (kind, code) => void told.push(`${kind} ${code}`),
    onDiagnosticEvent: (event) => {
      if (event.result === "fail") told.push(`${event.stage}/${event.code}/${event.resource} ${event.current} of ${event.limit}`);
    },
  };
  const ws = new FakeWebSocket();
  const clock = new ManualClock();
  const transport = new WebSocketBinaryTransport(ws, { webSocketLimits: limits, observer, clock });
  return { ws, clock, transport, told };
}

/** What a promise has come to after everything that could run has run. */
async function stateOf(promise: Promise<unknown>): Promise<string> {
  let state = "waits";
  promise.then(
    (value) => (state = value instanceof Uint8Array ? `bytes ${value.length}` : "done"),
    (error: unknown) => (state = error instanceof Error ? error.message : String(error)),
  );
  await turn();
  await turn();
  return state;
}

test("the socket is asked for array buffers", () => {
  assert.equal(setUp().ws.binaryType, "arraybuffer");
});

test("messages come whole and in order, to those who wait and to those who come later", async () => {
  const { ws, transport } = setUp();
  const waits = transport.readBinary();
  ws.receive(bytes(1, 2).buffer);
  ws.receive(bytes(3));
  ws.receive(new DataView(bytes(0, 4, 5, 0).buffer, 1, 2));
  assert.deepEqual(await waits, bytes(1, 2));
  assert.deepEqual(await transport.readBinary(), bytes(3));
  assert.deepEqual(await transport.readBinary(), bytes(4, 5));
});

test("several readers are served in the order they came", async () => {
  const { ws, transport } = setUp();
  const reads = [transport.readBinary(), transport.readBinary()];
  ws.receive(bytes(1));
  ws.receive(bytes(2));
  assert.deepEqual(await Promise.all(reads), [bytes(1), bytes(2)]);
});

// ---- what ends it

const failures: { name: string; happen: (ws: FakeWebSocket) => void; is: (error: Error) => boolean; told: string[]; closes: number }[] = [
  { name: "a text message", happen: (ws) => ws.receive("x"), is: (e) => e.message === "websocket: unexpected_text_frame", told: ["unexpected_text_frame"], closes: 0 },
  { name: "an unknown message type", happen: (ws) => ws.receive({}), is: (e) => e.message === "websocket: unexpected_message_type", told: ["unexpected_message_type"], closes: 0 },
  { name: "a transport error", happen: (ws) => ws.emit("error", "why"), is: (e) => e.message === "websocket: error" && e.cause === "why", told: ["error"], closes: 0 },
  {
    name: "more unread bytes than the limit",
    happen: (ws) => ws.receive(buffer(9)),
    is: (e) => e.message === "websocket: recv_buffer_exceeded",
    told: ["recv_buffer_exceeded"],
    closes: 1,
  },
  {
    name: "a close of the peer",
    happen: (ws) => ws.emit("close", { code: 1008, reason: "token_replay" }),
    is: (e) => e instanceof WsCloseError && e.code === 1008 && e.reason === "token_replay",
    told: ["peer_or_error 1008"],
    closes: 0,
  },
];

for (const { name, happen, is, told, closes } of failures) {
  test(`${name} rejects every waiting reader and everything later, and the first cause stays`, async () => {
    const setup = setUp({ maxInboundQueuedBytes: 8 });
    const { ws, transport } = setup;
    const readers = [transport.readBinary(), transport.readBinary()];
    happen(ws);
    for (const each of failures) each.happen(ws); // none of them replaces it
    for (const reader of readers) await assert.rejects(reader, is);
    await assert.rejects(transport.readBinary(), is);
    await assert.rejects(transport.writeBinary(bytes(1)), is);
    await turn();
    assert.deepEqual(setup.told.slice(0, told.length), told);
    assert.equal(ws.closes.length, closes, "sockets closed by the failure itself");
    assert.deepEqual(ws.sent, []);
  });

  test(`${name}: frames that were handed to a reader stay delivered, queued ones are gone`, async () => {
    const { ws, transport } = setUp({ maxInboundQueuedBytes: 8 });
    const handed = transport.readBinary();
    ws.receive(bytes(1));
    ws.receive(bytes(2));
    happen(ws);
    assert.deepEqual(await handed, bytes(1));
    await assert.rejects(transport.readBinary(), is);
  });
}

test("a local close rejects readers and writers, takes its listeners away, drops the queue and closes the socket", async () => {
  const { ws, transport, told } = setUp();
  const reader = transport.readBinary();
  assert.ok(ws.listening > 0);
  transport.close();
  transport.close();
  await assert.rejects(reader, { message: "closed" });
  await assert.rejects(transport.readBinary(), { message: "closed" });
  await assert.rejects(transport.writeBinary(bytes(1)), { message: "closed" });
  assert.equal(ws.listening, 0);
  assert.equal(ws.closes.length, 1);
  await turn();
  assert.deepEqual(told, ["local 1000"]);
});

test("a local close after a failure still closes the socket, and the failure stays", async () => {
  const { ws, transport } = setUp();
  ws.receive("x");
  transport.close();
  await assert.rejects(transport.readBinary(), { message: "websocket: unexpected_text_frame" });
  assert.equal(ws.closes.length, 1);
});

test("a socket that is closed already ends the transport at once", async () => {
  const ws = new FakeWebSocket();
  ws.readyState = 3;
  await assert.rejects(new WebSocketBinaryTransport(ws).readBinary(), (error) => error instanceof WsCloseError && error.code === 1006);
});

test("a close without a code is 1006, without a reason empty", async () => {
  const { ws, transport } = setUp();
  ws.emit("close", {});
  await assert.rejects(transport.readBinary(), (error) => error instanceof WsCloseError && error.code === 1006 && error.reason === "");
});

// ---- giving up a read

test("an aborted read rejects with the reason and loses no message", async () => {
  const { ws, transport } = setUp();
  const stop = new AbortController();
  const reader = transport.readBinary({ signal: stop.signal });
  const why = new Error("enough");
  stop.abort(why);
  await assert.rejects(reader, (error) => error instanceof AbortError && error.cause === why);
  await assert.rejects(transport.readBinary({ signal: stop.signal }), AbortError);
  ws.receive(bytes(1));
  await assert.rejects(transport.readBinary({ signal: stop.signal }), AbortError);
  assert.deepEqual(await transport.readBinary(), bytes(1));
});

test("a read that times out leaves no timer and loses no message", async () => {
  const { ws, transport, clock } = setUp();
  const reader = transport.readBinary({ timeoutMs: 50 });
  clock.advance(50);
  await assert.rejects(reader, TimeoutError);
  const other = transport.readBinary({ timeoutMs: 50 });
  ws.receive(bytes(1));
  assert.deepEqual(await other, bytes(1));
  assert.equal(clock.pending, 0);
});

// ---- what goes out

const marks = { outboundLowWatermarkBytes: 10, outboundHighWatermarkBytes: 20, outboundHardLimitBytes: 40, outboundDrainTimeoutMs: 1000 };

test("below the high mark writing does not wait, above it until the low mark", async () => {
  const { ws, transport, clock } = setUp(marks);
  ws.stalled = true;
  assert.equal(await stateOf(transport.writeBinary(new Uint8Array(20))), "done");
  const above = transport.writeBinary(new Uint8Array(1));
  const behind = transport.writeBinary(new Uint8Array(2));
  assert.equal(ws.sent.length, 2, "the third waits its turn");
  ws.bufferedAmount = 11;
  clock.advance(10);
  assert.equal(await stateOf(above), "waits");
  ws.bufferedAmount = 10;
  clock.advance(4);
  assert.equal(await stateOf(above), "waits");
  clock.advance(1);
  assert.equal(await stateOf(above), "done");
  assert.equal(await stateOf(behind), "done");
  assert.equal(ws.sent.length, 3);
  assert.equal(clock.pending, 0, "no timer stays");
});

test("a socket that says when it drains is not waited for longer than that", async () => {
  const { ws, transport, clock } = setUp(marks);
  const drained: (() => void)[] = [];
  Object.assign(ws, { onceDrained: (then: () => void) => void drained.push(then) });
  ws.stalled = true;
  const writer = transport.writeBinary(new Uint8Array(21));
  ws.bufferedAmount = 11;
  drained.shift()?.();
  assert.equal(await stateOf(writer), "waits");
  ws.bufferedAmount = 0;
  drained.shift()?.();
  assert.equal(await stateOf(writer), "done");
  assert.equal(clock.pending, 0);
});

test("waiting writers go out in order, and the next pause starts where it must", async () => {
  const { ws, transport, clock } = setUp(marks);
  ws.stalled = true;
  const writers = [21, 6, 7].map((n) => transport.writeBinary(new Uint8Array(n)));
  ws.bufferedAmount = 10;
  clock.advance(10);
  assert.deepEqual(await Promise.all(writers.map(stateOf)), ["done", "done", "waits"]);
  assert.deepEqual(ws.sent.map((frame) => frame.length), [21, 6, 7]);
  ws.bufferedAmount = 0;
  clock.advance(10);
  assert.equal(await stateOf(writers[2] as Promise<void>), "done");
});

test("one frame may be as large as the hard limit and not one byte more", async () => {
  const fits = setUp(marks);
  assert.equal(await stateOf(fits.transport.writeBinary(new Uint8Array(40))), "done");
  const { ws, transport, told } = setUp(marks);
  await assert.rejects(transport.writeBinary(new Uint8Array(41)), { message: "websocket: send_buffer_exceeded" });
  assert.deepEqual(ws.sent, []);
  assert.equal(ws.closes.length, 1);
  await turn();
  assert.deepEqual(told, ["transport/resource_limit_reached/websocket_outbound_bytes 41 of 40", "send_buffer_exceeded"]);
});

test("queued, buffered and the frame together are held to the hard limit", async () => {
  const { ws, transport } = setUp(marks);
  ws.stalled = true;
  const first = transport.writeBinary(new Uint8Array(25));
  const second = transport.writeBinary(new Uint8Array(10));
  assert.equal(await stateOf(second), "waits");
  const third = transport.writeBinary(new Uint8Array(5));
  assert.equal(await stateOf(third), "waits");
  const fourth = transport.writeBinary(new Uint8Array(1));
  for (const writer of [first, second, third, fourth]) await assert.rejects(writer, { message: "websocket: send_buffer_exceeded" });
  assert.equal(ws.closes.length, 1);
});

test("a network that takes nothing for the drain time ends the connection", async () => {
  const { ws, transport, clock, told } = setUp(marks);
  ws.stalled = true;
  const writer = transport.writeBinary(new Uint8Array(30));
  clock.advance(999);
  assert.equal(await stateOf(writer), "waits");
  clock.advance(1);
  assert.equal(await stateOf(writer), "websocket: send_buffer_timeout");
  assert.equal(ws.closes.length, 1);
  assert.equal(clock.pending, 0);
  assert.deepEqual(told, ["transport/queue_pressure/websocket_outbound_bytes 30 of 10", "send_buffer_timeout"]);
});

test("aborting a writer whose turn has not come takes its frame back, and no listener stays", async () => {
  const { ws, transport, clock } = setUp(marks);
  ws.stalled = true;
  const stop = new AbortController();
  let listeners = 0;
  const { addEventListener: add, removeEventListener: remove } = stop.signal;
  stop.signal.addEventListener = (...args: unknown[]) => (listeners++, Reflect.apply(add, stop.signal, args));
  stop.signal.removeEventListener = (...args: unknown[]) => (listeners--, Reflect.apply(remove, stop.signal, args));
  const first = transport.writeBinary(new Uint8Array(30), { signal: stop.signal });
  ws.bufferedAmount = 0;
  clock.advance(10);
  assert.equal(await stateOf(first), "done");
  assert.equal(listeners, 0);

  const full = transport.writeBinary(new Uint8Array(30));
  const behind = transport.writeBinary(bytes(1), { signal: stop.signal });
  stop.abort("enough");
  await assert.rejects(behind, (error) => error instanceof AbortError && error.cause === "enough");
  await assert.rejects(transport.writeBinary(bytes(1), { signal: stop.signal }), AbortError);
  ws.bufferedAmount = 0;
  clock.advance(10);
  assert.equal(await stateOf(full), "done");
  assert.deepEqual(ws.sent.map((frame) => frame.length), [30, 30]);
});

test("send() that throws is a transport error", async () => {
  const { ws, transport, told } = setUp();
  ws.sendError = new Error("not open");
  await assert.rejects(transport.writeBinary(bytes(1)), (error: Error) => error.message === "websocket: error" && error.cause === ws.sendError);
  assert.equal(ws.closes.length, 0);
  await turn();
  assert.deepEqual(told, ["error"]);
});

test("defaults and their relations", () => {
  assert.deepEqual(DEFAULT_WEB_SOCKET_LIMITS, {
    maxInboundQueuedBytes: 4_194_304, maxInboundQueuedMessages: 16_384, outboundLowWatermarkBytes: 262_144, outboundHighWatermarkBytes: 1_048_576,
    outboundHardLimitBytes: 4_194_304, outboundDrainTimeoutMs: 10_000,
  });
  for (const value of [0, -1, 1.5, NaN, Infinity, "1" as unknown as number]) {
    for (const name of Object.keys(DEFAULT_WEB_SOCKET_LIMITS)) assert.throws(() => resolveWebSocketLimits({ [name]: value }), RangeError, `${name} ${value}`);
  }
  assert.doesNotThrow(() => resolveWebSocketLimits({ outboundLowWatermarkBytes: 5, outboundHighWatermarkBytes: 5, outboundHardLimitBytes: 5 }));
  assert.throws(() => resolveWebSocketLimits({ outboundLowWatermarkBytes: 1_048_577 }), RangeError);
  assert.throws(() => resolveWebSocketLimits({ outboundHardLimitBytes: 1_048_575 }), RangeError);
});
