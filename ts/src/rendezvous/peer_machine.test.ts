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
