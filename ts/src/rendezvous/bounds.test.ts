// What strangers, registries and peers can make a client hold or wait for: each limit at its edge and one past it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { deferred, encodeBase64url, fromUtf8 } from "../base/index.js";
import { encodeFrame } from "../framing/json_frame.js";
import { Contacts, Identity, PublicKey, type Contact } from "../identity/index.js";
import { ManualClock } from "../testing/manual_clock.js";
import type { Channel } from "./channel.js";
import { HandshakePlaces } from "./joining.js";
import * as limits from "./limits.js";
import type { IncomingCall } from "./options.js";
import type { IncomingFrame, PeerHost } from "./peer_host.js";
import { PeerLink } from "./peer_link.js";
import { Questions } from "./questions.js";
import { channelOptions } from "./registry_connection.js";
import { Watched } from "./watched.js";

const own = await Identity.generate();
const keys = (await Promise.all(Array.from({ length: 66 }, () => Identity.generate()))).map(({ publicKey }) => publicKey);
const [bob] = keys as [PublicKey];
const contactOf = (publicKey: PublicKey, policy: Contact["policy"] = "allow"): Contact => ({ publicKey, name: publicKey.text, dh: new Uint8Array(32), policy, verified: false });

test("64 handshakes are under way at once, and not one more", async () => {
  const places = new HandshakePlaces();
  const ends = deferred<void>();
  const running = Array.from({ length: limits.maxAttaching }, () => places.run(() => ends.promise));
  await assert.rejects(places.run(() => Promise.resolve()), { code: "channel_failed" });
  ends.resolve();
  await Promise.all(running);
  assert.equal(await places.run(() => Promise.resolve(1)), 1);
  await assert.rejects(places.run(() => Promise.reject(new Error("x"))), { message: "x" });
});

test("the application is asked about 16 strangers at once, once about each, and has 20 s", async () => {
  const contacts = new Contacts(own);
  let now = 0;
  const said: string[] = [];
  const questions = new Questions({
    contacts, nowMs: () => now, added: () => {},
    answer: (_, { callId }) => said.push(`answer ${callId}`),
    decline: (_, callId) => said.push(`decline ${callId}`),
  });
  const asked: IncomingCall[] = [];
  const ask = (n: number, registry = 0) => questions.ask(registry, "wss://r", { from: keys[n], callId: `c${n}` } as IncomingFrame, (call) => asked.push(call));
  for (let n = 0; n < limits.maxOpenQuestions; n++) ask(n);
  ask(0);
  ask(limits.maxOpenQuestions);
  assert.equal(asked.length, limits.maxOpenQuestions);
  asked[1]?.decline();
  asked[1]?.decline();
  questions.cancelled(0, "c2");
  questions.cancelled(1, "c3");
  now = limits.questionMs - 1;
  await asked[0]?.accept("in time");
  await asked[2]?.accept("cancelled");
  now = limits.questionMs;
  await asked[3]?.accept("too late");
  assert.deepEqual(said, ["decline c1", "answer c0"]);
  assert.equal(contacts.size, 3, "they are contacts all the same");
  ask(20, 1);
  questions.gone(1);
  asked.at(-1)?.decline();
  assert.equal(said.length, 2);
});

test("64 contacts are watched, and those who are blocked or gone no more", () => {
  const watched = new Watched();
  const all = keys.slice(0, limits.maxWatchedKeys + 1).map((key) => contactOf(key));
  const words = (contacts: readonly Contact[]) => watched.update(contacts).map((frame) => [frame.type, "keys" in frame && frame.keys.map((key) => keys.indexOf(key))]);
  assert.deepEqual(words(all), [["watch", Array.from({ length: limits.maxWatchedKeys }, (_, n) => n)]]);
  assert.deepEqual(words(all), []);
  assert.deepEqual(words([contactOf(bob, "block"), ...all.slice(1)]), [["unwatch", [0]], ["watch", [64]]]);
  assert.ok(!watched.has(bob));
  watched.clear();
  assert.deepEqual(words(all.slice(0, 1)), [["watch", [0]]]);
});

