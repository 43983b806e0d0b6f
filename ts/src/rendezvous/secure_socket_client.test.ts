// Whole clients with a registry and a tunnel in memory: messages, channels, cuts.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { deferred, systemClock } from "../base/index.js";
import { Contacts, exportIdentityText, Identity, importStoredIdentity, invitationFragment, invitationNote, maxOpenInvitations, parseInvitation } from "../identity/index.js";
import { RpcRouter } from "../rpc/index.js";
import { acquainted, keyOf, RendezvousWorld } from "../testing/rendezvous_world.js";
import { readSharedJson } from "../testing/repository.js";
import type { PairedWebSocket } from "../testing/socket_pair.js";
import type { WebSocketFactory, WebSocketLike } from "../ws/socket.js";
import { isFinal, type RendezvousErrorCode } from "./error.js";
import type { ReceivedMessage, SecureSocketEvent, SecureSocketOptions } from "./options.js";
import { SecureSocketClient } from "./secure_socket_client.js";

async function worldOf(t: TestContext, options: Parameters<typeof RendezvousWorld.create>[0] = {}): Promise<RendezvousWorld> {
  const world = await RendezvousWorld.create(options);
  t.after(() => world.close());
  return world;
}

/** What arrives, and a promise of so much of it. */
function inbox(): { onMessage: NonNullable<SecureSocketOptions["onMessage"]>; received: ReceivedMessage[]; until(n: number): Promise<unknown[]> } {
  const received: ReceivedMessage[] = [];
  let look = () => {};
  return {
    received,
    onMessage(error, message) {
      if (error === null && message !== undefined) received.push(message);
      look();
    },
    until: (n) =>
      new Promise((resolve) => {
        look = () => received.length >= n && resolve(received.map(({ message }) => message));
        look();
      }),
  };
}

for (const transport of ["sealed", "text"] as const) {
  test(`two clients exchange messages both ways, ${transport}`, async (t) => {
    const world = await worldOf(t);
    const [ofA, ofB] = await acquainted();
    const [atA, atB] = [inbox(), inbox()];
    const a = await world.client("a", ofA, { ...atA, transport });
    const b = await world.client("b", ofB, { ...atB, transport });
    await a.send(ofA.find("bob")!, { content: "hello" });
    await b.send(keyOf(ofA).text, ["to", { you: null }]);
    await a.send(`registry.example/${keyOf(ofB).text}`, 3);
    assert.deepEqual(await atB.until(2), [{ content: "hello" }, 3]);
    assert.deepEqual(await atA.until(1), [["to", { you: null }]]);
    assert.equal(atB.received[0]?.type, "MESSAGE");
    assert.equal(atB.received[0]?.from, ofB.find("alice"));
    assert.equal(world.tunnel.channels.length, 2, "one channel is enough for both directions");
  });
}

test("messages across cuts of tunnel and registry are delivered once and in order", async (t) => {
  const world = await worldOf(t);
  const [ofA, ofB] = await acquainted();
  const [atA, atB] = [inbox(), inbox()];
  const calls = { initialDelayMs: 1, maxDelayMs: 5, maxAttempts: 1000 };
  const a = await world.client("a", ofA, { ...atA, calls });
  const b = await world.client("b", ofB, { ...atB, calls });
  const sent: Promise<void>[] = [];
  const rounds = 6;
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < 5; i++) sent.push(a.send(keyOf(ofB), round * 5 + i));
    await atB.until(round * 5 + 1);
    if (round % 3 === 0) world.tunnel.cut();
    if (round % 3 === 1) await world.restart();
    if (round % 3 === 2) {
      world.tunnel.cut();
      await world.restart();
    }
  }
  await Promise.all(sent);
  assert.deepEqual(await atB.until(rounds * 5), Array.from({ length: rounds * 5 }, (_, i) => i));
  await b.send(keyOf(ofA), "back");
  assert.deepEqual(await atA.until(1), ["back"]);
  assert.equal(a.pending(keyOf(ofB)), 0);
});

