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
