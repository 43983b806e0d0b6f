// A registry on sockets in memory: what reaches its clients, in which order, and whom it keeps. The registry's clock is the test's.
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { decodeBase64url, deferred, fromUtf8 } from "../../base/index.js";
import { defaultCrypto } from "../../crypto/index.js";
import { connectSealed } from "../../endpoint/connect_sealed.js";
import { encodeFrame, readFrameText } from "../../framing/json_frame.js";
import { Contacts, Identity, proveRegistration, PublicKey } from "../../identity/index.js";
import { encodeOpen, sealPsk, serverKeyId } from "../../sealed/index.js";
import type { Client } from "../../session/client.js";
import { FakeWebSocket } from "../../testing/fake_web_socket.js";
import { ManualClock } from "../../testing/manual_clock.js";
import { RendezvousWorld } from "../../testing/rendezvous_world.js";
import { PairedWebSocket } from "../../testing/socket_pair.js";
import { ExactReader, type YamuxStream } from "../../yamux/index.js";
import { compatiblePath } from "../compatible.js";
import { encodeClientFrame } from "../frames.js";
import { maxRegistryFrameBytes, registryStreamKind, sealedPath, textPath } from "../limits.js";
import { RegistryServer, type RegistryServerOptions } from "./registry_server.js";

type Frame = Readonly<Record<string, unknown>>;

const invalid = { type: "error", code: "invalid_frame", fatal: true };
const limited = { type: "error", code: "rate_limited", fatal: true };

async function registryOf(t: TestContext, options: Partial<RegistryServerOptions> = {}): Promise<{ clock: ManualClock; registry: RegistryServer }> {
  const clock = new ManualClock(Math.floor(Date.now() / 1000));
  const { registry } = await RendezvousWorld.create({ clock, ...options });
  t.after(() => registry.close());
  return { clock, registry };
}

/** The answer to a challenge, for the first key that it offers unless another is named. */
async function register(identity: Identity, { registry_keys, challenge }: Frame, change: { registryKey?: string; replace?: boolean; instance?: number } = {}): Promise<string> {
  const { registryKey: name = (registry_keys as string[])[0] as string, replace = false, instance = 1 } = change;
  const registryKey = PublicKey.parse(name);
  const proof = await proveRegistration(identity, registryKey, decodeBase64url(challenge as string) as Uint8Array, replace);
  return encodeClientFrame({ type: "register", publicKey: identity.publicKey, registryKey, proof, instance: new Uint8Array(16).fill(instance), replace });
}

/** A client of text frames, on a socket as the `ws` package makes them. It says nothing by itself, nor does its WebSocket. */
class PlainClient extends EventEmitter {
  readonly readyState = 1;
  readonly bufferedAmount = 0;
  /** Frames, and what became of the socket: "close 1008 reason", "cut", "ping" for the WebSocket's. */
  readonly heard: (Frame | string)[] = [];
  private look = () => {};

  constructor(registry: RegistryServer, path = textPath, remoteAddress = "a") {
    super();
    registry.attach(this, { url: path, socket: { remoteAddress } });
  }

  /** Everything that was heard, when there is so much. */
  async until(n: number): Promise<(Frame | string)[]> {
    const enough = deferred<void>();
    this.look = () => this.heard.length >= n && enough.resolve();
    this.look();
    await enough.promise;
    return this.heard;
  }

  say(text: string | Buffer): void {
    this.emit("message", Buffer.from(text), typeof text !== "string");
  }

  async join(identity: Identity, change: Parameters<typeof register>[2] = {}): Promise<this> {
    const [challenge] = await this.until(1);
    this.say(await register(identity, challenge as Frame, change));
    await this.until(2);
    return this;
  }

  send(text: string): void {
    this.hear(JSON.parse(text) as Frame);
  }

  close(code: number, reason: string): void {
    this.hear(`close ${code} ${reason}`.trim());
  }

  ping(): void {
    this.hear("ping");
  }

  terminate(): void {
    this.hear("cut");
  }

  private hear(what: Frame | string): void {
    this.heard.push(what);
    this.look();
  }
}

/** A client of the sealed mode, frame by frame. */
class SealedClient {
  private readonly reader: ExactReader;

  private constructor(
    readonly session: Client,
    readonly stream: YamuxStream,
    readonly socket: PairedWebSocket,
  ) {
    this.reader = new ExactReader((maxBytes) => stream.read({ maxBytes }));
  }

