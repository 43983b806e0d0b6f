// The compatible mode on sockets in memory: clients and the registry of this package.
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { decodeBase64url } from "../base/index.js";
import { Identity, PublicKey, type Contacts } from "../identity/index.js";
import { legacySeal, legacySecret } from "../identity/legacy.js";
import { ManualClock } from "../testing/manual_clock.js";
import { acquainted, keyOf, RendezvousWorld } from "../testing/rendezvous_world.js";
import { PairedWebSocket } from "../testing/socket_pair.js";
import { CompatibleSocketClient, type CompatibleMessage, type CompatibleSocketOptions } from "./compatible_client.js";

const third = (await Identity.generate()).publicKey;

function optionsFor(world: RendezvousWorld, contacts: Contacts, options: Partial<CompatibleSocketOptions> = {}): CompatibleSocketOptions {
  return { url: "wss://registry.example", registryKeys: [world.registry.publicKey], contacts, connect: { wsFactory: world.factory(keyOf(contacts).text) }, ...options };
}

/** Messages as they come. */
function inbox() {
  const received: unknown[] = [];
  let look = () => {};
  return {
    onMessage(error: unknown, { from, message }: Partial<CompatibleMessage> = {}) {
      received.push(error === null ? [from?.name, message] : (error as { code: string }).code);
      look();
    },
    until: (n: number) => new Promise<unknown[]>((resolve) => {
      look = () => received.length >= n && resolve(received);
      look();
    }),
  };
}

test("two clients of the original protocol talk, and the registry sees no word of it", async (t) => {
  const world = await RendezvousWorld.create({ legacy: true });
  t.after(() => world.close());
  const seen: string[] = [];
  world.tamper = (text) => (seen.push(text), text);
  const [ofA, ofB] = await acquainted();
  const [atA, atB] = [inbox(), inbox()];
  const a = await CompatibleSocketClient.create(optionsFor(world, ofA, atA));
  await assert.rejects(a.send(keyOf(ofB), 1), { code: "recipient_unavailable" });
  const b = await CompatibleSocketClient.create(optionsFor(world, ofB, atB));
  assert.ok(a.isRegistered && b.isRegistered);
  await Promise.all([a.send(keyOf(ofB), { content: "lighthouse" }), b.send(keyOf(ofA), "lighthouse too")]);
  assert.deepEqual([await atA.until(1), await atB.until(1)], [[["bob", "lighthouse too"]], [["alice", { content: "lighthouse" }]]]);
  assert.ok(seen.length > 6 && seen.every((text) => !text.includes("lighthouse")));
  await assert.rejects(a.send(third, 1), { code: "unknown_contact" });
  await assert.rejects(a.send(keyOf(ofB), undefined), { code: "message_not_json" });
  ofB.block(keyOf(ofA));
  await a.send(keyOf(ofB), "to nobody");
  ofB.setPolicy(keyOf(ofA), "allow");
  await a.send(keyOf(ofB), "again");
  assert.deepEqual((await atB.until(2))[1], ["alice", "again"]);
  b.close();
  a.close();
  assert.equal(a.isRegistered, false);
  await assert.rejects(a.send(keyOf(ofB), 1), { code: "not_registered" });
});

test("a key is registered once; it is free again when its client closes, who is told so", async (t) => {
  const world = await RendezvousWorld.create({ legacy: true });
  t.after(() => world.close());
  const [ofA] = await acquainted();
  const closed: string[] = [];
  const a = await CompatibleSocketClient.create(optionsFor(world, ofA, { onClose: ({ code }) => closed.push(code) }));
  await assert.rejects(CompatibleSocketClient.create(optionsFor(world, ofA)), { code: "already_registered" });
  const gone = new Promise((resolve) => world.sockets[0]?.peer.addEventListener("close", resolve));
  a.close();
  await gone;
  const again = await CompatibleSocketClient.create(optionsFor(world, ofA, { onClose: ({ code }) => closed.push(code) }));
  const lost = new Promise((resolve) => world.sockets.at(-1)?.addEventListener("close", resolve));
  world.registry.close();
  await lost;
  assert.deepEqual(closed, ["closed", "connection_lost"]);
  assert.equal(again.isRegistered, false);
});

