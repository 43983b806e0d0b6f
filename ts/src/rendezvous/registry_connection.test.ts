// A registry's frames on a plain WebSocket: what is none ends the connection at once, whenever it comes.
import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { after, test, type TestContext } from "node:test";
import { WebSocketServer, type WebSocket } from "ws";
import { deferred } from "../base/index.js";
import { acceptSealed } from "../endpoint/accept_sealed.js";
import { Contacts, Identity } from "../identity/index.js";
import { ServerKeyPair } from "../sealed/key_pair.js";
import { FakeWebSocket } from "../testing/fake_web_socket.js";
import { PairedWebSocket } from "../testing/socket_pair.js";
import { createNodeWsFactory } from "../ws/node/factory.js";
import { maxRegistryFrameBytes } from "./limits.js";
import { nameFailure, openRegistry, openText } from "./registry_connection.js";
import { SecureSocketClient } from "./secure_socket_client.js";

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
await once(server, "listening");
after(() => server.close());
const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;

/** Opens, with what `socket` says at once, and hears what it says until it is lost. */
async function open(socket: FakeWebSocket, atOnce: (socket: FakeWebSocket) => void) {
  const heard: string[] = [];
  const lost = deferred<unknown>();
  const opening = openText("ws://x", { origin: "o", wsFactory: () => socket }, { onText: (text) => heard.push(text), onLost: lost.resolve });
  socket.emit("open", {});
  atOnce(socket);
  const link = await opening;
  return { link, heard, lost: lost.promise };
}

const bad: [name: string, data: unknown][] = [["binary", new ArrayBuffer(1)], ["a text of 16385 bytes", `${"ä".repeat(8192)}x`]];
for (const [name, data] of bad) {
  test(`${name} that comes with the opening is told when it is over, behind the texts before it`, async () => {
    const socket = new FakeWebSocket();
    const { link, heard, lost } = await open(socket, () => {
      socket.receive("first");
      socket.receive(data);
      socket.receive("behind");
    });
    assert.equal(((await lost) as { code?: string }).code, "invalid_frame");
    assert.deepEqual(heard, ["first"]);
    assert.deepEqual([socket.closes, socket.listening], [[{ code: 1000, reason: undefined }], 0]);
    link.send("nobody hears");
    link.close();
    assert.deepEqual([socket.sent, socket.closes.length], [[], 1]);
  });
}

test("a text of 16384 bytes is one; what comes behind our close is not told, nor what waited", async () => {
  const socket = new FakeWebSocket();
  const most = "ä".repeat(maxRegistryFrameBytes / 2);
  const { link, heard } = await open(socket, () => socket.receive(most));
  assert.deepEqual(heard, [most]);
  link.close();
  socket.receive("late");
  assert.deepEqual([heard.length, socket.closes], [1, [{ code: 1000, reason: undefined }]]);
});

test("the end of the connection in the turn of its opening is told", async () => {
  const { heard, lost } = await open(new FakeWebSocket(), (socket) => socket.emit("close", { code: 1001, reason: "later" }));
  assert.deepEqual([((await lost) as { code?: number }).code, heard], [1001, []]);
});

/** A client of a registry that says something before anything else; what it ends with, and what the registry hears. */
async function registerWith(t: TestContext, say: (socket: WebSocket) => void) {
  const contacts = new Contacts(await Identity.generate());
  const closed = deferred<number>();
  server.once("connection", (socket) => {
    socket.once("close", closed.resolve);
    say(socket);
  });
  t.mock.timers.enable({ apis: ["setTimeout"] }); // nothing is waited for
  const { publicKey } = await Identity.generate();
  const options = { url, registryKeys: [publicKey], contacts, transport: "text", reconnect: { enabled: false }, onMessage() {} } as const;
  const refused = await SecureSocketClient.create({ ...options, connect: { wsFactory: createNodeWsFactory() } }).then(() => "nothing", (error: { code: string }) => error.code);
  return [refused, await closed.promise];
}

for (const [name, say, code] of [
  ["binary", (socket: WebSocket) => socket.send(new Uint8Array(1)), 1000],
  ["too long", (socket: WebSocket) => socket.send("x".repeat(maxRegistryFrameBytes + 1)), 1009],
  ["too long in fragments", (socket: WebSocket) => (socket.send("x".repeat(maxRegistryFrameBytes), { fin: false }), socket.send("x")), 1009],
  ["no frame", (socket: WebSocket) => socket.send("[]"), 1000],
] as const) {
  test(`a first frame that is ${name} fails the registration at once, with real WebSockets`, async (t) => {
    assert.deepEqual(await registerWith(t, say), ["invalid_frame", code]);
  });
}

for (const [name, bad] of [["empty", new Uint8Array(4)], ["too long", Uint8Array.of(0, 0, 0x40, 1)], ["no text", Uint8Array.of(0, 0, 0, 1, 0xff)]] as const) {
  test(`a sealed registry's frame that is ${name} is told as such, not as a loss`, async () => {
    const identity = await Identity.generate();
    const [client, registry] = PairedWebSocket.pair();
    const accepting = acceptSealed(registry, { keys: [new ServerKeyPair(identity.exportIdentity())] });
    const lost = deferred<unknown>();
    const link = await openRegistry("wss://registry.example", "sealed", identity.publicKey, { origin: "https://x.example", wsFactory: () => client }, { onText() {}, onLost: lost.resolve });
    const session = await accepting;
    await (await session.acceptStream()).stream.write(bad);
    assert.equal(nameFailure(await lost.promise).code, "invalid_frame");
    assert.equal((await session.ended)?.name, "FlowersecError", "and it is left");
    link.close();
  });
}
