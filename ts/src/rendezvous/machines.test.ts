// Registration, and channels to a contact, on a virtual clock.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Identity, PublicKey } from "../identity/index.js";
import { drain } from "../testing/intents.js";
import { encodeServerFrame, type ServerFrame } from "./frames.js";
import * as limits from "./limits.js";
import { PeerMachine, type PeerIntent } from "./peer_machine.js";
import { RegistrationMachine, type RegistrationIntent } from "./registration_machine.js";

const [own, registry, older, stranger] = (await Promise.all(Array.from({ length: 4 }, () => Identity.generate()))).map(({ publicKey }) => publicKey) as [PublicKey, PublicKey, PublicKey, PublicKey];

// ---- registration

const challenge = new Uint8Array(32).fill(1);
const asked = (change: Partial<ServerFrame & { type: "challenge" }> = {}) =>
  encodeServerFrame({ type: "challenge", registryKeys: [registry], challenge, expiresInS: 10, ...change });
const welcome = (key = own) => encodeServerFrame({ type: "registered", publicKey: key, session: "s", keepAliveS: 25 });

function registration(): { machine: RegistrationMachine; said(text: string, at?: number): RegistrationIntent[] } {
  const machine = new RegistrationMachine({ publicKey: own, pins: [older, registry], instance: new Uint8Array(16), replace: false, timeoutMs: 10_000 }, 0);
  return {
    machine,
    said(text, at = 0) {
      machine.text(text, at);
      return drain(machine);
    },
  };
}

function registered(): ReturnType<typeof registration> {
  const all = registration();
  all.said(asked());
  all.machine.proved(new Uint8Array(32), undefined, 0);
  all.said(welcome());
  return all;
}

test("registration: the first offered key that is pinned is used, and the proof leaves once", () => {
  const { machine, said } = registration();
  const [prove] = said(asked({ registryKeys: [stranger, older, registry] }));
  assert.ok(prove?.want === "prove" && prove.registryKey.equals(older) && prove.workBits === 0);
  machine.proved(new Uint8Array(32), undefined, 5);
  machine.proved(new Uint8Array(32), undefined, 5);
  const sent = drain(machine);
  assert.equal(sent.length, 1);
  assert.ok(sent[0]?.want === "send" && sent[0].frame.type === "register" && sent[0].frame.registryKey.equals(older));
  assert.deepEqual(said(welcome()), [{ want: "registered", session: "s" }]);
  assert.ok(machine.isRegistered);
});

test("registration: with no pinned key nothing is said", () => {
  assert.deepEqual(registration().said(asked({ registryKeys: [stranger] })), [{ want: "fail", code: "unpinned_registry" }]);
});

test("registration: 20 bits of work are done, 21 are refused", () => {
  const [prove] = registration().said(asked({ workBits: 20 }));
  assert.ok(prove?.want === "prove" && prove.workBits === 20);
  assert.deepEqual(registration().said(asked({ workBits: 21 })), [{ want: "fail", code: "too_much_work" }]);
});

test("registration: each step has its time, and computing the proof has none", () => {
  const { machine, said } = registration();
  machine.advance(9_999);
  assert.deepEqual(drain(machine), []);
  said(asked(), 9_999);
  assert.equal(machine.deadline, undefined);
  machine.proved(new Uint8Array(32), undefined, 50_000);
  drain(machine);
  assert.equal(machine.deadline, 60_000);
  machine.advance(60_000);
  assert.deepEqual(drain(machine), [{ want: "fail", code: "registration_timeout" }]);
  assert.deepEqual(said(welcome()), [], "what comes afterwards changes nothing");
});

test("registration: frames out of turn, for another key, or of no form end it", () => {
  const ping = encodeServerFrame({ type: "presence", key: stranger, online: true });
  for (const text of [welcome(), ping, "{", "[]", '{"type":"challenge"}', '{"type":1}', encodeServerFrame({ type: "cancelled", callId: "x" })]) {
    assert.deepEqual(registration().said(text), [{ want: "fail", code: "invalid_frame" }], text);
  }
  const { machine, said } = registration();
  said(asked());
  assert.deepEqual(said(asked()), [{ want: "fail", code: "invalid_frame" }]);
  const other = registration();
  other.said(asked());
  other.machine.proved(new Uint8Array(32), undefined, 0);
  drain(other.machine);
  assert.deepEqual(other.said(welcome(stranger)), [{ want: "fail", code: "invalid_frame" }]);
  assert.deepEqual(registration().said('{"type":"of the future"}'), []);
  assert.ok(!machine.isRegistered);
});

