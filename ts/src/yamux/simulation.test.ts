// Two machines with random limits, random traffic and random fragmentation, the same every time.
import assert from "node:assert/strict";
import { test } from "node:test";
import { concat } from "../base/index.js";
import { pattern } from "../testing/yamux_wire.js";
import { YamuxCore } from "./core.js";
import { decodeHeader, FLAG_ACK, FLAG_RST, FLAG_SYN, HEADER_LEN, TYPE_DATA, TYPE_WINDOW_UPDATE } from "./frame.js";
import { checkYamuxLimits, DEFAULT_MAX_STREAM_WINDOW as window, WIDE_WINDOW_BYTES } from "./limits.js";
import type { StreamState } from "./stream_state.js";
import { tune } from "./wide_windows.js";

/** Numbers below a bound, from a seed: xorshift32. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed * 2654435761 + 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Watches one direction: credit is never exceeded nor overgranted, ids and flags are in order, ACK comes once. */
class WireChecker {
  private readonly credit = new Map<number, number>();
  private readonly acked = new Set<number>();
  private readonly dead = new Set<number>();
  other: WireChecker | undefined;

  constructor(private readonly most: number) {}

  watch(batch: Uint8Array): void {
    for (let at = 0; at < batch.length; ) {
      const { type, flags, streamId, length } = decodeHeader(batch, at);
      at += HEADER_LEN + (type === TYPE_DATA ? length : 0);
      if (type > TYPE_WINDOW_UPDATE) continue;
      assert.ok(!this.dead.has(streamId), "nothing follows a reset");
      if (flags & (FLAG_SYN | FLAG_ACK | FLAG_RST)) assert.equal(length, 0);
      if (flags & FLAG_RST) this.dead.add(streamId);
      if (flags & FLAG_ACK) {
        assert.ok(!this.acked.has(streamId));
        this.acked.add(streamId);
      }
      if (type === TYPE_DATA) {
        const left = (this.credit.get(streamId) ?? window) - length;
        assert.ok(left >= 0, "within the window");
        this.credit.set(streamId, left);
      } else if (length > 0) {
        const granted = (this.other?.credit.get(streamId) ?? window) + length;
        assert.ok(granted <= this.most, "no more than the window");
        this.other?.credit.set(streamId, granted);
      }
    }
    assert.ok(batch.length > 0);
  }
}

interface Flow {
  sent: number;
  received: number;
  closed: boolean;
}

class Side {
  readonly core: YamuxCore;
  readonly checker: WireChecker;
  readonly streams = new Map<StreamState, Flow>();
  bytesRead = 0;
  mostOver = 0;
  private nowMs = 0;

  constructor(
    isClient: boolean,
    private readonly random: (below: number) => number,
    private readonly resets: boolean,
    isWide: boolean,
  ) {
    this.checker = new WireChecker(isWide ? WIDE_WINDOW_BYTES : window);
    const maxActiveStreams = 1 + random(20);
    const limits = checkYamuxLimits({
      maxActiveStreams,
      maxInboundStreams: 1 + random(maxActiveStreams),
      preferredOutboundFrameBytes: 1 + random(65_536),
      maxStreamWriteQueueBytes: 1 + random(300_000),
      maxSessionReceiveBytes: (maxActiveStreams + 1) * window,
      wideWindowSessionBytes: random(10 * window),
    });
    this.core = new YamuxCore(isClient, limits, isWide ? { tune } : undefined);
  }

  private watched(stream: StreamState): Flow {
    const flow = this.streams.get(stream) ?? { sent: 0, received: 0, closed: false };
    this.streams.set(stream, flow);
    return flow;
  }

  private write(stream: StreamState, flow: Flow, bytes: number): void {
    if (!stream.isOpen || flow.closed || bytes === 0) return;
    try {
      this.core.write(stream, pattern(bytes, flow.sent));
      flow.sent += bytes;
    } catch (error) {
      assert.equal((error as { code?: string }).code, "resource_exhausted");
    }
  }

