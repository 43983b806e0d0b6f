import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { after, test } from "node:test";
import { WebSocket as Client, WebSocketServer, type WebSocket } from "ws";
import { WebSocketBinaryTransport } from "../binary_transport.js";
import { maxPayloadFor } from "../bound.js";
import { WsCloseError } from "../socket.js";
import { adaptNodeWebSocket, EmitterWebSocketAdapter } from "./adapt.js";
import { createNodeWsFactory } from "./factory.js";

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: true });
await once(server, "listening");
after(() => server.close());
const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;

async function connect(options?: Parameters<typeof createNodeWsFactory>[0]) {
  const accepted = once(server, "connection") as Promise<[WebSocket, IncomingMessage]>;
  const client = createNodeWsFactory(options)(url, "https://app.example");
  const transport = new WebSocketBinaryTransport(client);
  const opened = new Promise<void>((resolve) => client.addEventListener("open", () => resolve()));
  const [peer, request] = await accepted;
  await opened;
  return { client, transport, peer, request };
}

test("the Origin header is the one given, and compression is not offered", async () => {
  const { transport, request, peer } = await connect();
  assert.equal(request.headers.origin, "https://app.example");
  assert.equal(request.headers["sec-websocket-extensions"], undefined);
  const gone = once(peer, "close");
  transport.close();
  assert.equal((await gone)[0], 1000);
});

test("binary comes as it was sent, both ways", async () => {
  const { transport, peer } = await connect();
  peer.send(Uint8Array.from([1, 2, 3]));
  assert.deepEqual(Uint8Array.from(await transport.readBinary()), Uint8Array.from([1, 2, 3]));
  const message = once(peer, "message");
  await transport.writeBinary(Uint8Array.from([4]));
  assert.deepEqual(await message, [Buffer.from([4]), true]);
  transport.close();
});

test("a frame whose write settled may be changed, while a peer that does not read leaves it waiting", async () => {
  const { client, transport, peer } = await connect();
  assert.equal(transport.copiesFrames, true);
  peer.pause();
  const got: number[] = [];
  peer.on("message", (data: Buffer) => got.push(new Set(data).size === 1 ? (data[0] as number) : -1));
  const frame = new Uint8Array(65_570);
  let sent = 0;
  // Until the network takes no more and several frames wait in this process.
  while (client.bufferedAmount < 4 * frame.length) await transport.writeBinary(frame.fill(++sent));
  frame.fill(0);
  peer.resume();
  while (got.length < sent) await once(peer, "message");
  assert.deepEqual(got, Array.from({ length: sent }, (_, i) => (i + 1) % 256));
  transport.close();
});

test("a frame that may be compressed later, or that an unknown socket was given, is not the writer's again", async () => {
  const { transport } = await connect({ perMessageDeflate: true });
  assert.equal(transport.copiesFrames, false);
  transport.close();
  const emitter = Object.assign(new EventEmitter(), { readyState: 1, bufferedAmount: 0, send() {}, close() {} });
  assert.equal(new WebSocketBinaryTransport(adaptNodeWebSocket(emitter)).copiesFrames, false);
});

test("text is told apart from binary with the same bytes", async () => {
  const { transport, peer } = await connect();
  peer.send("FSEC");
  await assert.rejects(transport.readBinary(), { message: "websocket: unexpected_text_frame" });
  transport.close();
});

test("a close of the peer keeps its code and reason", async () => {
  const { transport, peer } = await connect();
  peer.close(1008, "token_replay");
  await assert.rejects(transport.readBinary(), (error) => error instanceof WsCloseError && error.code === 1008 && error.reason === "token_replay");
  transport.close();
});

test("a message may have maxPayload bytes and not one more", async () => {
  const { transport, peer } = await connect({ maxPayload: 100 });
  peer.send(new Uint8Array(100));
  assert.equal((await transport.readBinary()).length, 100);
  peer.send(new Uint8Array(101));
  await assert.rejects(transport.readBinary(), { message: "websocket: error" });
  transport.close();
});