test("registration: every error before it ends it with its code, afterwards a fatal one does", () => {
  for (const code of ["already_registered", "proof_failed", "rate_limited", "shutting_down"] as const) {
    assert.deepEqual(registration().said(encodeServerFrame({ type: "error", code, fatal: false })), [{ want: "fail", code }]);
  }
  const { said } = registered();
  const refusal = encodeServerFrame({ type: "error", code: "recipient_unavailable", rid: 3, fatal: false });
  assert.deepEqual(said(refusal).map(({ want }) => want), ["call"]);
  assert.deepEqual(said('{"type":"error","code":"of the future","fatal":true}'), [{ want: "fail", code: "refused" }]);
});

test("registration: a ping before it is not answered", () => {
  const { machine, said } = registration();
  assert.deepEqual(said('{"type":"ping","t":9}'), []);
  said(asked());
  assert.deepEqual(said('{"type":"ping","t":9}'), []);
  machine.proved(new Uint8Array(32), undefined, 0);
  drain(machine);
  assert.deepEqual(said('{"type":"ping","t":9}'), []);
  assert.deepEqual(said(welcome()), [{ want: "registered", session: "s" }]);
});

test("registration: a ping every 25 s, an answer to each, and the end after 60 s of silence", () => {
  const { machine, said } = registered();
  machine.advance(24_999);
  assert.deepEqual(drain(machine), []);
  machine.advance(25_000);
  assert.deepEqual(drain(machine), [{ want: "send", frame: { type: "ping", t: 25_000 } }]);
  assert.deepEqual(said('{"type":"ping","t":9}', 40_000), [{ want: "send", frame: { type: "pong", t: 9 } }]);
  machine.advance(99_999);
  drain(machine);
  machine.advance(100_000);
  assert.deepEqual(drain(machine), [{ want: "fail", code: "connection_lost" }]);
});

test("registration: a registry cannot ask for pings more often than every 5 s, nor for fewer than every 25 s", () => {
  for (const [keepAliveS, everyMs] of [[1, 5_000], [5, 5_000], [6, 6_000], [25, 25_000], [3_600, 25_000]] as const) {
    const { machine, said } = registration();
    said(asked());
    machine.proved(new Uint8Array(32), undefined, 0);
    said(encodeServerFrame({ type: "registered", publicKey: own, session: "s", keepAliveS }));
    assert.equal(machine.deadline, everyMs);
  }
});

// ---- channels

function peer(wins = true, settings = {}): { machine: PeerMachine; does(act: (machine: PeerMachine) => void): PeerIntent[] } {
  const machine = new PeerMachine(wins, { initialDelayMs: 100, maxDelayMs: 100, jitterRatio: 0, maxAttempts: 3, ...settings }, () => 0.5);
  const does = (act: (machine: PeerMachine) => void) => {
    act(machine);
    return drain(machine).filter(({ want }) => want !== "state");
  };
  return { machine, does };
}

test("a channel: prepare, call every registry, the first grant wins and the others are cancelled", () => {
  const { machine, does } = peer();
  machine.available([0, 1], 0);
  assert.deepEqual(does((m) => m.need(0)), [{ want: "prepare", link: 1 }]);
  assert.deepEqual(does((m) => m.need(0)), [], "once");
  assert.deepEqual(does((m) => m.prepared(1, 0)), [{ want: "call", link: 1, registry: 0 }, { want: "call", link: 1, registry: 1 }]);
  assert.deepEqual(does((m) => m.granted(1, 1)), [{ want: "cancel", link: 1, registry: 0 }, { want: "join", link: 1 }]);
  assert.deepEqual(does((m) => m.granted(1, 0)), []);
  assert.deepEqual(does((m) => m.joined(1, 0)), [{ want: "up", link: 1 }]);
  assert.equal(machine.state, "open");
  assert.ok(machine.isCaller);
});

test("a call waits for a registry, and goes to one that comes later", () => {
  const { does } = peer();
  does((m) => m.need(0));
  assert.deepEqual(does((m) => m.prepared(1, 0)), []);
  assert.deepEqual(does((m) => m.advance(1_000_000)), []);
  assert.deepEqual(does((m) => m.available([2], 5)), [{ want: "call", link: 1, registry: 2 }]);
  assert.deepEqual(does((m) => m.available([], 6)), []);
  assert.deepEqual(does((m) => m.available([2], 7)), [{ want: "call", link: 1, registry: 2 }]);
});

