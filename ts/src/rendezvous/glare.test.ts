// Two contacts, two registries and a tunnel, on a virtual clock: whoever calls, and however long things take, they end with one channel.
import assert from "node:assert/strict";
import { test } from "node:test";
import { drain } from "../testing/intents.js";
import { ManualClock } from "../testing/manual_clock.js";

import { channelTimeoutMs } from "./limits.js";
import { PeerMachine, type LinkId, type PeerIntent } from "./peer_machine.js";

/** Numbers in 0..1, the same ones for the same seed. */
function drawing(seed: number): () => number {
  let state = seed * 2654435761;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}

interface Call {
  readonly caller: End;
  readonly link: LinkId;
  readonly registry: number;
  readonly id: string;
  answered?: { readonly link: LinkId };
  attached: number;
  isOver: boolean;
}

const lastOf = (calls: readonly Call[], is: (call: Call) => boolean) => calls.filter(is).at(-1);

class End {
  readonly machine: PeerMachine;
  readonly up: string[] = [];
  other!: End;
  constructor(private readonly world: World, wins: boolean) {
    this.machine = new PeerMachine(wins, { initialDelayMs: 500, maxDelayMs: 10_000 }, world.random);
  }

  does(act: (machine: PeerMachine, nowMs: number) => void): void {
    act(this.machine, this.world.clock.monoMs());
    for (const intent of drain(this.machine)) this.carryOut(intent);
    const { deadline } = this.machine;
    if (deadline !== undefined) this.world.clock.after(deadline - this.world.clock.monoMs(), () => this.does((m, now) => m.advance(now)));
  }

  private way(registry: number): string {
    return `${registry} ${this === this.world.ends[0]}`;
  }

  private carryOut(intent: PeerIntent): void {
    const { world, other } = this;
    switch (intent.want) {
      case "prepare":
        return world.later(() => this.does((m, now) => m.prepared(intent.link, now)));
      case "call": {
        const call: Call = { caller: this, link: intent.link, registry: intent.registry, id: `${world.calls.length}`, attached: 0, isOver: false };
        world.calls.push(call);
        return world.later(() => call.isOver || other.does((m, now) => m.incoming({ registry: call.registry, callId: call.id }, now)), this.way(intent.registry));
      }
      case "cancel": {
        const call = lastOf(world.calls, (each) => each.caller === this && each.link === intent.link && each.registry === intent.registry) as Call;
        if (call.answered === undefined) call.isOver = true;
        return world.later(() => other.does((m) => m.cancelled({ registry: call.registry, callId: call.id })), this.way(intent.registry));
      }
      case "answer": {
        const call = world.calls.find((each) => each.id === intent.offer.callId) as Call;
        call.answered = { link: intent.link };
        if (call.isOver) return world.timeOut(this, intent.link);
        world.later(() => call.caller.does((m) => m.granted(call.link, call.registry)), this.way(call.registry));
        world.timeOut(this, intent.link);
        return world.later(() => world.attach(call));
      }
      case "join": {
        const call = lastOf(world.calls, (each) => each.caller === this && each.link === intent.link && each.answered !== undefined) as Call;
        world.timeOut(this, intent.link);
        return world.later(() => world.attach(call));
      }
      case "drop":
        return world.later(() => world.drop(this, intent.link));
      case "up":
        return void this.up.push(world.callOf(this, intent.link)?.id as string);
      case "down":
        return void this.up.push("");
      default:
    }
  }
}

class World {
  readonly clock = new ManualClock();
  readonly calls: Call[] = [];
  private readonly ways = new Map<string, number>();
  readonly ends: [End, End];
  constructor(readonly random: () => number, private readonly slowestMs: number) {
    this.ends = [new End(this, true), new End(this, false)];
    [this.ends[0].other, this.ends[1].other] = [this.ends[1], this.ends[0]];
    for (const end of this.ends) end.does((m, now) => m.available([0, 1], now));
  }

  /** What goes the same way stays in order. */
  later(then: () => void, way = ""): void {
    const atMs = Math.max(this.clock.monoMs() + Math.ceil(this.random() * this.slowestMs), way === "" ? 0 : (this.ways.get(way) ?? 0) + 1);
    if (way !== "") this.ways.set(way, atMs);
    this.clock.after(atMs - this.clock.monoMs(), then);
  }

  callOf(end: End, link: LinkId): Call | undefined {
    return lastOf(this.calls, (each) => (each.caller === end ? each.link : each.answered?.link) === link && (each.caller !== end || each.attached > 0));
  }

  timeOut(end: End, link: LinkId): void {
    this.clock.after(channelTimeoutMs, () => end.does((m, now) => m.joinFailed(link, "channel_failed", now)));
  }

  attach(call: Call): void {
    if (++call.attached !== 2) return;
    this.later(() => call.isOver || call.caller.does((m, now) => m.joined(call.link, now)));
    this.later(() => call.isOver || call.caller.other.does((m, now) => m.joined(call.answered?.link as LinkId, now)));
  }

  drop(end: End, link: LinkId): void {
    const call = this.callOf(end, link);
    if (call === undefined || call.isOver || call.attached < 2) return;
    call.isOver = true;
    for (const [each, its] of [[call.caller, call.link], [call.caller.other, call.answered?.link as LinkId]] as const) {
      each.does((m, now) => m.joinFailed(its, "channel_failed", now));
      each.does((m, now) => m.lost(its, true, now));
    }
  }
}

for (const [name, slowestMs] of [["quick", 100], ["slow", 1_500], ["very slow", 4_000]] as const) {
  test(`both call by two registries over ${name} links: one channel, the same at both ends`, () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = drawing(seed);
      const world = new World(random, slowestMs);
      for (const end of world.ends) world.later(() => end.does((m, now) => m.need(now)));
      world.clock.advance(600_000);
      const last = world.ends.map(({ up }) => up.at(-1));
      assert.ok(last[0] !== undefined && last[0] !== "" && last[0] === last[1], `seed ${seed}: ${JSON.stringify(world.ends.map(({ up }) => up))}`);
      for (const { machine } of world.ends) assert.deepEqual([machine.state, machine.deadline], ["open", undefined], `seed ${seed}`);
      if (name === "quick") assert.equal(world.ends[0].up.length, 1, `seed ${seed}: the first one lasts`);
    }
  });
}
