// A registry on a virtual clock: registrations, calls, presence, and each limit at its edge and one past it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Identity, PublicKey } from "../identity/index.js";
import { drain } from "../testing/intents.js";
import { encodeClientFrame, type ClientFrame } from "./frames.js";
import * as limits from "./limits.js";
import { RegistryMachine, type RegisterFrame, type RegistrySettings } from "./registry_machine.js";
import { ticketOf, type ChannelTicket } from "./ticket.js";

const keys = (await Promise.all(Array.from({ length: 4 }, () => Identity.generate()))).map(({ publicKey }) => publicKey);
const [registryKey, a, b, c] = keys as [PublicKey, PublicKey, PublicKey, PublicKey];
const ticket = (role: 1 | 2) =>
  ticketOf({ tunnel_url: "wss://t/ws", channel_id: "c", channel_init_expire_at_unix_s: 1, idle_timeout_seconds: 1, role, token: "t", allowed_suites: [1], default_suite: 1 }) as ChannelTicket;
const grants = { client: ticket(1), server: ticket(2) };

class Registry {
  readonly machine: RegistryMachine;
  now = 0;
  private last = 0;
  private names = 0;
  constructor(change: Partial<limits.RegistryLimits> = {}, settings: Partial<RegistrySettings> = {}) {
    this.machine = new RegistryMachine({
      keys: [registryKey], limits: { ...limits.registryDefaults, ...change }, workBits: undefined, random: (n) => new Uint8Array(n), name: () => `n${++this.names}`, hasRoom: () => true, ...settings,
    });
  }

  /** What it wants, in words: "1 challenge", "2 error replaced", "3 close 1008", "4 cut", "5 ping" for the WebSocket's. */
  said(): string[] {
    return drain(this.machine).map((intent) => {
      if (intent.want === "send") return `${intent.connection} ${intent.frame.type}${intent.frame.type === "error" ? ` ${intent.frame.code}` : intent.frame.type === "presence" ? ` ${intent.frame.online}` : ""}`;
      if (intent.want === "close") return `${intent.connection} close ${intent.code}`;
      if (intent.want === "cut") return `${intent.connection} cut`;
      return intent.want;
    });
  }

  arrive(address = "x"): string[] {
    if (!this.machine.arrived(++this.last, address, this.now)) return ["refused"];
    this.machine.opened(this.last, this.now);
    return this.said();
  }

  say(connection: number, frame: ClientFrame | string): string[] {
    this.machine.text(connection, typeof frame === "string" ? frame : encodeClientFrame(frame), this.now);
    return this.said();
  }

  frame(publicKey: PublicKey, change: Partial<RegisterFrame> = {}): RegisterFrame {
    return { type: "register", publicKey, registryKey, proof: new Uint8Array(32), instance: new Uint8Array(16).fill(this.last), replace: false, ...change };
  }

  /** A registered connection. */
  join(key: PublicKey, change: Partial<RegisterFrame> = {}, address = `of ${key.text}`): { id: number; said: string[] } {
    this.arrive(address);
    const frame = this.frame(key, change);
    assert.deepEqual(this.say(this.last, frame), ["verify"]);
    this.machine.verified(this.last, undefined, frame, this.now);
    return { id: this.last, said: this.said() };
  }

  pass(ms: number): string[] {
    this.now += ms;
    this.machine.advance(this.now);
    return this.said();
  }
}

const call = (rid: number, to: PublicKey): ClientFrame => ({ type: "call", rid, to, eph: c });

test("a challenge is used once, lapses after 10 s, and anything else before it ends the connection", () => {
  const registry = new Registry();
  assert.deepEqual(registry.arrive(), ["1 challenge"]);
  assert.deepEqual(registry.say(1, call(1, b)), ["1 error not_registered", "1 close 1008"]);
  registry.arrive();
  assert.deepEqual(registry.pass(9_999), []);
  assert.deepEqual(registry.pass(1), ["2 error challenge_expired", "2 close 1008"]);
  registry.arrive();
  assert.deepEqual(registry.say(3, registry.frame(a)), ["verify"]);
  assert.deepEqual(registry.say(3, registry.frame(a)), ["3 error invalid_frame", "3 close 1008"], "the second use of a challenge");
  registry.arrive();
  assert.deepEqual(registry.say(4, registry.frame(a, { registryKey: b })), ["4 error unknown_registry_key", "4 close 1008"]);
  registry.arrive();
  registry.say(5, registry.frame(a));
  registry.machine.verified(5, "proof_failed", registry.frame(a), registry.now);
  assert.deepEqual(registry.said(), ["5 error proof_failed", "5 close 1008"]);
  registry.pass(1000);
  registry.arrive();
  assert.deepEqual(registry.say(6, "{"), ["6 error invalid_frame", "6 close 1008"]);
  assert.equal(registry.machine.size, 0);
});