test("a call fails when the last registry refuses, with what says more than absence", () => {
  for (const [first, last, code] of [
    ["recipient_unavailable", "recipient_unavailable", "recipient_unavailable"], ["recipient_unavailable", "rate_limited", "rate_limited"], ["rate_limited", "recipient_unavailable", "rate_limited"],
  ] as const) {
    const { machine, does } = peer(true, { enabled: false });
    machine.available([0, 1], 0);
    does((m) => m.need(0));
    does((m) => m.prepared(1, 0));
    assert.deepEqual(does((m) => m.refused(1, 0, first, 1)), []);
    assert.deepEqual(does((m) => m.refused(1, 0, first, 1)), [], "again says nothing new");
    assert.deepEqual(does((m) => m.refused(1, 1, last, 2)), [{ want: "drop", link: 1 }, { want: "failed", code }]);
    assert.equal(machine.state, "closed");
  }
});

test("a call that a registry says nothing of for 25 s is no_answer, and made again as often as calls may be", () => {
  const { machine, does } = peer();
  machine.available([0, 1], 0);
  does((m) => m.need(0));
  let nowMs = 0;
  for (const link of [1, 2, 3]) {
    does((m) => m.prepared(link, nowMs));
    does((m) => m.refused(link, 0, "recipient_unavailable", nowMs + 1));
    assert.deepEqual(does((m) => m.advance(nowMs + 24_999)), []);
    const over = [{ want: "cancel", link, registry: 1 }, { want: "drop", link }];
    assert.deepEqual(does((m) => m.advance(nowMs + 25_000)), link < 3 ? over : [...over, { want: "failed", code: "no_answer" }]);
    assert.equal(machine.state, link < 3 ? "waiting" : "closed");
    nowMs += 25_100;
    if (link < 3) assert.deepEqual(does((m) => m.advance(nowMs)), [{ want: "prepare", link: link + 1 }]);
  }
});

const offer = { registry: 0, callId: "c" };

test("a call of theirs is answered at once when we do not call", () => {
  const { machine, does } = peer();
  assert.deepEqual(does((m) => m.incoming(offer, 0)), [{ want: "answer", link: 1, offer }]);
  does((m) => m.joined(1, 0));
  assert.ok(!machine.isCaller);
  const next = { registry: 0, callId: "d" };
  assert.deepEqual(does((m) => m.incoming(next, 1)), [{ want: "answer", link: 2, offer: next }], "they have lost the channel");
  assert.deepEqual(does((m) => m.joined(2, 0)), [{ want: "down" }, { want: "drop", link: 1 }, { want: "up", link: 2 }]);
});

test("both call: the larger key cancels its own; the smaller one waits 2 s before it gives in", () => {
  const larger = peer(false);
  larger.machine.available([0], 0);
  larger.does((m) => m.need(0));
  larger.does((m) => m.prepared(1, 0));
  assert.deepEqual(larger.does((m) => m.incoming(offer, 0)), [{ want: "cancel", link: 1, registry: 0 }, { want: "drop", link: 1 }, { want: "answer", link: 2, offer }]);

  for (const end of ["cancelled", "late", "refused"] as const) {
    const smaller = peer(true);
    smaller.machine.available([0], 0);
    smaller.does((m) => m.need(0));
    smaller.does((m) => m.prepared(1, 0));
    assert.deepEqual(smaller.does((m) => m.incoming(offer, 10)), []);
    assert.deepEqual(smaller.does((m) => m.advance(10 + limits.glareWaitMs - 1)), []);
    if (end === "cancelled") {
      smaller.does((m) => m.cancelled(offer));
      assert.deepEqual(smaller.does((m) => m.advance(10 + limits.glareWaitMs)), []);
    } else if (end === "late") {
      assert.deepEqual(smaller.does((m) => m.advance(10 + limits.glareWaitMs)), [{ want: "cancel", link: 1, registry: 0 }, { want: "drop", link: 1 }, { want: "answer", link: 2, offer }]);
    } else assert.deepEqual(smaller.does((m) => m.refused(1, 0, "recipient_unavailable", 20)), [{ want: "drop", link: 1 }, { want: "answer", link: 2, offer }]);
  }
});