  private read(stream: StreamState, flow: Flow, bytes: number): void {
    const chunk = this.core.read(stream, Math.max(1, bytes), this.nowMs);
    if (!chunk) return;
    let over = 0;
    for (const each of this.core.streams.values()) {
      if (!each.isOpen) continue;
      assert.ok(each.granted + each.unread.length <= each.window);
      over += each.window - window;
    }
    assert.ok(over <= this.core.limits.wideWindowSessionBytes, "no more than the session has for wide windows");
    this.mostOver = Math.max(this.mostOver, over);
    assert.deepEqual(chunk, pattern(chunk.length, flow.received));
    flow.received += chunk.length;
    this.bytesRead += chunk.length;
  }

  step(): void {
    this.nowMs += this.random(3);
    if (this.core.probeAnswered) this.core.roundTripMs = this.nowMs - this.core.probedAtMs;
    for (const stream of this.core.opened.splice(0)) this.watched(stream);
    const all = [...this.streams];
    const [stream, flow] = all[this.random(Math.max(1, all.length))] ?? [];
    const what = this.random(12);
    if (what === 0 && this.core.activeStreams < this.core.limits.maxActiveStreams) this.watched(this.core.open());
    if (stream === undefined || flow === undefined) return;
    if (what < 5) this.write(stream, flow, this.random(this.random(2) === 0 ? 100 : 100_000));
    else if (what < 10) this.read(stream, flow, this.random(200_000));
    else if (what === 10 && this.random(4) === 0) this.close(stream, flow);
    else if (this.resets && this.random(8) === 0) this.core.reset(stream);
  }

  private close(stream: StreamState, flow: Flow): void {
    if (stream.isOpen && !flow.closed) this.core.closeWrite(stream);
    flow.closed = true;
  }

  /** Closes and reads everything. */
  windDown(): void {
    for (const stream of this.core.opened.splice(0)) this.watched(stream);
    for (const [stream, flow] of this.streams) {
      this.close(stream, flow);
      while (stream.unread.length > 0) this.read(stream, flow, Infinity);
    }
  }
}

function simulate(seed: number, resets: boolean, isWide = false): { bytes: number; grown: number } {
  const random = randomFrom(seed);
  const client = new Side(true, random, resets, isWide);
  const server = new Side(false, random, resets, isWide);
  client.checker.other = server.checker;
  server.checker.other = client.checker;
  const pipes = new Map<Side, Uint8Array>([
    [client, new Uint8Array(0)],
    [server, new Uint8Array(0)],
  ]);
  const exchange = (from: Side, to: Side) => {
    const batch = concat(...(from.core.nextBatch(13 + random(100_000)) ?? []));
    if (batch.length > 0) from.checker.watch(batch);
    let pipe = concat(pipes.get(to) ?? new Uint8Array(0), batch);
    do {
      const piece = 1 + random(random(2) === 0 ? 20 : 70_000);
      to.core.receive(pipe.slice(0, piece));
      pipe = pipe.slice(piece);
    } while (pipe.length > 0 && random(3) > 0);
    pipes.set(to, pipe);
  };
  for (let i = 0; i < 600; i++) {
    (random(2) === 0 ? client : server).step();
    if (random(2) === 0) exchange(client, server);
    if (random(2) === 0) exchange(server, client);
  }
  const isBusy = () =>
    [client, server].some((side) => side.core.streams.size > 0 || side.core.outputBytes(1) > 0 || (pipes.get(side)?.length ?? 0) > 0);
  for (let i = 0; i < 50_000 && isBusy(); i++) {
    client.windDown();
    server.windDown();
    exchange(client, server);
    exchange(server, client);
  }
  for (const { core } of [client, server]) {
    assert.deepEqual([core.ended, core.streams.size, core.activeStreams, core.inboundStreams, core.unreadBytes], [undefined, 0, 0, 0, 0]);
  }
  return { bytes: client.bytesRead + server.bytesRead, grown: client.mostOver + server.mostOver };
}

for (let seed = 1; seed <= 8; seed++) {
  test(`all bytes arrive and nothing is left, seed ${seed}`, () => {
    const { bytes, grown } = simulate(seed, false);
    assert.ok(bytes > 0);
    assert.equal(grown, 0);
  });
  test(`resets at any time leave nothing behind, seed ${seed}`, () => {
    simulate(seed + 100, true);
  });
}

test("all bytes arrive through windows that grow and shrink, resets or not", () => {
  let total = 0;
  for (let seed = 201; seed <= 206; seed++) total += simulate(seed, seed % 3 === 0, true).grown;
  assert.ok(total > 0, "some grew");
});