test("the largest message follows the limits, and nonsense counts as the default", () => {
  assert.equal(maxPayloadFor(), 1_048_576 + 64);
  assert.equal(maxPayloadFor(1000, 8192), 8192 + 10 + 64);
  assert.equal(maxPayloadFor(20_000, 8192), 20_064);
  for (const bad of [0, -1, 1.5, NaN, 2 ** 60]) assert.equal(maxPayloadFor(bad, bad), 1_048_576 + 64);
  for (const bad of [0, -1, 1.5, NaN, Infinity]) assert.throws(() => createNodeWsFactory({ maxPayload: bad }), RangeError);
});

test("writing goes on as soon as the network has taken enough, not at the next poll", async () => {
  const { transport, peer } = await connect();
  let received = 0;
  const done = new Promise<void>((resolve) => peer.on("message", (data: Buffer) => (received += data.length) === 64 * 65_536 && resolve()));
  for (let i = 0; i < 64; i++) await transport.writeBinary(new Uint8Array(65_536));
  await done;
  assert.equal(received, 64 * 65_536);
  transport.close();
});

test("what has listeners already comes back as it is; an emitter is wrapped; anything else is refused", async () => {
  const { client, transport, peer } = await connect();
  assert.equal(adaptNodeWebSocket(client), client);
  assert.equal(adaptNodeWebSocket(peer), peer);
  const emitter = Object.assign(new EventEmitter(), { readyState: 1, bufferedAmount: 0, send() {}, close() {} });
  assert.ok(adaptNodeWebSocket(emitter) instanceof EmitterWebSocketAdapter);
  for (const bad of [null, undefined, 1, {}, { send() {} }, { send() {}, close() {} }, new EventEmitter()]) {
    assert.throws(() => adaptNodeWebSocket(bad), TypeError);
  }
  transport.close();
});

test("an error of a socket whose transport has closed does not end the process", async () => {
  const emitter = Object.assign(new EventEmitter(), { readyState: 1, bufferedAmount: 0, send() {}, close() {}, addEventListener() {}, removeEventListener() {} });
  new WebSocketBinaryTransport(adaptNodeWebSocket(emitter)).close();
  emitter.emit("error", new Error("late"));
});

test("fragments of an emitter become one message", async () => {
  const emitter = Object.assign(new EventEmitter(), { readyState: 1, bufferedAmount: 0, send() {}, close() {} });
  const transport = new WebSocketBinaryTransport(adaptNodeWebSocket(emitter));
  emitter.emit("message", [Buffer.from([1]), Buffer.from([2])], true);
  assert.deepEqual(Uint8Array.from(await transport.readBinary()), Uint8Array.from([1, 2]));
});

test("a peer that does not answer a close is cut off, once; one that does leaves no timer and only the listener for errors", async (t) => {
  const made = () => Object.assign(new EventEmitter(), { readyState: 1, bufferedAmount: 0, send() {}, close() {}, cut: 0, terminate() { this.cut++; } });
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const silent = made();
  const adapted = adaptNodeWebSocket(silent);
  adapted.close(1000);
  adapted.close(1000);
  t.mock.timers.tick(2000);
  assert.equal(silent.cut, 1);
  const polite = made();
  const other = adaptNodeWebSocket(polite);
  const heard: unknown[] = [];
  other.addEventListener("close", ({ code }) => heard.push(code));
  other.close(1000);
  polite.readyState = 3;
  polite.emit("close", 1000, Buffer.alloc(0));
  other.close(1000);
  t.mock.timers.tick(2000);
  assert.deepEqual([polite.cut, heard], [0, [1000]]);
  for (const event of ["open", "message", "close"]) assert.equal(polite.listenerCount(event), 0, event);
  polite.emit("error", new Error("late"));
});