test("a lost channel: the caller calls again with growing waits, the callee gives it 10 s more", () => {
  const { machine, does } = peer(true);
  machine.available([0], 0);
  does((m) => m.need(0));
  does((m) => m.prepared(1, 0));
  does((m) => m.granted(1, 0));
  does((m) => m.joined(1, 0));
  assert.deepEqual(does((m) => m.lost(1, true, 1_000)), [{ want: "down" }, { want: "drop", link: 1 }]);
  assert.equal(machine.state, "waiting");
  assert.equal(machine.deadline, 1_100);
  assert.deepEqual(does((m) => m.advance(1_100)), [{ want: "prepare", link: 2 }]);
  does((m) => m.prepared(2, 1_100));
  // Absent: it may be about to come back.
  assert.deepEqual(does((m) => m.refused(2, 0, "recipient_unavailable", 1_200)), [{ want: "drop", link: 2 }]);
  assert.equal(machine.state, "waiting");
  assert.deepEqual(does((m) => m.presence(1, true, 1_250)), [{ want: "prepare", link: 3 }], "and it is back");
  does((m) => m.prepared(3, 1_250));
  assert.deepEqual(does((m) => m.refused(3, 0, "recipient_unavailable", 1_300)), [{ want: "drop", link: 3 }, { want: "failed", code: "recipient_unavailable" }], "the third failure of three");

  const callee = peer(true);
  callee.does((m) => m.incoming(offer, 0));
  callee.does((m) => m.joined(1, 0));
  callee.does((m) => m.lost(1, true, 0));
  assert.equal(callee.machine.deadline, limits.calleeWaitMs + 100);
  callee.does((m) => m.need(1));
  assert.equal(callee.machine.state, "waiting");
  const idle = peer(true);
  idle.does((m) => m.incoming(offer, 0));
  idle.does((m) => m.joined(1, 0));
  idle.does((m) => m.lost(1, false, 0));
  assert.equal(idle.machine.state, "closed");
});

test("calls that may not be repeated are made once", () => {
  const { machine, does } = peer(true, { enabled: false });
  machine.available([0], 0);
  does((m) => m.need(0));
  does((m) => m.prepared(1, 0));
  assert.deepEqual(does((m) => m.refused(1, 0, "rate_limited", 1)), [{ want: "drop", link: 1 }, { want: "failed", code: "rate_limited" }]);
  assert.equal(machine.deadline, undefined);
});

test("who was seen and has left fails at once; who was never seen is called", () => {
  const { machine, does } = peer();
  machine.available([0], 0);
  does((m) => m.presence(0, false, 0));
  assert.deepEqual(does((m) => m.need(0)), [{ want: "prepare", link: 1 }]);
  const seen = peer();
  seen.machine.available([0], 0);
  seen.does((m) => m.presence(0, true, 0));
  seen.does((m) => m.presence(0, false, 0));
  assert.deepEqual(seen.does((m) => m.need(0)), [{ want: "failed", code: "offline" }]);
  seen.does((m) => m.available([], 0));
  assert.deepEqual(seen.does((m) => m.need(0)), [{ want: "prepare", link: 1 }], "nothing is known without a registry");
});

test("who comes while it is called is called anew, once for each call", () => {
  const { machine, does } = peer();
  machine.available([0, 1], 0);
  does((m) => m.need(0));
  does((m) => m.prepared(1, 0));
  assert.deepEqual(does((m) => m.presence(0, true, 1)), [], "the first that is heard: it has been rung");
  does((m) => m.presence(1, false, 1));
  assert.equal(machine.deadline, limits.callTimeoutMs);
  does((m) => m.presence(1, true, 1));
  does((m) => m.presence(1, false, 2));
  assert.equal(machine.deadline, limits.callTimeoutMs, "gone again");
  assert.deepEqual(does((m) => m.presence(1, true, 1_000)), []);
  assert.equal(machine.deadline, 1_000 + limits.arrivalWaitMs, "it may have been rung before it was seen");
  assert.deepEqual(does((m) => m.advance(1_000 + limits.arrivalWaitMs)), [
    { want: "cancel", link: 1, registry: 1 },
    { want: "call", link: 1, registry: 1 },
  ]);
  for (const online of [false, true]) does((m) => m.presence(1, online, 2_500));
  assert.equal(machine.deadline, 1_000 + limits.arrivalWaitMs + limits.callTimeoutMs, "a registry says what it likes");
  does((m) => m.refused(1, 0, "recipient_unavailable", 3_000));
  for (const online of [false, true]) does((m) => m.presence(0, online, 3_000));
  assert.deepEqual(does((m) => m.advance(3_000 + limits.arrivalWaitMs)), [], "it has answered");
});