  static async open(registry: RegistryServer): Promise<SealedClient> {
    const [client, server] = PairedWebSocket.pair();
    registry.attach(server, { url: sealedPath, socket: { remoteAddress: "a" } });
    const session = await connectSealed({ wsUrl: "wss://registry.example/rv/v1/sealed", serverKeys: [registry.publicKey] }, { origin: "https://x.example", wsFactory: () => client });
    return new SealedClient(session, await session.openStream(registryStreamKind), client);
  }

  async next(): Promise<Frame> {
    return JSON.parse(fromUtf8(await readFrameText(this.reader, maxRegistryFrameBytes))) as Frame;
  }

  /** Resolves when the registry has it: the answer to a probe is behind it. */
  async say(text: string | Uint8Array): Promise<void> {
    await this.stream.write(typeof text === "string" ? encodeFrame(text) : text);
    await this.session.probeLiveness();
  }
}

test("a client of text frames that says nothing by itself is asked every 25 s, and kept while it answers", async (t) => {
  const { clock, registry } = await registryOf(t);
  const identity = await Identity.generate();
  const client = await new PlainClient(registry).join(identity);
  const since = (ms: number) => (client.heard.splice(0), clock.advance(ms), client.heard.map((each) => (typeof each === "string" ? each : each["type"])));
  for (let round = 0; round < 4; round++) {
    assert.deepEqual(since(24_999), []);
    assert.deepEqual(since(1), ["ping", "ping"], "a frame, and that of the WebSocket");
    const [{ t: asked }] = client.heard as [Frame];
    client.say(JSON.stringify({ type: "pong", t: asked }));
  }
  assert.ok(registry.isRegistered(identity.publicKey));
  assert.deepEqual([since(25_000), since(34_999), registry.size], [["ping", "ping"], [], 1]);
  assert.deepEqual([since(1), registry.size], [["cut"], 0], "no frame, and no word");
});

test("what a client says right behind its registration is served when the application has let it in, and not when it has not", async (t) => {
  for (const isLetIn of [true, false]) {
    const asked = deferred<void>();
    const answer = deferred<boolean>();
    const { registry } = await registryOf(t, { onRegister: () => (asked.resolve(), answer.promise) });
    const client = new PlainClient(registry);
    const [challenge] = await client.until(1);
    client.say(await register(await Identity.generate(), challenge as Frame));
    for (const t of [1, 2]) client.say(JSON.stringify({ type: "ping", t }));
    await asked.promise;
    client.say(JSON.stringify({ type: "ping", t: 3 }));
    assert.equal(client.heard.length, 1);
    answer.resolve(isLetIn);
    const heard = (await client.until(isLetIn ? 5 : 3)).slice(1).map((each) => (typeof each === "string" ? each : `${each["type"]} ${each["t"] ?? each["code"] ?? ""}`.trim()));
    assert.deepEqual(heard, isLetIn ? ["registered", "pong 1", "pong 2", "pong 3"] : ["error proof_failed", "close 1008 proof_failed"]);
  }
});

test("a client in the sealed mode is asked and kept as well", async (t) => {
  const { clock, registry } = await registryOf(t);
  const identity = await Identity.generate();
  const client = await SealedClient.open(registry);
  await client.say(await register(identity, await client.next()));
  assert.equal((await client.next())["type"], "registered");
  for (let round = 0; round < 4; round++) {
    clock.advance(25_000);
    const { type, t } = await client.next();
    assert.equal(type, "ping");
    await client.say(JSON.stringify({ type: "pong", t }));
  }
  assert.ok(registry.isRegistered(identity.publicKey));
  clock.advance(25_000);
  clock.advance(35_000);
  assert.equal(registry.size, 0);
  assert.notEqual(await client.session.ended, undefined);
});

test("the clients of this package answer, and stay, whatever their own clock says", async (t) => {
  const clock = new ManualClock(Math.floor(Date.now() / 1000));
  const world = await RendezvousWorld.create({ clock });
  t.after(() => world.close());
  const identity = await Identity.generate();
  await world.client("a", new Contacts(identity), { transport: "text", clock: new ManualClock() });
  const [socket] = world.sockets as [PairedWebSocket];
  for (let round = 0; round < 4; round++) {
    const answered = new Promise((resolve) => socket.peer.addEventListener("message", ({ data }) => resolve(JSON.parse(data as string))));
    clock.advance(25_000);
    assert.equal(((await answered) as Frame)["type"], "pong");
  }
  assert.ok(world.registry.isRegistered(identity.publicKey));
});