test("a registry's restart leaves channels alone", async (t) => {
  const world = await worldOf(t);
  const [ofA, ofB] = await acquainted();
  const atB = inbox();
  const a = await world.client("a", ofA);
  await world.client("b", ofB, atB);
  await a.send(keyOf(ofB), 1);
  world.isRegistryDown = true;
  await world.restart();
  await a.send(keyOf(ofB), 2);
  assert.deepEqual(await atB.until(2), [1, 2]);
  assert.equal(world.tunnel.channels.length, 2);
});

test("both calling at once end with one channel: the smaller key's call wins", async (t) => {
  const world = await worldOf(t);
  const [ofA, ofB] = await acquainted();
  const [atA, atB] = [inbox(), inbox()];
  const a = await world.client("a", ofA, atA);
  const b = await world.client("b", ofB, atB);
  const [ofFirst, ofSecond] = [a.open(keyOf(ofB)), b.open(keyOf(ofA))];
  await Promise.all([a.send(keyOf(ofB), "x"), b.send(keyOf(ofA), "y")]);
  assert.deepEqual([await atA.until(1), await atB.until(1)], [["y"], ["x"]]);
  assert.equal((await ofFirst).isCaller, true);
  assert.equal((await ofSecond).isCaller, false);
});

test("streams and calls go both ways on the session of a contact", async (t) => {
  const world = await worldOf(t);
  const [ofA, ofB] = await acquainted();
  const router = new RpcRouter();
  router.register(7, async (payload) => ({ payload: { echo: payload } }));
  const echo: SecureSocketOptions["onStream"] = (from, kind, stream) => {
    assert.ok(from.name === "alice" || from.name === "bob");
    if (kind !== "echo") return stream.reset();
    void stream.readable.pipeTo(stream.writable).catch(() => {});
  };
  const a = await world.client("a", ofA, { routerFor: () => router, onStream: echo });
  const b = await world.client("b", ofB, { routerFor: () => router, onStream: echo });
  const sessions = [await a.open(keyOf(ofB)), await b.open(keyOf(ofA))];
  assert.deepEqual(sessions.map(({ isCaller }) => isCaller), [true, false]);
  for (const session of sessions) {
    assert.deepEqual(await (await session.rpc()).call(7, { n: 1 }), { payload: { echo: { n: 1 } } });
    const stream = await session.openStream("echo");
    await stream.write(new Uint8Array([1, 2, 3]));
    await stream.close();
    assert.deepEqual(await stream.read(), new Uint8Array([1, 2, 3]));
  }
  sessions[0]?.close();
  assert.ok((await sessions[1]?.ended) instanceof Error);
});

test("who is no contact, or blocked, is neither called nor answered", async (t) => {
  const world = await worldOf(t);
  const [ofA, ofB] = await acquainted();
  const stranger = new Contacts(await Identity.generate());
  await stranger.add(keyOf(ofA), "a");
  const a = await world.client("a", ofA, { clock: systemClock });
  await assert.rejects(a.send(keyOf(stranger), 1), { code: "unknown_contact" });
  await assert.rejects(a.send(keyOf(stranger).text.slice(1), 1), { code: "bad_length" });
  ofA.block(keyOf(ofB));
  await assert.rejects(a.send(keyOf(ofB), 1), { code: "unknown_contact" });
  const s = await world.client("s", stranger);
  const b = await world.client("b", ofB);
  const abort = new AbortController();
  const calls = [s.send(keyOf(ofA), 1, { signal: abort.signal }), b.open(keyOf(ofA), { signal: abort.signal })];
  while (b.channelState(keyOf(ofA)) !== "calling") await new Promise(setImmediate);
  abort.abort(new Error("enough"));
  for (const call of calls) await assert.rejects(call, { code: "aborted" });
  assert.deepEqual(world.tunnel.channels, []);
});

test("an unknown caller comes in when the application is asked and agrees", async (t) => {
  const world = await worldOf(t);
  const [ofA] = await acquainted();
  const stranger = new Contacts(await Identity.generate());
  await stranger.add(keyOf(ofA), "a");
  const atA = inbox();
  const asked: unknown[] = [];
  await world.client("a", ofA, {
    ...atA,
    onIncoming: (call) => {
      asked.push(call.from.text, call.note, call.registryUrl);
      void call.accept("newcomer");
    },
  });
  const s = await world.client("s", stranger);
  await s.send(keyOf(ofA), "may I?");
  assert.deepEqual(asked, [keyOf(stranger).text, undefined, "wss://registry.example"]);
  assert.deepEqual(await atA.until(1), ["may I?"]);
  assert.equal(atA.received[0]?.from.name, "newcomer");
});