test("a registry without the mode, with another key, with a contact's key, or that nobody can reach", async (t) => {
  const [off, on] = await Promise.all([RendezvousWorld.create(), RendezvousWorld.create({ legacy: true })]);
  t.after(() => Promise.all([off.close(), on.close()]));
  const [ofA] = await acquainted();
  await assert.rejects(CompatibleSocketClient.create(optionsFor(off, ofA)), { code: "connection_lost" });
  await assert.rejects(CompatibleSocketClient.create(optionsFor(on, ofA, { registryKeys: [third] })), { code: "unpinned_registry" });
  await ofA.add(PublicKey.parse(on.registry.publicKey), "registry");
  await assert.rejects(CompatibleSocketClient.create(optionsFor(on, ofA)), { code: "key_mismatch" });
  on.isRegistryDown = true;
  await assert.rejects(CompatibleSocketClient.create(optionsFor(on, ofA)), { code: "connect_failed" });
  await assert.rejects(CompatibleSocketClient.create(optionsFor(on, ofA, { registryKeys: [] })), { code: "missing_key" });
  await assert.rejects(CompatibleSocketClient.create(optionsFor(on, ofA, { url: "ws://registry.example" })), { code: "invalid_url" });
  await assert.rejects(CompatibleSocketClient.create(optionsFor(on, ofA, { registrationTimeoutMs: 0 })), { code: "invalid_option" });
});

test("a registry that says nothing is left after 10 s, and at once when the signal fires", async () => {
  const [ofA] = await acquainted();
  const clock = new ManualClock();
  const silent = () => {
    const [client, server] = PairedWebSocket.pair();
    return { client, server, wsFactory: () => client };
  };
  const first = silent();
  const base = { url: "wss://registry.example", registryKeys: [third], contacts: ofA };
  const waiting = CompatibleSocketClient.create({ ...base, clock, connect: { wsFactory: first.wsFactory } });
  await new Promise((resolve) => first.client.addEventListener("open", resolve));
  await new Promise(setImmediate);
  clock.advance(10_000);
  await assert.rejects(waiting, { code: "registration_timeout" });
  const second = silent();
  const control = new AbortController();
  const aborted = CompatibleSocketClient.create({ ...base, signal: control.signal, connect: { wsFactory: second.wsFactory } });
  await new Promise((resolve) => second.client.addEventListener("open", resolve));
  await new Promise(setImmediate);
  control.abort();
  await assert.rejects(aborted, { code: "aborted" });
  assert.ok(first.client.readyState >= 2 && second.client.readyState >= 2);
});

test("a message of a contact that does not open is told as an error", async (t) => {
  const world = await RendezvousWorld.create({ legacy: true });
  t.after(() => world.close());
  const [ofA, ofB] = await acquainted();
  const atB = inbox();
  const a = await CompatibleSocketClient.create(optionsFor(world, ofA));
  await CompatibleSocketClient.create(optionsFor(world, ofB, atB));
  world.sockets[0]!.tamper = (data) => String(data).replace(/"message":"..../, '"message":"AAAA');
  await a.send(keyOf(ofB), "changed on the way");
  assert.deepEqual(await atB.until(1), ["invalid_frame"]);
});

/** A socket as the `ws` package makes them, with a client of the original at its other end. */
class OriginalClient extends EventEmitter {
  readonly readyState = 1;
  readonly bufferedAmount = 0;
  pings = 0;
  closed: string | undefined;
  readonly registered: Promise<void>;
  private done = () => {};

  constructor(private readonly identity: Identity) {
    super();
    this.registered = new Promise((resolve) => (this.done = resolve));
  }

  send(text: string): void {
    const said = JSON.parse(text) as Record<string, string>;
    if (said["type"] === "REGISTER_SUCCESS") this.done();
    if (said["type"] === "CHALLENGE") void this.answer(said);
  }

  ping(): void {
    this.pings++;
  }

  close(_code: number, reason: string): void {
    this.closed = reason;
  }

  private async answer({ from, nonce, challengeText }: Record<string, string>): Promise<void> {
    const message = legacySeal(await legacySecret(this.identity, PublicKey.parse(from as string)), decodeBase64url(nonce as string) as Uint8Array, challengeText as string);
    this.emit("message", Buffer.from(JSON.stringify({ type: "CHALLENGE_RESPONSE", from: this.identity.publicKey.text, to: from, nonce, message })), false);
  }
}

test("a registered socket is pinged, lives while it answers, and is dropped when it does not", async (t) => {
  const clock = new ManualClock();
  const world = await RendezvousWorld.create({ legacy: true, clock });
  t.after(() => world.close());
  const client = new OriginalClient(await Identity.generate());
  world.registry.attach(client, { url: "/legacy" });
  await client.registered;
  for (let n = 1; n <= 4; n++) {
    clock.advance(25_000);
    assert.equal(client.pings, n);
    client.emit("pong");
  }
  clock.advance(59_999);
  assert.equal(client.closed, undefined);
  clock.advance(1);
  assert.equal(client.closed, "silent");
});