test("what a client says while its registration is judged is kept up to 16 384 bytes, and not one more", () => {
  const ping = JSON.stringify({ type: "ping", t: 1 });
  const rest = (bytes: number) => `{"type":"ä${"x".repeat(bytes - 13)}"}`;
  const left = limits.maxEarlyTextBytes - ping.length;
  assert.equal(new TextEncoder().encode(rest(left)).length, left, "bytes of UTF-8");
  const behind = (...texts: string[]) => {
    const registry = new Registry();
    registry.arrive();
    const frame = registry.frame(a);
    assert.deepEqual(registry.say(1, frame), ["verify"]);
    const before = texts.map((text) => registry.say(1, text)).flat();
    registry.machine.verified(1, undefined, frame, registry.now);
    const joined = registry.said();
    return { before, joined, later: registry.say(1, ping) };
  };
  assert.deepEqual(behind(ping, rest(left)), { before: [], joined: ["1 registered", "joined", "1 pong"], later: ["1 pong"] });
  assert.deepEqual(behind(ping, rest(left + 1)), { before: ["1 error not_registered", "1 close 1008"], joined: [], later: [] });
  assert.deepEqual(behind(ping, rest(left), ping).before, ["1 error not_registered", "1 close 1008"]);
  assert.deepEqual(behind(ping, "{").before, ["1 error invalid_frame", "1 close 1008"], "what is no frame waits for nothing");
});

test("what was said behind a registration that fails, or whose socket goes, is dropped; a key's time begins with its registration", () => {
  const registry = new Registry();
  const waiting = () => {
    registry.arrive(`${registry.now}`);
    const frame = registry.frame(a);
    assert.deepEqual(registry.say(registry.now + 1, frame), ["verify"]);
    assert.deepEqual(registry.say(registry.now + 1, { type: "watch", keys: [b] }), []);
    return frame;
  };
  registry.machine.verified(1, "proof_failed", waiting(), registry.now);
  assert.deepEqual(registry.said(), ["1 error proof_failed", "1 close 1008"]);
  registry.pass(1);
  const gone = waiting();
  registry.machine.closed(2);
  registry.machine.verified(2, undefined, gone, registry.now);
  assert.deepEqual([registry.said(), registry.machine.size], [[], 0]);
  registry.pass(1);
  waiting();
  assert.deepEqual(registry.pass(limits.silenceMs - 1), []);
  assert.deepEqual(registry.pass(1), ["3 cut"], "what waits is no sign of life");
});

test("a key that is in use is refused, taken over with replace, and silently by its own process", () => {
  const registry = new Registry();
  const instance = new Uint8Array(16);
  registry.join(a, { instance });
  assert.deepEqual(registry.join(a).said, ["2 error already_registered", "2 close 1008"]);
  assert.deepEqual(registry.join(a, { instance }).said, ["left", "1 close 1000", "3 registered", "joined"]);
  assert.deepEqual(registry.join(a, { replace: true }).said, ["3 error replaced", "left", "3 close 1008", "4 registered", "joined"]);
  assert.equal(registry.machine.size, 1);
});

test("an address registers four times at once and four times a second; beyond that it is refused, or works", () => {
  const registry = new Registry();
  for (let i = 1; i <= 4; i++) assert.deepEqual(registry.arrive(), [`${i} challenge`]);
  assert.deepEqual(registry.arrive(), ["refused"], "before anything is computed for it");
  assert.deepEqual(registry.arrive("another"), ["6 challenge"]);
  registry.pass(249);
  assert.deepEqual(registry.arrive(), ["refused"]);
  registry.pass(1);
  assert.deepEqual(registry.arrive(), ["8 challenge"]);
  const working = new Registry({ registrationBurst: 1 }, { workBits: 16 });
  working.arrive();
  working.arrive();
  assert.deepEqual(working.say(2, working.frame(a)), ["2 error pow_required", "2 close 1008"]);
  working.arrive();
  assert.deepEqual(working.pass(10_000), ["1 error challenge_expired", "1 close 1008"], "with work it is 30 s");
  assert.deepEqual(working.pass(20_000), ["3 error challenge_expired", "3 close 1008"]);
});