test("the same process takes over without a word and with close 1000; another one is told who comes, and with close 1008 who goes", async (t) => {
  const { registry } = await registryOf(t);
  const identity = await Identity.generate();
  const first = await new PlainClient(registry).join(identity);
  const again = await new PlainClient(registry).join(identity);
  assert.deepEqual(first.heard.slice(2), ["close 1000"]);
  const other = await new PlainClient(registry).join(identity, { instance: 2 });
  assert.deepEqual(other.heard.slice(1), [{ type: "error", code: "already_registered", fatal: true }, "close 1008 already_registered"]);
  await new PlainClient(registry).join(identity, { instance: 2, replace: true });
  assert.deepEqual(again.heard.slice(2), [{ type: "error", code: "replaced", fatal: true }, "close 1008 replaced"]);
  assert.equal(registry.size, 1);
});

test("an old socket of the same process in the sealed mode ends without a word too", async (t) => {
  const { registry } = await registryOf(t);
  const identity = await Identity.generate();
  const first = await SealedClient.open(registry);
  await first.say(await register(identity, await first.next()));
  await first.next();
  await new PlainClient(registry, textPath, "b").join(identity);
  assert.equal(await first.stream.read(), null);
});

test("every key of nine registers, the ninth of them too, which is not offered", async (t) => {
  const keys = await Promise.all(Array.from({ length: 9 }, () => RegistryServer.generateKey()));
  const { registry } = await registryOf(t, { keys });
  const [{ publicKey: ninth }, identity] = await Promise.all([Identity.fromPrivateKey(keys[8] as string), Identity.generate()]);
  const client = await new PlainClient(registry).join(identity, { registryKey: ninth.text });
  const [challenge, answer] = client.heard as [Frame, Frame];
  assert.equal((challenge["registry_keys"] as string[]).length, 8);
  assert.ok(!(challenge["registry_keys"] as string[]).includes(ninth.text));
  assert.equal(answer["type"], "registered");
});

test("who is refused on the way in is told why before the close, as far as nothing has to be sealed for it", async (t) => {
  const { registry } = await registryOf(t, { legacy: true, limits: { registrationBurst: 1 } });
  new PlainClient(registry);
  assert.deepEqual(new PlainClient(registry).heard, [limited, "close 1008 rate_limited"]);
  assert.deepEqual(new PlainClient(registry, compatiblePath).heard, [{ type: "REGISTER_FAILURE", error: "too many registrations" }, "close 1008 rate_limited"]);
  assert.deepEqual(new PlainClient(registry, sealedPath).heard, ["close 1008 rate_limited"]);
  assert.deepEqual(new PlainClient(registry, "/elsewhere", "b").heard, ["close 1008 path"]);
});

test("the clients of this package hear rate_limited then, in both modes", async (t) => {
  const world = await RendezvousWorld.create({ clock: new ManualClock(Math.floor(Date.now() / 1000)), limits: { registrationBurst: 1 } });
  t.after(() => world.close());
  const contacts = new Contacts(await Identity.generate());
  await world.client("a", contacts);
  for (const transport of ["sealed", "text"] as const) await assert.rejects(world.client("a", contacts, { transport }), { code: "rate_limited" });
});

test("one of nine sockets of an address that are not registered is told so as well", async (t) => {
  const { registry } = await registryOf(t);
  for (let n = 0; n < 8; n++) assert.equal((new PlainClient(registry).heard[0] as Frame)["type"], "challenge");
  assert.deepEqual(new PlainClient(registry).heard, [limited, "close 1008 rate_limited"]);
  for (let n = 0; n < 8; n++) new PlainClient(registry, textPath, `2001:db8::${n}`);
  assert.deepEqual(new PlainClient(registry, textPath, "2001:db8::9").heard[0], limited, "a network of IPv6 is one address");
  assert.equal((new PlainClient(registry, textPath, "2001:db8:0:1::9").heard[0] as Frame)["type"], "challenge");
});