test("a peer that calls and opens no stream of messages is left after 10 s", async () => {
  const clock = new ManualClock();
  const states: string[] = [];
  let closed = 0;
  const opened = deferred<void>();
  const channel = { isCaller: false, ended: new Promise(() => {}), close: () => void closed++, leave: async () => {} } as unknown as Channel;
  const host = {
    identity: own, clock, calls: {}, channelIdleMs: limits.channelIdleMs, contactOf: () => contactOf(bob), attach: async () => channel, say: () => {},
    onJoined: () => {}, onState: (_: unknown, state: string) => (states.push(state), state === "open" && opened.resolve()),
  } as unknown as PeerHost;
  const peer = new PeerLink(host, bob);
  peer.incoming({ registry: 0, callId: "c", frame: {} as IncomingFrame, invitation: undefined, guest: undefined });
  const sending = peer.send("1", undefined);
  await opened.promise;
  clock.advance(limits.helloTimeoutMs - 1);
  assert.deepEqual([states, closed], [["calling", "open"], 0]);
  clock.advance(1);
  assert.deepEqual([states, closed], [["calling", "open", "waiting"], 1]);
  await peer.close("closed");
  await assert.rejects(sending, { code: "closed" });
  assert.equal(clock.pending, 0);
});

test("a channel without messages and streams is left after 10 minutes", async () => {
  const clock = new ManualClock();
  const opened = deferred<void>();
  const hello = encodeFrame(JSON.stringify({ type: "hello", v: 1, conversation: encodeBase64url(new Uint8Array(limits.conversationBytes)) }));
  const written: string[] = [];
  let isRead = false;
  const stream = {
    write: async (frame: Uint8Array) => void written.push(fromUtf8(frame.slice(4))),
    read: () => (isRead ? new Promise(() => {}) : Promise.resolve(((isRead = true), hello))),
    close: () => {}, reset: () => {},
  };
  let left = 0;
  const channel = { isCaller: true, ended: new Promise(() => {}), openStream: async () => stream, close: () => {}, leave: async () => void left++ } as unknown as Channel;
  const host = {
    identity: own, clock, calls: {}, channelIdleMs: limits.channelIdleMs, contactOf: () => contactOf(bob), attach: async () => channel, say: () => {},
    onJoined: () => {}, onState: (_: unknown, state: string) => state === "open" && opened.resolve(),
  } as unknown as PeerHost;
  const peer = new PeerLink(host, bob);
  peer.incoming({ registry: 0, callId: "c", frame: {} as IncomingFrame, invitation: undefined, guest: undefined });
  await opened.promise;
  while (written.length === 0) await new Promise(setImmediate);
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
  clock.advance(limits.channelIdleMs - 1);
  assert.deepEqual([left, written.length], [0, 1]);
  clock.advance(1);
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
  assert.deepEqual([left, written[1]], [1, '{"type":"bye"}']);
  await peer.close("closed");
});

test("what is said while an idle channel is being left gets another one, or fails", async () => {
  const clock = new ManualClock();
  const left = deferred<void>();
  const said: string[] = [];
  const states: string[] = [];
  const stream = { write: async () => {}, read: () => new Promise(() => {}), close: () => {}, reset: () => {} };
  const channel = { isCaller: true, ended: new Promise(() => {}), openStream: async () => stream, close: () => {}, leave: () => left.promise } as unknown as Channel;
  const host = {
    identity: own, clock, calls: {}, channelIdleMs: limits.helloTimeoutMs - 1, contactOf: () => contactOf(bob), attach: async () => channel, invitationFor: () => undefined,
    say: (_: number, { type }: { type: string }) => void said.push(type), nextRid: () => 1, onJoined: () => {}, onRefused: () => {},
    onState: (_: unknown, state: string) => void states.push(state),
  } as unknown as PeerHost;
  const turns = async () => {
    for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  };
  const peer = new PeerLink(host, bob);
  peer.available([0]);
  peer.incoming({ registry: 0, callId: "c", frame: {} as IncomingFrame, invitation: undefined, guest: undefined });
  await turns();
  clock.advance(host.channelIdleMs);
  assert.deepEqual(states, ["calling", "open", "closed"]);
  const outcomes = Promise.allSettled([peer.send("1", undefined), peer.open(undefined)]);
  await turns();
  assert.deepEqual(said, ["call"], "at once");
  peer.refused(2, 0, "recipient_unavailable");
  for (const outcome of await outcomes) assert.equal(outcome.status === "rejected" && (outcome.reason as { code: string }).code, "recipient_unavailable");
  let isClosed = false;
  const closing = peer.close("closed").then(() => (isClosed = true));
  await turns();
  assert.equal(isClosed, false, "the bye has its time");
  left.resolve();
  await closing;
  assert.deepEqual([states.slice(3), clock.pending], [["calling", "closed"], 0]);
});