test("an invitation makes contacts of two who were none, once", async (t) => {
  const world = await worldOf(t);
  const host = new Contacts(await Identity.generate());
  const atHost = inbox();
  const events: SecureSocketEvent[] = [];
  const h = await world.client("h", host, { ...atHost, onState: (event) => events.push(event) });
  const link = `https://chat.example/${invitationFragment(await h.invite())}`;
  const guest = new Contacts(await Identity.generate());
  const g = await world.client("g", guest);
  const contact = await g.useInvitation(parseInvitation(link), "the host");
  assert.ok(contact.verified);
  await g.send(contact, "hello");
  await g.send(contact, "again");
  assert.deepEqual(await atHost.until(2), ["hello", "again"]);
  assert.ok(events.some((event) => event.type === "guest" && event.contact.publicKey.equals(keyOf(guest)) && event.contact.verified));

  const thief = new Contacts(await Identity.generate());
  const s = await world.client("s", thief);
  await s.useInvitation(parseInvitation(link), "the host");
  const abort = new AbortController();
  const call = s.send(keyOf(host), "me too", { signal: abort.signal });
  while (s.channelState(keyOf(host)) !== "calling") await new Promise(setImmediate);
  abort.abort();
  await assert.rejects(call, { code: "aborted" });
  assert.equal(host.size, 1);
});

test("invitations that were saved are good in the next process, by the name that they were made with", async (t) => {
  const world = await worldOf(t);
  const host = new Contacts(await Identity.generate());
  const h = await world.client("h", host);
  const links = [invitationFragment(await h.invite("Gast")), invitationFragment(await h.invite("Gast"))];
  await assert.rejects(h.invite(" bad "), { code: "bad_name" });
  const stored = await importStoredIdentity(await exportIdentityText(host, { invitations: h.invitations }));
  await h.close();
  const again = await world.client("h2", stored.contacts, { ...inbox(), invitations: stored.invitations });
  assert.equal(again.invitations.size, 2);
  for (const link of links) {
    const g = await world.client("g", new Contacts(await Identity.generate()));
    await g.send(await g.useInvitation(parseInvitation(link), "the host"), "hello");
  }
  assert.equal(again.invitations.size, 0);
  const [first, second] = stored.contacts.list();
  assert.deepEqual([first?.name, second?.name], ["Gast", `Gast ${second?.publicKey.shortText}`]);
});

test("a host makes 64 invitations and not one more", async (t) => {
  const world = await worldOf(t);
  const h = await world.client("h", new Contacts(await Identity.generate()));
  for (let n = 0; n < maxOpenInvitations; n++) await h.invite();
  await assert.rejects(h.invite(), { code: "too_many" });
  assert.equal(h.invitations.size, maxOpenInvitations);
});

test("the note of an invitation without its secret makes no contact, not even while its handshake is under way", async (t) => {
  const world = await worldOf(t);
  const host = new Contacts(await Identity.generate());
  let failed = (_: unknown) => {};
  const isOver = new Promise<unknown>((resolve) => (failed = resolve));
  const asked: unknown[] = [];
  const h = await world.client("h", host, {
    transport: "text",
    connect: { wsFactory: world.factory("h"), handshakeTimeoutMs: 300 },
    onState: (event) => event.type === "call_failed" && failed(event.key.text),
    onIncoming: (call) => asked.push(call.from.text),
  });
  const invitation = await h.invite();
  const note = await invitationNote(invitation.secret);
  const [socket] = world.sockets;
  // The registry sees every note, and may have a key of its own.
  let incoming: Record<string, unknown> | undefined;
  world.sockets[0]!.peer.tamper = (data) => {
    const frame = JSON.parse(data as string) as Record<string, unknown>;
    if (frame["type"] !== "incoming" || incoming !== undefined) return data;
    incoming = { ...frame, note };
    return JSON.stringify(incoming);
  };
  const thief = new Contacts(await Identity.generate());
  const s = await world.client("s", thief, { calls: { maxAttempts: 1 }, connect: { wsFactory: world.factory("s"), handshakeTimeoutMs: 300 } });
  const sending = s.send(await s.useInvitation({ ...invitation, secret: new Uint8Array(16) }, "the host"), 1);
  while (!world.tunnel.channels.some((each) => each.endsWith("/2"))) await new Promise(setImmediate);
  assert.equal(host.size, 0);
  socket?.receive(JSON.stringify({ ...incoming, note: undefined, call_id: "another" }));
  assert.equal(await isOver, keyOf(thief).text);
  await assert.rejects(sending, { code: "channel_failed" });
  assert.equal(host.size, 0);
  assert.deepEqual(asked, [keyOf(thief).text], "a call without the note is that of a stranger");
  assert.equal(world.tunnel.channels.filter((each) => each.endsWith("/2")).length, 1);
  assert.equal(h.invitations.size, 1, "and the invitation is still there");
});