test("the oldest of too many that are not registered is cut, and so is who does not read", async (t) => {
  const { registry } = await registryOf(t, { limits: { maxUnregistered: 1 } });
  const [oldest, next] = [new PlainClient(registry), new PlainClient(registry, textPath, "b")];
  assert.deepEqual([oldest.heard.slice(1), next.heard.length], [["cut"], 1]);
  const slow = new FakeWebSocket();
  slow.bufferedAmount = 262_145;
  registry.attach(slow, { url: textPath, socket: { remoteAddress: "c" } });
  assert.deepEqual([slow.sent, slow.closes], [[], [{ code: 1008, reason: "slow" }]]);
});

test("what is no frame is answered before the close: binary, too long, no JSON", async (t) => {
  const { registry } = await registryOf(t);
  for (const [n, bad] of [Buffer.from("{}"), `"${"x".repeat(maxRegistryFrameBytes)}"`, "[]"].entries()) {
    const client = new PlainClient(registry, textPath, `${n}`);
    client.say(bad);
    assert.deepEqual(client.heard.slice(1), [invalid, "close 1008 invalid_frame"]);
  }
});

test("in the sealed mode it is too, and the end of the stream is behind the answer", async (t) => {
  const { registry } = await registryOf(t);
  const longer = encodeFrame("x".repeat(maxRegistryFrameBytes + 1));
  for (const bad of [new Uint8Array(4), longer, Uint8Array.of(0, 0, 0, 1, 0xff), encodeFrame("[]")]) {
    const client = await SealedClient.open(registry);
    await client.next();
    await client.stream.write(bad);
    assert.deepEqual(await client.next(), invalid);
    assert.equal(await client.stream.read(), null, "its clock stands still: nothing is waited for");
    client.session.close();
  }
});

test("a socket that is refused has 2 s to close by itself", async (t) => {
  const { clock, registry } = await registryOf(t);
  const client = await SealedClient.open(registry);
  await client.next();
  await client.say("[]");
  clock.advance(1_999);
  await client.session.probeLiveness();
  clock.advance(1);
  assert.notEqual(await client.session.ended, undefined);
});

test("a sealed connection has one stream: every other one is reset", async (t) => {
  const { registry } = await registryOf(t);
  const client = await SealedClient.open(registry);
  await client.next();
  for (let n = 0; n < 8; n++) await assert.rejects((await client.session.openStream("other")).read(), { name: "YamuxStreamResetError" });
  await client.say(await register(await Identity.generate(), { registry_keys: [registry.publicKey], challenge: "A".repeat(43) }));
  assert.deepEqual(await client.next(), { type: "error", code: "proof_failed", fatal: true });
});

test("a sealed connection that opens no stream of frames has 20 s", async (t) => {
  const { clock, registry } = await registryOf(t);
  const [client, server] = PairedWebSocket.pair();
  registry.attach(server, { url: sealedPath });
  const session = await connectSealed({ wsUrl: "wss://registry.example/rv/v1/sealed", serverKeys: [registry.publicKey] }, { origin: "https://x.example", wsFactory: () => client });
  clock.advance(19_999);
  await session.probeLiveness();
  clock.advance(1);
  assert.notEqual(await session.ended, undefined);
});

test("with real WebSockets: a text up to 256 KiB is answered before the close, a longer one ends it at its header", async (t) => {
  const { registry } = await registryOf(t);
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  t.after(() => server.close());
  server.on("connection", (socket, request) => registry.attach(socket, request));
  const endOf = async (bytes: number, path = textPath, ...before: string[]) => {
    const heard: string[] = [];
    const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
    socket.on("message", (data: Buffer) => heard.push((JSON.parse(data.toString()) as { code?: string }).code ?? "challenge"));
    socket.on("error", () => {});
    await once(socket, "open");
    for (const text of [...before, "x".repeat(bytes)]) socket.send(text);
    const [code] = (await once(socket, "close")) as [number];
    return [...heard, code];
  };
  assert.deepEqual(await endOf(262_144), ["challenge", "invalid_frame", 1008]);
  assert.deepEqual(await endOf(262_145), ["challenge", 1009]);
  // Behind an open message, for which the public key is enough.
  const [key, channelId] = [decodeBase64url(registry.publicKey, 32) ?? assert.fail(), "a channel"];
  const sealed = await sealPsk(key, channelId, new Uint8Array(32));
  const open = encodeOpen({ channelId, kid: await serverKeyId(await defaultCrypto(), key), suite: 1, sealed });
  assert.deepEqual(await endOf(262_145, sealedPath, open), [1009]);
});