test("eight unregistered connections of an address, a ninth is refused; of all the oldest makes room", () => {
  const registry = new Registry({ registrationBurst: 100, maxUnregistered: 9 });
  for (let i = 0; i < 8; i++) assert.notDeepEqual(registry.arrive(), ["refused"]);
  assert.deepEqual(registry.arrive(), ["refused"]);
  assert.deepEqual(registry.arrive("y"), ["10 challenge"]);
  assert.deepEqual(registry.arrive("z"), ["1 cut", "11 challenge"]);
});

test("as many keys as there may be, and no more", () => {
  const registry = new Registry({ maxKeys: 2 });
  registry.join(a);
  registry.join(b);
  assert.deepEqual(registry.join(c).said, ["3 error rate_limited", "3 close 1008"]);
  registry.machine.closed(1);
  assert.deepEqual(registry.said(), ["left"]);
  assert.deepEqual(registry.join(c).said, ["4 registered", "joined"]);
});

test("silence of 60 s ends a connection, and every frame counts; one ping is in between, of ours and of the WebSocket", () => {
  const registry = new Registry();
  registry.join(a);
  assert.deepEqual(registry.pass(24_999), []);
  assert.deepEqual(registry.pass(1), ["1 ping", "ping"]);
  assert.deepEqual(registry.pass(34_999), []);
  assert.deepEqual(registry.say(1, { type: "pong", t: 25_000 }), []);
  assert.deepEqual([registry.pass(25_000), registry.pass(25_000), registry.pass(9_999)], [["1 ping", "ping"], [], []]);
  registry.machine.heard(1, registry.now);
  assert.deepEqual(registry.pass(1), ["left", "1 cut"], "what its WebSocket answers is no frame");
});

test("a call: offered, accepted, granted; and nothing of it is left", () => {
  const registry = new Registry();
  registry.join(a);
  registry.join(b);
  assert.deepEqual(registry.say(1, call(1, b)), ["mint"]);
  registry.machine.calls.minted("n3", grants);
  assert.deepEqual(registry.said(), ["2 incoming"]);
  assert.deepEqual(registry.say(1, { type: "accept", callId: "n3", eph: c }), [], "it is the callee's to accept");
  assert.deepEqual(registry.say(2, { type: "accept", callId: "n3", eph: c }), ["1 grant"]);
  assert.deepEqual(registry.say(2, { type: "accept", callId: "n3", eph: c }), []);
  assert.equal(registry.machine.calls.size, 0);
});

test("absent, declining, denied, silent and gone recipients: one code, at the same moment", () => {
  for (const how of ["absent", "declined", "denied", "silent", "gone"] as const) {
    const registry = new Registry();
    registry.join(a);
    if (how !== "absent") registry.join(b);
    assert.deepEqual(registry.say(1, call(1, b)), ["mint"], "the work is the same for all");
    const callId = how === "absent" ? "n2" : "n3";
    registry.machine.calls.minted(callId, how === "denied" ? undefined : grants);
    if (how === "declined") registry.say(2, { type: "decline", callId });
    if (how === "gone") registry.machine.closed(2);
    registry.said();
    assert.deepEqual(registry.pass(19_999), [], how);
    assert.deepEqual(registry.pass(1), [...(how === "silent" ? ["2 cancelled"] : []), "1 error recipient_unavailable"], how);
  }
});

test("a caller that cancels, or leaves, takes its call back", () => {
  for (const leaves of [false, true]) {
    const registry = new Registry();
    registry.join(a);
    registry.join(b);
    registry.say(1, call(1, b));
    registry.machine.calls.minted("n3", grants);
    registry.said();
    if (leaves) registry.machine.closed(1);
    assert.ok((leaves ? registry.said() : registry.say(1, { type: "cancel", rid: 1 })).includes("2 cancelled"));
    assert.deepEqual(registry.say(2, { type: "accept", callId: "n3", eph: c }), []);
  }
});

test("eight open calls of a key, twenty in a minute, and ids that rise", () => {
  const registry = new Registry();
  registry.join(a);
  for (let rid = 1; rid <= 8; rid++) assert.deepEqual(registry.say(1, call(rid, b)), ["mint"]);
  assert.deepEqual(registry.say(1, call(9, b)), ["1 error rate_limited"]);
  assert.deepEqual(registry.say(1, call(10, a)), ["1 error invalid_frame"], "a call of oneself is none");
  for (let rid = 1; rid <= 8; rid++) registry.say(1, { type: "cancel", rid });
  let rid = 11;
  for (let i = 0; i < 12; i++, rid++) {
    assert.deepEqual(registry.say(1, call(rid, b)), ["mint"]);
    registry.say(1, { type: "cancel", rid });
  }
  assert.deepEqual(registry.say(1, call(rid++, b)), ["1 error rate_limited"]);
  registry.pass(3_000);
  assert.deepEqual(registry.say(1, call(rid++, b)), ["mint"]);
  assert.deepEqual(registry.say(1, `{"type":"call","rid":${rid},"to":"x"}`), ["1 error invalid_frame"], "a bad call ends nothing else");
  assert.deepEqual(registry.say(1, call(9, b)), ["1 error invalid_frame", "left", "1 close 1008"], "9 was used");
});