test("a message that the application does not take is not acknowledged, and comes again", async (t) => {
  const world = await worldOf(t);
  const [ofA, ofB] = await acquainted();
  const told: unknown[] = [];
  const a = await world.client("a", ofA);
  await world.client("b", ofB, {
    onMessage: (_, message) => {
      told.push(message?.message);
      if (told.length === 2) throw new Error("not now");
    },
  });
  await Promise.all([a.send(keyOf(ofB), 1), a.send(keyOf(ofB), 2), a.send(keyOf(ofB), 3)]);
  assert.deepEqual(told, [1, 2, 2, 3]);
  assert.equal(world.tunnel.channels.length, 4);
});

test("what nobody takes fails at its sender when the attempts are over", async (t) => {
  const world = await worldOf(t);
  const [ofA, ofB] = await acquainted();
  const a = await world.client("a", ofA, { calls: { initialDelayMs: 1, maxDelayMs: 1, maxAttempts: 3 } });
  const b = await world.client("b", ofB);
  const seen: unknown[] = [];
  const stop = b.onReceived(() => (seen.push("passed over"), false));
  await assert.rejects(a.send(keyOf(ofB), 1), { code: "channel_lost" });
  assert.deepEqual([...seen], ["passed over", "passed over", "passed over"]);
  stop();
  b.onReceived(({ message }) => void seen.push(message));
  await a.send(keyOf(ofB), 2);
  assert.deepEqual(seen.slice(3), [2]);
});

test("who was blocked is not watched any more, and does not see us", async (t) => {
  const world = await worldOf(t);
  const [ofA, ofB] = await acquainted();
  const seen: boolean[] = [];
  let look = () => {};
  const a = await world.client("a", ofA);
  await world.client("b", ofB, { onState: (event) => event.type === "presence" && (seen.push(event.online), look()) });
  const until = (online: boolean) => new Promise<void>((resolve) => {
    look = () => seen.at(-1) === online && resolve();
    look();
  });
  await until(true);
  ofA.block(keyOf(ofB));
  a.refreshContacts();
  await until(false);
});

test("a second program with the same key is refused; with replace it takes over, and the first one leaves", async (t) => {
  const world = await worldOf(t);
  const [ofA] = await acquainted();
  const errors: unknown[] = [];
  const a = await world.client("a", ofA, { onMessage: (error) => error && errors.push(error.code) });
  await assert.rejects(SecureSocketClient.create(world.optionsFor("a2", { contacts: ofA })), { code: "already_registered" });
  assert.ok(a.isRegistered);
  const second = await world.client("a3", ofA, { replace: true });
  assert.ok(second.isRegistered);
  assert.deepEqual(errors, ["replaced"]);
  assert.equal(a.registryState("wss://registry.example/"), "failed");
  await assert.rejects(a.send(ofA.find("bob")!, 1), { code: "no_registry" });
});