test("a registry that is back begins anew with whom it misses", () => {
  const { machine, does } = peer();
  machine.available([0], 0);
  does((m) => m.need(0));
  does((m) => m.prepared(1, 0));
  for (const [online, atMs] of [[false, 1], [true, 1_000]] as const) does((m) => m.presence(0, online, atMs));
  does((m) => m.available([], 1_500));
  assert.equal(machine.deadline, undefined);
  assert.deepEqual(does((m) => m.available([0], 3_000)), [{ want: "call", link: 1, registry: 0 }]);
  assert.equal(machine.deadline, 3_000 + limits.callTimeoutMs);
  for (const [online, atMs] of [[false, 3_000], [true, 4_000]] as const) does((m) => m.presence(0, online, atMs));
  assert.deepEqual(does((m) => m.advance(4_000 + limits.arrivalWaitMs)), [
    { want: "cancel", link: 1, registry: 0 },
    { want: "call", link: 1, registry: 0 },
  ]);
});

test("one registry of two cannot say that a contact has left", () => {
  const { machine, does } = peer();
  machine.available([0, 1], 0);
  for (const online of [true, false]) does((m) => m.presence(1, online, 0));
  assert.deepEqual(does((m) => m.need(0)), [{ want: "prepare", link: 1 }]);
  const both = peer();
  both.machine.available([0, 1], 0);
  for (const registry of [0, 1]) for (const online of [true, false]) both.does((m) => m.presence(registry, online, 0));
  assert.deepEqual(both.does((m) => m.need(0)), [{ want: "failed", code: "offline" }]);
  both.does((m) => m.available([1], 0));
  assert.deepEqual(both.does((m) => m.need(0)), [{ want: "failed", code: "offline" }]);
});

test("a registry whose grant led to no channel is asked when the others have refused", () => {
  const { machine, does } = peer();
  machine.available([0, 1], 0);
  does((m) => m.need(0));
  does((m) => m.prepared(1, 0));
  does((m) => m.granted(1, 1));
  does((m) => m.joinFailed(1, "channel_failed", 0));
  does((m) => m.advance(100));
  assert.deepEqual(does((m) => m.prepared(2, 100)), [{ want: "call", link: 2, registry: 0 }]);
  assert.deepEqual(does((m) => m.refused(2, 0, "recipient_unavailable", 100)), [{ want: "call", link: 2, registry: 1 }]);
  does((m) => m.granted(2, 1));
  does((m) => m.joinFailed(2, "channel_failed", 100));
  machine.available([1], 200);
  does((m) => m.advance(200));
  assert.deepEqual(does((m) => m.prepared(3, 200)), [{ want: "call", link: 3, registry: 1 }], "there is no other one");
});

test("channels that do not last use up the attempts; one of 10 s begins a new round", () => {
  for (const [lastsMs, failures] of [[limits.settledChannelMs - 1, 3], [limits.settledChannelMs, undefined]] as const) {
    const { machine, does } = peer();
    machine.available([0], 0);
    does((m) => m.need(0));
    let failed: number | undefined;
    for (let link = 1, now = 0; link <= 6 && failed === undefined; link++) {
      does((m) => m.prepared(link, now));
      does((m) => m.granted(link, 0));
      does((m) => m.joined(link, now));
      now += lastsMs;
      if (does((m) => m.lost(link, true, now)).some(({ want }) => want === "failed")) failed = link;
      does((m) => m.advance((now += 100)));
    }
    assert.equal(failed, failures);
  }
});

test("an attempt that fails is tried again until there were enough, and what comes late is dropped", () => {
  const { machine, does } = peer();
  machine.available([0], 0);
  does((m) => m.need(0));
  for (const link of [1, 2, 3]) {
    does((m) => m.prepared(link, 0));
    does((m) => m.granted(link, 0));
    const rest = does((m) => m.joinFailed(link, "channel_failed", link * 1000));
    assert.deepEqual(rest, [{ want: "drop", link }, ...(link === 3 ? [{ want: "failed", code: "channel_failed" }] : [])]);
    does((m) => m.advance(link * 1000 + 100));
  }
  assert.deepEqual(does((m) => m.joined(3, 0)), [{ want: "drop", link: 3 }]);
  assert.throws(() => peer(true, { maxAttempts: 0 }), { code: "invalid_option" });
});