test("presence is for those who watch each other", () => {
  const registry = new Registry();
  registry.join(a);
  registry.join(b);
  assert.deepEqual(registry.say(1, { type: "watch", keys: [b] }), ["1 presence false"]);
  assert.deepEqual(registry.say(2, { type: "watch", keys: [a] }), ["2 presence true", "1 presence true"]);
  assert.deepEqual(registry.say(2, { type: "unwatch", keys: [a] }), ["1 presence false"]);
  registry.say(2, { type: "watch", keys: [a] });
  registry.machine.closed(2);
  assert.deepEqual(registry.said(), ["1 presence false", "left"]);
});

test("of nine keys eight are offered, and all are accepted", async () => {
  const nine = (await Promise.all(Array.from({ length: 9 }, () => Identity.generate()))).map(({ publicKey }) => publicKey);
  const registry = new Registry({}, { keys: nine });
  registry.machine.arrived(1, "x", 0);
  registry.machine.opened(1, 0);
  const [challenge] = drain(registry.machine);
  assert.ok(challenge?.want === "send" && challenge.frame.type === "challenge");
  assert.deepEqual(challenge.frame.registryKeys, nine.slice(0, limits.maxRegistryKeys));
  assert.deepEqual(registry.say(1, registry.frame(a, { registryKey: nine[8] as PublicKey })), ["verify"]);
});

test("64 keys are watched, one more is refused", () => {
  const registry = new Registry();
  registry.join(a);
  const many = Array.from({ length: limits.maxWatchedKeys + 1 }, (_, i) => PublicKey.fromBytes(new Uint8Array(32).fill(9 + i, 0, 1)));
  assert.equal(registry.say(1, { type: "watch", keys: many.slice(1) }).length, limits.maxWatchedKeys);
  assert.equal(registry.say(1, { type: "watch", keys: many.slice(1) }).length, limits.maxWatchedKeys, "those that are watched already are no more");
  assert.deepEqual(registry.say(1, { type: "watch", keys: many.slice(0, 1) }), ["1 error rate_limited"], "and nothing else comes of it");
  assert.deepEqual(registry.say(1, { type: "watch", keys: [a] }), ["1 error rate_limited"], "the own key counts as any other");
  registry.say(1, { type: "unwatch", keys: many.slice(1, 2) });
  assert.deepEqual(registry.say(1, { type: "watch", keys: many.slice(0, 2) }), ["1 error rate_limited"], "all of them, or none");
  assert.deepEqual(registry.say(1, { type: "watch", keys: Array.from({ length: 64 }, () => many[0] as PublicKey) }), ["1 presence false"], "equal keys count once");
});

test("64 calls to a key ring; one more silences the oldest", () => {
  const registry = new Registry({ maxOpenCalls: 100, callsPerMinute: 100, maxRingingCalls: 2 });
  assert.equal(limits.registryDefaults.maxRingingCalls, 64);
  registry.join(a);
  registry.join(b);
  const ring = (rid: number) => {
    registry.say(1, call(rid, b));
    registry.machine.calls.minted(`n${rid + 2}`, grants);
    return registry.said();
  };
  assert.deepEqual([ring(1), ring(2)], [["2 incoming"], ["2 incoming"]]);
  assert.deepEqual(ring(3), ["2 cancelled", "2 incoming"]);
  assert.deepEqual(registry.say(2, { type: "accept", callId: "n3", eph: c }), []);
  assert.deepEqual(registry.say(2, { type: "decline", callId: "n4" }), []);
  assert.deepEqual(ring(4), ["2 incoming"], "there is room again");
  assert.deepEqual(registry.pass(20_000), ["1 error recipient_unavailable", "1 error recipient_unavailable", "2 cancelled", "1 error recipient_unavailable", "2 cancelled", "1 error recipient_unavailable"]);
});

test("at the end everybody is told", () => {
  const registry = new Registry();
  registry.join(a);
  registry.arrive();
  registry.machine.shutDown();
  assert.deepEqual(registry.said(), ["1 error shutting_down", "left", "1 close 1001", "2 error shutting_down", "2 close 1001"]);
});