test("what a registry says ends a registration for good or for a while, as the shared table has it", async (t) => {
  type Case = { code: RendezvousErrorCode; said: boolean; final: boolean };
  const { cases } = readSharedJson("testdata/rendezvous/registration_ends.json") as { cases: Case[] };
  for (const { code, final } of cases) assert.equal(isFinal(code), final, code);
  const world = await worldOf(t);
  for (const { code, final } of cases.filter(({ said }) => said)) {
    const [ofA] = await acquainted();
    const reached = deferred<string>();
    const onState: SecureSocketOptions["onState"] = (event) => event.type === "registry" && event.error?.code === code && reached.resolve(event.state);
    const sockets: WebSocketLike[] = [];
    const wsFactory: WebSocketFactory = (url, origin) => (sockets.push(world.factory(code)(url, origin)), sockets.at(-1) as WebSocketLike);
    const client = await world.client(code, ofA, { transport: "text", onState, connect: { wsFactory } });
    (sockets[0] as PairedWebSocket).receive(JSON.stringify({ type: "error", code: code === "refused" ? "of the future" : code, fatal: true }));
    assert.equal(await reached.promise, final ? "failed" : "connecting", code);
    await client.close();
  }
});

test("a sealed registry that does not have the first pinned key is tried with the next", async (t) => {
  const world = await worldOf(t);
  const [ofA] = await acquainted();
  const others = await Promise.all([Identity.generate(), Identity.generate()]);
  const a = await world.client("a", ofA, { registryKeys: [...others.map(({ publicKey }) => publicKey), world.registry.publicKey] });
  assert.ok(a.isRegistered);
});

test("create rejects with the code of what failed, and leaves nothing open", async (t) => {
  const world = await worldOf(t);
  const [ofA] = await acquainted();
  const create = (options: Partial<SecureSocketOptions>) => SecureSocketClient.create(world.optionsFor("a", { contacts: ofA, ...options }));
  const other = (await Identity.generate()).publicKey;
  await assert.rejects(create({ registryKeys: [] }), { code: "missing_key" });
  await assert.rejects(create({ registryKeys: ["x"] }), { code: "missing_key" });
  await assert.rejects(create({ url: "ws://elsewhere.example" }), { code: "invalid_url" });
  await assert.rejects(create({ url: "wss://a.example?x" }), { code: "invalid_url" });
  await assert.rejects(create({ url: undefined, registryKeys: undefined }), { code: "invalid_url" });
  await assert.rejects(create({ contacts: undefined }), { code: "invalid_option" });
  await assert.rejects(create({ registrationTimeoutMs: 0 }), { code: "invalid_option" });
  await assert.rejects(create({ calls: { factor: 0 } }), { code: "invalid_option" });
  await assert.rejects(create({ registries: [{ url: "https://registry.example/rv/v1/ws", registryKeys: [other] }] }), { code: "invalid_url" });
  await assert.rejects(create({ registryKeys: [other] }), { code: "unknown_registry_key" });
  await assert.rejects(create({ registryKeys: [other], transport: "text" }), { code: "unpinned_registry" });
  await assert.rejects(create({ signal: AbortSignal.abort() }), { code: "aborted" });
  world.isRegistryDown = true;
  await assert.rejects(create({}), { code: "connect_failed" });
  assert.equal(world.registry.size, 0);
  world.isRegistryDown = false;
  const client = await create({ registryKeys: [other, world.registry.publicKey], transport: "text" });
  await client.close();
  await assert.rejects(client.send(ofA.find("bob")!, 1), { code: "closed" });
});

test("what cannot be sent is refused, and closing settles what waits", async (t) => {
  const world = await worldOf(t);
  const [ofA] = await acquainted();
  const a = await world.client("a", ofA);
  const bob = ofA.find("bob")!;
  await assert.rejects(a.send(bob, undefined), { code: "message_not_json" });
  await assert.rejects(a.send(bob, 1n), { code: "message_not_json" });
  await assert.rejects(a.send(bob, "x".repeat(1_048_576)), { code: "message_too_large" });
  const waiting = Array.from({ length: 100 }, (_, i) => a.send(bob, i));
  await assert.rejects(a.send(bob, 100), { code: "queue_full" });
  assert.equal(a.pending(bob), 100);
  const opening = a.open(bob);
  await a.close();
  for (const each of [...waiting, opening]) await assert.rejects(each, { code: "closed" });
});
