// Channels to a contact when registries lie or are gone, and when channels end in other ways, on a virtual clock. The rest is in machines.test.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { drain } from "../testing/intents.js";
import * as limits from "./limits.js";
import { PeerMachine, type PeerIntent } from "./peer_machine.js";

function peer(wins = true, settings = {}): { machine: PeerMachine; does(act: (machine: PeerMachine) => void): PeerIntent[] } {
  const machine = new PeerMachine(wins, { initialDelayMs: 100, maxDelayMs: 100, jitterRatio: 0, maxAttempts: 3, ...settings }, () => 0.5);
  const does = (act: (machine: PeerMachine) => void) => {
    act(machine);
    return drain(machine).filter(({ want }) => want !== "state");
  };
  return { machine, does };
}

test("channels on which nothing was heard of what was said use up the attempts however long they lasted, until something new is said on one that lasts", () => {
  const { machine, does } = peer();
  machine.available([0], 0);
  does((m) => m.need(0, true));
  const round = (link: number, now: number) => {
    does((m) => m.prepared(link, now));
    does((m) => m.granted(link, 0));
    does((m) => m.joined(link, now));
  };
  for (const link of [1, 2, 3, 4, 5]) {
    const now = link * 100_000;
    round(link, now);
    if (link === 2) does((m) => m.need(now + limits.settledChannelMs - 1, true));
    if (link === 3) does((m) => m.need(now + limits.settledChannelMs, true));
    if (link === 4) does((m) => m.need(now + limits.settledChannelMs));
    const rest = does((m) => m.lost(link, true, now + limits.ackTimeoutMs, "silent"));
    assert.deepEqual(rest, [{ want: "down" }, { want: "drop", link }, ...(link === 5 ? [{ want: "failed", code: "channel_lost" }] : [])]);
    does((m) => m.advance(now + limits.ackTimeoutMs + 100));
  }
});

/** A channel that we called for. */
function opened(registries: readonly number[] = [0], settings = {}): ReturnType<typeof peer> {
  const all = peer(true, settings);
  all.machine.available(registries, 0);
  all.does((m) => m.need(0));
  all.does((m) => m.prepared(1, 0));
  all.does((m) => m.granted(1, 0));
  all.does((m) => m.joined(1, 0));
  return all;
}

test("without a registry, and with none that is tried, nothing is tried: at once, or when what there is ends", () => {
  const waiting = opened();
  waiting.does((m) => m.lost(1, true, 50_000));
  assert.deepEqual(waiting.does((m) => m.available([], 50_001, true)), [{ want: "failed", code: "no_registry" }]);
  assert.deepEqual([waiting.machine.state, waiting.machine.deadline], ["closed", undefined]);
  assert.deepEqual(waiting.does((m) => m.need(50_002)), [{ want: "failed", code: "no_registry" }]);
  waiting.does((m) => m.available([], 50_003));
  assert.deepEqual(waiting.does((m) => m.need(50_003)), [{ want: "prepare", link: 2 }], "there may be one again");
  waiting.does((m) => m.available([0], 50_004));
  assert.deepEqual(waiting.does((m) => m.available([], 50_005, true)), [{ want: "drop", link: 2 }, { want: "failed", code: "no_registry" }], "before the key was made");
  assert.deepEqual(waiting.does((m) => m.prepared(2, 50_006)), []);

  const open = opened();
  assert.deepEqual(open.does((m) => m.available([], 1, true)), [], "a channel lives on");
  assert.deepEqual(open.does((m) => m.need(2)), []);
  assert.deepEqual(open.does((m) => m.lost(1, true, 50_000)), [{ want: "down" }, { want: "drop", link: 1 }, { want: "failed", code: "no_registry" }]);
  assert.deepEqual([open.machine.state, open.machine.deadline], ["closed", undefined]);

  for (const end of ["joined", "failed"] as const) {
    const joining = opened();
    joining.does((m) => m.lost(1, true, 50_000));
    joining.does((m) => m.advance(50_100));
    joining.does((m) => m.prepared(2, 50_100));
    joining.does((m) => m.granted(2, 0));
    assert.deepEqual(joining.does((m) => m.available([], 50_101, true)), [], "a channel that is being joined needs no registry");
    if (end === "joined") assert.deepEqual(joining.does((m) => m.joined(2, 50_102)), [{ want: "up", link: 2 }]);
    else assert.deepEqual(joining.does((m) => m.joinFailed(2, "channel_failed", 50_102)), [{ want: "drop", link: 2 }, { want: "failed", code: "no_registry" }]);
  }
});

const offerOf = (registry: number, callId = `c${registry}`) => ({ registry, callId });