/** A socket of a server, and the client's TCP connection to write frames on. */
async function raw(wrapped: (socket: WebSocket) => unknown) {
  const accepted = once(server, "connection") as Promise<[WebSocket]>;
  const client = new Client(url, { perMessageDeflate: false });
  const [socket] = await accepted;
  if (client.readyState !== Client.OPEN) await once(client, "open");
  const ends: unknown[] = [];
  socket.on("close", (code) => ends.push(code));
  const pongs: string[] = [];
  client.on("pong", (data) => pongs.push(data.toString()));
  const { _socket: wire } = client as unknown as { _socket: Socket };
  wrapped(socket);
  return { client, socket, ends, pongs, wire };
}
/** Waits for the next one; rejects when the connection ends instead. */
const pong = (socket: WebSocket) => Promise.race([once(socket, "pong"), once(socket, "close").then(([code]) => assert.fail(`closed with ${code}`))]);
/** Pings of a client, under a mask of zeros. */
const pings = (...texts: string[]) => Buffer.concat(texts.map((text) => Buffer.concat([Buffer.from([0x89, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)])));
const many = Array.from({ length: 10_000 }, (_, n) => `${n}`);

for (const [name, wrapped] of [["adapted", (socket: WebSocket) => new EmitterWebSocketAdapter(socket)], ["as it is", adaptNodeWebSocket]] as const) {
  test(`of pings that arrive together the latest is answered, and the connection lives: a socket ${name}`, async () => {
    const { client, ends, pongs, wire } = await raw(wrapped);
    wire.write(pings(...many));
    while (pongs.at(-1) !== "9999") await pong(client);
    assert.ok(pongs.length < 1000, `${pongs.length} answers`);
    wire.write(pings("one more"));
    await pong(client);
    assert.deepEqual([pongs.at(-1), ends], ["one more", []]);
    client.terminate();
  });

  test(`a peer that pings and does not read has at most two answers waiting: a socket ${name}`, async () => {
    const { client, socket, ends, wire } = await raw(wrapped);
    const block = Buffer.alloc(1 << 20);
    wire.pause();
    // Until the network takes nothing more.
    do socket.send(block);
    while ((await new Promise((resolve) => setImmediate(resolve)), socket.bufferedAmount === 0));
    const before = socket.bufferedAmount;
    const seen = once(socket, "message");
    wire.write(pings(...many));
    client.send("behind them");
    await seen;
    const most = 2 * (2 + 125);
    assert.ok(socket.bufferedAmount <= before + most, `${socket.bufferedAmount - before} bytes more`);
    assert.deepEqual(ends, []);
    client.terminate();
  });
}

test("a client of ours survives pings that arrive together", async () => {
  const { client, transport, peer } = await connect();
  const { _socket: wire } = peer as unknown as { _socket: Socket };
  const pongs: string[] = [];
  peer.on("pong", (data) => pongs.push(data.toString()));
  wire.write(Buffer.concat(many.map((text) => Buffer.concat([Buffer.from([0x89, text.length]), Buffer.from(text)]))));
  while (pongs.at(-1) !== "9999") await pong(peer);
  assert.equal(client.readyState, 1);
  await transport.writeBinary(Uint8Array.from([1]));
  transport.close();
});

test("who answers pings by himself is left to it", async () => {
  const own = new WebSocketServer({ host: "127.0.0.1", port: 0, autoPong: false });
  await once(own, "listening");
  const accepted = once(own, "connection") as Promise<[WebSocket]>;
  const client = new Client(`ws://127.0.0.1:${(own.address() as AddressInfo).port}`);
  const [socket] = await accepted;
  socket.on("ping", () => socket.pong("mine"));
  assert.equal(adaptNodeWebSocket(socket), socket);
  if (client.readyState !== Client.OPEN) await once(client, "open");
  client.ping("yours");
  const [answer] = (await once(client, "pong")) as [Buffer];
  assert.equal(answer.toString(), "mine");
  client.terminate();
  own.close();
});
