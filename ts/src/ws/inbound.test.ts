// What waits to be read is bounded, in bytes and in number.
import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { FakeWebSocket } from "../testing/fake_web_socket.js";
import { WebSocketBinaryTransport } from "./binary_transport.js";
import type { WebSocketLimits } from "./limits.js";
import { WsCloseError } from "./socket.js";

const bytes = (...values: number[]) => Uint8Array.from(values);
const buffer = (n: number) => new ArrayBuffer(n);

function setUp(webSocketLimits: Partial<WebSocketLimits> = {}) {
  const told: string[] = [];
  const ws = new FakeWebSocket();
  const transport = new WebSocketBinaryTransport(ws, { webSocketLimits, observer: { onWsError: (reason) => void told.push(reason) } });
  return { ws, transport, told };
}

test("unread bytes may reach the limit and not one more; they alone count", async () => {
  const { ws, transport } = setUp({ maxInboundQueuedBytes: 8 });
  for (let i = 0; i < 1000; i++) ws.receive(bytes());
  for (let i = 0; i < 1000; i++) await transport.readBinary();
  ws.receive(bytes(1, 2, 3, 4));
  ws.receive(buffer(4));
  assert.equal((await transport.readBinary()).length, 4);
  ws.receive(buffer(4));
  assert.equal((await transport.readBinary()).length, 4);
  ws.receive(buffer(5));
  await assert.rejects(transport.readBinary(), { message: "websocket: recv_buffer_exceeded" });
});

for (const [name, empty] of [["an empty message", () => bytes()], ["an empty buffer", () => buffer(0)], ["an empty Blob", () => new Blob([])]] as const) {
  test(`${name} that nobody reads counts too: as many as the limit may wait, and not one more`, async () => {
    const { ws, transport, told } = setUp({ maxInboundQueuedBytes: 1, maxInboundQueuedMessages: 3 });
    for (let i = 0; i < 3; i++) ws.receive(empty());
    await turn();
    assert.equal((await transport.readBinary()).length, 0); // makes room for one
    ws.receive(empty());
    assert.equal((await transport.readBinary()).length, 0);
    ws.receive(empty());
    assert.deepEqual([told, ws.closes.length], [[], 0]);
    ws.receive(empty());
    await assert.rejects(transport.readBinary(), { message: "websocket: recv_buffer_exceeded" });
    assert.equal(ws.closes.length, 1);
  });
}

test("by default 16 384 messages may wait, and not one more", async () => {
  const { ws, transport, told } = setUp();
  for (let i = 0; i < 16_384; i++) ws.receive(buffer(1));
  assert.deepEqual([told, ws.closes.length], [[], 0]);
  ws.receive(buffer(1));
  await assert.rejects(transport.readBinary(), { message: "websocket: recv_buffer_exceeded" });
  assert.equal(ws.closes.length, 1);
});

test("a message that a reader waits for counts until it is handed over, and no longer", async () => {
  const { ws, transport } = setUp({ maxInboundQueuedMessages: 1 });
  for (let i = 0; i < 5; i++) {
    const reader = transport.readBinary();
    ws.receive(i % 2 ? buffer(1) : new Blob([buffer(1)]));
    await reader;
  }
});

const measured: [string, (n: number) => unknown][] = [
  ["an array buffer", buffer],
  ["a view", (n) => new DataView(buffer(n))],
  ["a Blob", (n) => new Blob([buffer(n)])],
];
for (const [name, make] of measured) {
  test(`${name} is measured even when a reader waits`, async () => {
    const { ws, transport } = setUp({ maxInboundQueuedBytes: 8 });
    const fits = transport.readBinary();
    ws.receive(make(8));
    assert.equal((await fits).length, 8);
    const reader = transport.readBinary();
    ws.receive(make(9));
    await assert.rejects(reader, { message: "websocket: recv_buffer_exceeded" });
    assert.equal(ws.closes.length, 1);
  });
}

test("a Uint8Array is measured only when it has to be queued", async () => {
  const { ws, transport } = setUp({ maxInboundQueuedBytes: 8 });
  const reader = transport.readBinary();
  ws.receive(new Uint8Array(100));
  assert.equal((await reader).length, 100);
  ws.receive(new Uint8Array(9));
  await assert.rejects(transport.readBinary(), { message: "websocket: recv_buffer_exceeded" });
});

test("blobs keep their place among other messages, and count from their arrival", async () => {
  const { ws, transport } = setUp({ maxInboundQueuedBytes: 8, maxInboundQueuedMessages: 4 });
  ws.receive(new Blob([bytes(1, 1)]));
  ws.receive(bytes(2).buffer);
  ws.receive(new Blob([bytes(3)]));
  ws.receive(bytes(4));
  for (const expected of [bytes(1, 1), bytes(2), bytes(3), bytes(4)]) assert.deepEqual(await transport.readBinary(), expected);
  ws.receive(new Blob([buffer(8)]));
  ws.receive(bytes(1));
  await assert.rejects(transport.readBinary(), { message: "websocket: recv_buffer_exceeded" });
});

test("what comes behind a blob waits for it: a close too", async () => {
  const { ws, transport } = setUp();
  const reader = transport.readBinary();
  ws.receive(new Blob([bytes(7)]));
  ws.emit("close", { code: 1000, reason: "" });
  assert.deepEqual(await reader, bytes(7));
  await assert.rejects(transport.readBinary(), WsCloseError);
});

test("a blob that cannot be read is a transport error", async () => {
  const { ws, transport, told } = setUp();
  const blob = new Blob([bytes(1)]);
  blob.arrayBuffer = () => Promise.reject(new Error("gone"));
  ws.receive(blob);
  await assert.rejects(transport.readBinary(), { message: "websocket: error" });
  await turn();
  assert.deepEqual(told, ["error"]);
});