for (const wins of [true, false]) {
  test(`a registry that claims calls of theirs ends ours at itself only, with the ${wins ? "smaller" : "larger"} key`, () => {
    const { machine, does } = peer(wins);
    machine.available([0, 1], 0);
    does((m) => m.need(0));
    does((m) => m.prepared(1, 0));
    const answer = [{ want: "cancel", link: 1, registry: 1 }, { want: "answer", link: 2, offer: offerOf(1) }];
    assert.deepEqual(does((m) => m.incoming(offerOf(1), 10)), wins ? [] : answer);
    if (wins) assert.deepEqual(does((m) => m.advance(10 + limits.glareWaitMs)), answer);
    assert.deepEqual(does((m) => m.granted(1, 0)), [{ want: "join", link: 1 }]);
    assert.deepEqual(does((m) => m.joined(1, 5_000)), [{ want: "drop", link: 2 }, { want: "up", link: 1 }]);
    assert.equal(machine.deadline, undefined);
  });

  test(`what a registry claims costs us no attempt while we call at another one, with the ${wins ? "smaller" : "larger"} key`, () => {
    const { machine, does } = peer(wins);
    machine.available([0, 1], 0);
    does((m) => m.need(0));
    does((m) => m.prepared(1, 0));
    for (let n = 1; n <= 5; n++) {
      const now = n * 4_000;
      does((m) => m.incoming(offerOf(1, `forged ${n}`), now));
      does((m) => m.advance(now + limits.glareWaitMs));
      assert.deepEqual(does((m) => m.joinFailed(n + 1, "channel_failed", now + 3_000)), [{ want: "drop", link: n + 1 }]);
      assert.equal(machine.state, "calling");
    }
    assert.deepEqual(does((m) => m.granted(1, 0)), [{ want: "join", link: 1 }]);
  });

  test(`a real call of theirs is answered beside one that a registry made up, with the ${wins ? "smaller" : "larger"} key`, () => {
    const beside = peer(wins);
    beside.machine.available([0, 1], 0);
    assert.deepEqual(beside.does((m) => m.incoming(offerOf(1), 0)), [{ want: "answer", link: 1, offer: offerOf(1) }]);
    assert.deepEqual(beside.does((m) => m.incoming(offerOf(0), 1_000)), [], "the first may be about to be there");
    assert.deepEqual(beside.does((m) => m.advance(1_000 + limits.glareWaitMs)), [{ want: "answer", link: 2, offer: offerOf(0) }]);
    assert.deepEqual(beside.does((m) => m.joined(2, 4_000)), [{ want: "drop", link: 1 }, { want: "up", link: 2 }]);
    assert.deepEqual(beside.does((m) => m.joined(1, 4_001)), [{ want: "drop", link: 1 }]);

    const again = peer(wins);
    again.machine.available([0, 1], 0);
    again.does((m) => m.incoming(offerOf(1), 0));
    again.does((m) => m.incoming(offerOf(0), 1_000));
    assert.deepEqual(again.does((m) => m.incoming(offerOf(1, "another"), 1_500)), [
      { want: "drop", link: 1 }, { want: "answer", link: 2, offer: offerOf(0) },
    ], "one more of its own displaces what it claimed before, and nothing else");
    assert.deepEqual(again.does((m) => m.advance(1_500 + limits.glareWaitMs)), [{ want: "answer", link: 3, offer: offerOf(1, "another") }]);
    assert.deepEqual(again.does((m) => m.joined(2, 4_000)), [{ want: "drop", link: 3 }, { want: "up", link: 2 }]);
  });
}

test("a call of theirs at another registry than that of a new channel waits for 2 s: they may not know yet that it is there", () => {
  for (const [registry, atMs, isAnswered] of [[1, limits.glareWaitMs - 1, false], [1, limits.glareWaitMs, true], [0, 1, true]] as const) {
    const { does } = opened([0, 1]);
    assert.equal(does((m) => m.incoming(offerOf(registry), atMs)).length, isAnswered ? 1 : 0);
    if (isAnswered) continue;
    does((m) => m.advance(atMs + limits.glareWaitMs - 1));
    assert.deepEqual(does((m) => m.advance(atMs + limits.glareWaitMs)), [{ want: "answer", link: 2, offer: offerOf(registry) }]);
  }
});

test("a call that a registry made up holds ours up once, and no other one of it does until the next channel", () => {
  const { machine, does } = peer(false);
  machine.available([0, 1], 0);
  does((m) => m.incoming(offerOf(1, "first"), 0));
  assert.deepEqual(does((m) => m.need(1)), [], "they may be about to be there");
  assert.deepEqual(does((m) => m.joinFailed(1, "channel_failed", 20_000)), [{ want: "drop", link: 1 }]);
  assert.equal(machine.deadline, 20_000 + limits.calleeWaitMs + 100, "they are given the time to call again");
  assert.deepEqual(does((m) => m.incoming(offerOf(1, "second"), 21_000)), [{ want: "answer", link: 2, offer: offerOf(1, "second") }]);
  assert.equal(machine.deadline, 20_000 + limits.calleeWaitMs + 100);
  const atMs = machine.deadline as number;
  assert.deepEqual(does((m) => m.advance(atMs)), [{ want: "prepare", link: 3 }]);
  assert.deepEqual(does((m) => m.prepared(3, atMs)), [{ want: "call", link: 3, registry: 0 }, { want: "call", link: 3, registry: 1 }]);
  does((m) => m.joinFailed(2, "channel_failed", atMs + 1));
  does((m) => m.refused(3, 1, "recipient_unavailable", atMs + 2));
  // Without it: nothing else is there to wait for.
  does((m) => m.incoming(offerOf(1, "third"), atMs + 3));
  assert.deepEqual(does((m) => m.granted(3, 0)), [{ want: "join", link: 3 }]);
  assert.deepEqual(does((m) => m.joined(3, atMs + 4)), [{ want: "drop", link: 4 }, { want: "up", link: 3 }]);
  does((m) => m.lost(3, true, atMs + 60_000));
  does((m) => m.incoming(offerOf(1, "fourth"), atMs + 60_001));
  assert.equal(machine.state, "calling");
  assert.equal(machine.deadline, undefined, "it is listened to again");
});