/** A contact who has called us, and calls that are answered at once, over a link on which each write takes so long. */
async function slowlyOpen(writeMs: number) {
  const clock = new ManualClock();
  const turns = async () => {
    for (let i = 0; i < 30; i++) await new Promise(setImmediate);
  };
  const written: number[] = [];
  let reader = deferred<Uint8Array>();
  const hear = (frame: object) => reader.resolve(encodeFrame(JSON.stringify(frame)));
  const stream = () => ({
    write: (part: Uint8Array) => new Promise<void>((resolve) => {
      const take = () => void (written.push(part.length), resolve());
      if (part.length < 100) take();
      else clock.after(writeMs, take);
    }),
    read: async () => {
      const all = await reader.promise;
      reader = deferred();
      return all;
    },
    close: () => {}, reset: () => {},
  });
  let channels = 0;
  const attach = async () => {
    channels++;
    queueMicrotask(() => setImmediate(() => hear({ type: "hello", v: 1, conversation: encodeBase64url(new Uint8Array(limits.conversationBytes)) })));
    return { isCaller: true, ended: new Promise(() => {}), openStream: async () => stream(), close: () => {}, leave: async () => {} } as unknown as Channel;
  };
  const host = {
    identity: own, clock, calls: { maxAttempts: 3, initialDelayMs: 1, maxDelayMs: 1, jitterRatio: 0 }, channelIdleMs: limits.channelIdleMs, contactOf: () => contactOf(bob), attach,
    say: () => {}, invitationFor: () => undefined, onJoined: () => {}, onState: () => {},
  } as unknown as PeerHost;
  const peer = new PeerLink(host, bob);
  const call = async () => {
    peer.incoming({ registry: 0, callId: "c", frame: {} as IncomingFrame, invitation: undefined, guest: undefined });
    await turns();
  };
  await call();
  return { peer, clock, written, turns, hear, call, channels: () => channels };
}

test("a message of 1 MiB arrives over a link that takes minutes for it", async () => {
  const { peer, clock, written, turns, hear, channels } = await slowlyOpen(limits.ackTimeoutMs - 1);
  const sending = peer.send(JSON.stringify("x".repeat(1_000_000)), undefined);
  const before = written.length;
  for (let parts = 1; parts <= 16; parts++) {
    clock.advance(limits.ackTimeoutMs - 1);
    await turns();
    assert.equal(written.length, before + parts);
  }
  hear({ type: "ack", id: 1 });
  await sending;
  assert.equal(channels(), 1);
  await peer.close("closed");
});

test("a message that its receiver never acknowledges fails after the attempts, however long its channels last", async () => {
  const { peer, clock, turns, call, channels } = await slowlyOpen(1);
  clock.advance(limits.settledChannelMs);
  let code: unknown;
  peer.send('"x"', undefined).catch((error: { code: unknown }) => (code = error.code));
  for (let n = 1; n <= 3; n++) {
    assert.deepEqual([channels(), code], [n, undefined]);
    clock.advance(limits.ackTimeoutMs);
    await turns();
    if (n < 3) await call();
  }
  assert.deepEqual([channels(), code], [3, "channel_lost"]);
  await peer.close("closed");
});

test("a tunnel has TLS, unless its registry is on this machine without", () => {
  const clock = new ManualClock();
  assert.equal(channelOptions({}, "wss://registry.example", clock).transportSecurityPolicy, "require_tls");
  assert.equal(channelOptions({}, "wss://127.0.0.1:1", clock).transportSecurityPolicy, "require_tls");
  assert.equal(channelOptions({}, "ws://127.0.0.1:1", clock).transportSecurityPolicy, "allow_plaintext_for_loopback");
  assert.equal(channelOptions({ transportSecurityPolicy: "require_tls" }, "ws://127.0.0.1:1", clock).transportSecurityPolicy, "require_tls");
  assert.equal(channelOptions({}, "ws://localhost:5", clock).origin, "http://localhost:5");
});