test("one registry that ends every call of ours with one of theirs that nobody made: what waits fails in the end", () => {
  const { machine, does } = peer(false);
  machine.available([0], 0);
  does((m) => m.need(0));
  let [link, failed] = [1, 0];
  for (let n = 1; n <= 10 && failed === 0; n++) {
    const now = n * 100_000;
    does((m) => m.prepared(link, now));
    assert.deepEqual(does((m) => m.incoming(offerOf(0, `forged ${n}`), now)), [
      { want: "cancel", link, registry: 0 }, { want: "drop", link }, { want: "answer", link: link + 1, offer: offerOf(0, `forged ${n}`) },
    ]);
    const last = does((m) => m.joinFailed(link + 1, "channel_failed", now + 20_000)).at(-1);
    if (last?.want === "failed") failed = n;
    does((m) => m.advance(now + 99_000));
    link += 2;
  }
  assert.equal(failed, 4, "the first one is no failure of ours, three more are");
});

test("a lost channel that nobody uses: the side that had called gets it back, until the attempts are over or one side has left it", () => {
  const { machine, does } = opened();
  assert.deepEqual(does((m) => m.lost(1, false, 60_000)), [{ want: "down" }, { want: "drop", link: 1 }]);
  assert.deepEqual([machine.state, machine.deadline], ["waiting", 60_100]);
  assert.deepEqual(does((m) => m.advance(60_100)), [{ want: "prepare", link: 2 }]);
  does((m) => m.prepared(2, 60_100));
  assert.deepEqual(does((m) => m.refused(2, 0, "recipient_unavailable", 80_000)), [{ want: "drop", link: 2 }], "it may be about to come back");
  assert.deepEqual(does((m) => m.presence(0, true, 80_050)), [{ want: "prepare", link: 3 }], "and it is back");
  does((m) => m.prepared(3, 80_050));
  does((m) => m.granted(3, 0));
  does((m) => m.joined(3, 80_100));
  assert.deepEqual(does((m) => m.lost(3, false, 140_000, "left")), [{ want: "down" }, { want: "drop", link: 3 }]);
  assert.deepEqual([machine.state, machine.deadline], ["closed", undefined]);

  const gone = opened();
  gone.does((m) => m.lost(1, false, 60_000));
  let last: unknown;
  for (let link = 2; link <= 3; link++) {
    gone.does((m) => m.advance(gone.machine.deadline as number));
    gone.does((m) => m.prepared(link, 70_000));
    last = gone.does((m) => m.refused(link, 0, "recipient_unavailable", 80_000)).at(-1);
  }
  assert.deepEqual([last, gone.machine.state, gone.machine.deadline], [{ want: "failed", code: "recipient_unavailable" }, "closed", undefined]);

  const callee = peer();
  callee.machine.available([0], 0);
  callee.does((m) => m.incoming(offerOf(0), 0));
  callee.does((m) => m.joined(1, 0));
  callee.does((m) => m.lost(1, false, 60_000));
  assert.deepEqual([callee.machine.state, callee.machine.deadline], ["closed", undefined]);
});

test("who has left and is got back: what is said from then on fails at once, what waited before goes on waiting", () => {
  for (const isWanted of [false, true]) {
    const { machine, does } = peer();
    machine.available([0], 0);
    does((m) => m.presence(0, true, 0));
    does((m) => m.need(0));
    does((m) => m.prepared(1, 0));
    does((m) => m.granted(1, 0));
    does((m) => m.joined(1, 0));
    does((m) => m.lost(1, isWanted, 1));
    does((m) => m.presence(0, false, 2));
    const expected = isWanted ? [] : [{ want: "failed", code: "offline" }];
    assert.deepEqual(does((m) => m.need(3)), expected);
    assert.equal(machine.state, "waiting", "it is still got back");
    assert.deepEqual(does((m) => m.advance(m.deadline ?? Infinity)), [{ want: "prepare", link: 2 }]);
    assert.deepEqual(does((m) => m.need(4)), expected);
    assert.equal(machine.state, "calling");
  }
});
