import assert from "node:assert/strict";
import { test } from "node:test";
import { CoreFixture, wire } from "../testing/yamux_wire.js";
import { DEFAULT_MAX_STREAM_WINDOW as narrow, WIDE_WINDOW_BYTES as wide, type YamuxLimits } from "./limits.js";
import type { StreamState } from "./stream_state.js";
import { begin, tune } from "./wide_windows.js";

const mib = 1_048_576;
const half = narrow / 2;

/** A machine whose reader keeps up; the peer is played by hand, on a clock of its own. */
class Receiver extends CoreFixture {
  nowMs = 1000;
  /** Frames sent. */
  readonly log: string[] = [];

  constructor(limits: YamuxLimits = {}, isWide = true) {
    super("server", limits, undefined, isWide ? { tune } : undefined);
  }

  /** The peer uses the credit it has, or so many bytes of it; all is read. */
  use(stream: StreamState, bytes = stream.granted): void {
    for (let left = bytes; left > 0; left -= half) {
      this.peer(wire.data(stream.id, new Uint8Array(Math.min(left, half))));
      this.read(stream);
    }
  }

  read(stream: StreamState, bytes?: number): void {
    while (this.core.read(stream, bytes, this.nowMs) && bytes === undefined);
    this.log.push(...this.sent(10_000_000));
  }

  /** A round trip in which the peer uses up its credit. */
  round(stream: StreamState, ms = 100): void {
    this.nowMs += ms;
    this.use(stream);
  }

  /** Answers the ping that is due, `ms` after it was asked for. */
  measured(ms: number): void {
    this.core.roundTripMs = ms;
    this.core.receive(wire.pong(1));
  }

  get windows(): number[] {
    return [...this.core.streams.values()].map((stream) => stream.window / narrow);
  }
}

/** A stream that has asked for a round trip, which took so long. */
function begun(limits?: YamuxLimits, ms = 100): { server: Receiver; stream: StreamState } {
  const server = new Receiver(limits);
  const stream = server.accepted(1);
  server.use(stream, narrow);
  server.measured(ms);
  return { server, stream };
}

test("a stream that earns credit for the first time asks for a round trip, ahead of its credit, and does not grow", () => {
  const server = new Receiver();
  const stream = server.accepted(1);
  server.use(stream, half);
  assert.deepEqual(server.log, ["ping syn 1", `update 1 ${half}`]);
  assert.deepEqual(server.windows, [1]);
});

test("a stream whose credit always goes along with a neighbour's grows like any other", () => {
  const server = new Receiver();
  const [big, small] = [server.accepted(1), server.accepted(3)];
  const quarter = half / 4;
  server.use(big, narrow);
  server.measured(100);
  for (let round = 0; round < 12; round++) {
    server.nowMs += 10;
    server.use(small, quarter); // not worth a frame of its own
    server.use(big, half); // takes it along
  }
  assert.deepEqual([small.granted, small.window / narrow], [2 * narrow, 2]);
});

test("a window used up within two round trips doubles up to 4 MiB, and one used up more slowly stays", () => {
  const { server, stream } = begun();
  const seen: number[] = [];
  for (let i = 0; i < 7; i++) {
    server.round(stream, 100);
    seen.push(stream.window / narrow);
  }
  assert.deepEqual(seen, [2, 4, 8, 16, 16, 16, 16]);
  assert.equal(stream.window, wide);
  const slow = begun();
  slow.server.round(slow.stream, 201);
  assert.deepEqual(slow.server.windows, [1]);
  slow.server.round(slow.stream, 200);
  assert.deepEqual(slow.server.windows, [2]);
});

test("a peer that answers no ping never sees more than the protocol's window", () => {
  const server = new Receiver();
  const stream = server.accepted(1);
  for (let i = 0; i < 20; i++) server.round(stream, 1);
  assert.deepEqual(server.windows, [1]);
  assert.equal(server.log.filter((text) => text.startsWith("ping")).length, 1);
  assert.ok(server.log.slice(1).every((text) => text.startsWith("ping") || text === `update 1 ${half}`));
});

test("a round trip is measured again after a second, while windows grow, and the shortest counts", () => {
  const { server, stream } = begun({}, 1000);
  server.round(stream, 900);
  assert.equal(stream.window, 2 * narrow);
  const pings = () => server.log.filter((text) => text.startsWith("ping")).length;
  assert.equal(pings(), 1);
  server.round(stream, 100);
  assert.deepEqual([stream.window / narrow, pings()], [4, 2]);
  server.measured(50);
  server.round(stream, 101);
  assert.equal(stream.window, 4 * narrow);
  server.round(stream, 100);
  assert.equal(stream.window, 8 * narrow);
});

test("without the bit all of it is byte for byte as it was, whatever the limits say", () => {
  const run = (isWide: boolean, limits: YamuxLimits) => {
    const server = new Receiver(limits, isWide);
    const stream = server.accepted(1);
    server.core.roundTripMs = 100;
    for (let i = 0; i < 10; i++) server.round(stream, 1);
    return server.log;
  };
  const expected = Array.from({ length: 20 }, () => `update 1 ${half}`);
  assert.deepEqual(run(false, {}), expected);
  assert.deepEqual(run(true, { wideWindowSessionBytes: 0 }), expected);
  assert.notDeepEqual(run(true, {}), expected);
});

test("a wide sender takes 4 MiB of credit and ends the session with one byte more; a narrow one 262144", () => {
  for (const [isWide, most] of [[true, wide], [false, narrow]] as const) {
    const client = new CoreFixture("client", {}, undefined, isWide ? { tune } : undefined);
    const stream = client.opened();
    client.peer(wire.credit(1, most - narrow));
    assert.deepEqual([client.core.ended, stream.credit], [undefined, most]);
    client.core.write(stream, new Uint8Array(1));
    client.sent();
    client.peer(wire.credit(1, 1));
    assert.equal(client.core.ended, undefined);
    client.peer(wire.credit(1, 1));
    assert.equal(client.core.ended, "credit_overflow");
  }
});

test("a wide sender has 4 MiB under way on one stream", () => {
  const client = new CoreFixture("client", {}, undefined, { tune });
  const stream = client.opened();
  client.peer(wire.credit(1, wide - narrow));
  const write = client.core.write(stream, new Uint8Array(wide));
  assert.equal(client.sentBytes(2 * wide).length, wide + 64 * 12);
  assert.deepEqual([write.done, stream.credit], [true, 0]);
});

test("a grown window is taken whole, and one byte more resets the stream before it is held", () => {
  const { server, stream } = begun();
  for (let i = 0; i < 5; i++) server.round(stream);
  assert.deepEqual([stream.granted, stream.window], [wide, wide]);
  for (let left = wide; left > 0; left -= narrow) server.peer(wire.data(1, new Uint8Array(narrow)));
  assert.deepEqual([stream.phase, stream.unread.length], ["open", wide]);
  server.peer(wire.data(1, new Uint8Array(1)));
  assert.deepEqual([stream.why, server.core.unreadBytes, stream.window], ["window_exceeded", 0, wide]);
  assert.deepEqual(server.sent(), ["update 1 rst 0"]);
});

test("the session holds its ordinary budget and what windows may grow by, and one byte more ends it", () => {
  const limits = { maxSessionReceiveBytes: narrow, wideWindowSessionBytes: narrow };
  for (const isWide of [true, false]) {
    const server = new Receiver(limits, isWide);
    const [first, second] = [server.accepted(1), server.accepted(3)];
    server.peer(wire.data(1, new Uint8Array(narrow)));
    if (isWide) server.peer(wire.data(3, new Uint8Array(narrow)));
    assert.equal(server.core.ended, undefined);
    assert.equal(first.unread.length + second.unread.length, isWide ? 2 * narrow : narrow);
    server.accepted(5);
    server.peer(wire.data(5, new Uint8Array(1)));
    assert.equal(server.core.ended, "session_memory_exceeded");
  }
});

test("streams that receive share what the session has; one above its share gives back what it is not granted, by no frame", () => {
  const { server, stream } = begun({ wideWindowSessionBytes: 4 * narrow });
  for (let i = 0; i < 4; i++) server.round(stream);
  assert.deepEqual(server.windows, [5]);
  const second = server.accepted(3);
  server.use(second, narrow);
  server.log.length = 0;
  // Everything is granted to the first: the second has nothing to grow by until the first has used some of it.
  server.round(second);
  assert.deepEqual(server.windows, [5, 1]);
  server.use(stream, narrow);
  assert.deepEqual(server.windows, [4, 1]);
  server.round(second);
  assert.deepEqual(server.windows, [4, 2]);
  server.use(stream, 4 * narrow);
  assert.deepEqual(server.windows, [3, 2]);
  server.round(second);
  server.round(second);
  server.round(stream);
  assert.deepEqual(server.windows, [3, 3]);
  assert.ok(server.log.every((text) => /^update [13] \d+$/.test(text)), String(server.log));
});

test("the sum of what windows exceed the protocol's by never passes the limit, at every step", () => {
  const limit = 10 * narrow + 7;
  const server = new Receiver({ wideWindowSessionBytes: limit });
  const streams = Array.from({ length: 12 }, (_, i) => server.accepted(2 * i + 1));
  server.use(streams[0] as StreamState, half);
  server.measured(100);
  let most = 0;
  for (let i = 0; i < 200; i++) {
    server.nowMs += 7;
    const stream = streams[(i * i + 3 * i) % 12] as StreamState;
    server.use(stream, Math.min(stream.granted, half * (1 + (i % 9))));
    let sum = 0;
    for (const { window, granted, unread } of streams) {
      assert.ok(granted + unread.length <= window && window <= wide && window >= narrow);
      sum += window - narrow;
    }
    assert.ok(sum <= limit);
    most = Math.max(most, sum);
  }
  assert.ok(most > limit - narrow, `${most}`);
});

test("what a stream had over is the others' when it ends, is reset, is let go, or has nothing more to come", () => {
  const ends: ((server: Receiver, stream: StreamState) => void)[] = [
    (server) => server.peer(wire.reset(1)),
    (server, stream) => server.core.reset(stream),
    (server) => server.peer(wire.close(1)),
    (server, stream) => (server.peer(wire.data(1, new Uint8Array(1))), server.core.discard(stream)),
  ];
  for (const end of ends) {
    const { server, stream } = begun({ wideWindowSessionBytes: 3 * narrow });
    for (let i = 0; i < 4; i++) server.round(stream);
    assert.deepEqual(server.windows, [4]);
    const second = server.accepted(3);
    server.use(second, narrow);
    server.round(second);
    assert.equal(second.window, narrow);
    end(server, stream);
    server.round(second);
    server.round(second);
    assert.equal(second.window, 4 * narrow);
  }
});

test("of a stream whose peer is done only the bytes count that it holds, for they are memory", () => {
  for (const [held, then] of [[1, 4], [narrow, 4], [2 * narrow, 3], [3 * narrow, 2]] as const) {
    const { server, stream } = begun({ wideWindowSessionBytes: 3 * narrow });
    for (let i = 0; i < 4; i++) server.round(stream);
    assert.deepEqual(server.windows, [4]);
    server.peer(...Array.from({ length: held / narrow }, () => wire.data(1, new Uint8Array(narrow))), wire.data(1, new Uint8Array(held % narrow)), wire.close(1));
    assert.equal(stream.unread.length, held);
    const second = server.accepted(3);
    server.use(second, narrow);
    for (let i = 0; i < 4; i++) server.round(second);
    assert.equal(second.window, then * narrow);
    server.read(stream);
    for (let i = 0; i < 4; i++) server.round(second);
    assert.equal(second.window, 4 * narrow);
  }
});

test("a stream that has not received for a second counts as no sharer, and what it had stays its own", () => {
  const { server, stream } = begun({ wideWindowSessionBytes: 6 * narrow });
  const second = server.accepted(3);
  for (let i = 0; i < 4; i++) {
    server.round(stream, 50);
    server.round(second, 50);
  }
  assert.deepEqual(server.windows, [4, 4]);
  const third = server.accepted(5);
  server.nowMs += 1001;
  server.peer(wire.reset(3));
  server.use(third, narrow);
  for (let i = 0; i < 3; i++) server.round(third);
  // Of 6, the idle one holds 3; all of the rest is the third's.
  assert.deepEqual(server.windows, [4, 4]);
});

test("a reader slower than the path earns no growth", () => {
  const { server, stream } = begun();
  server.peer(wire.data(1, new Uint8Array(narrow)));
  for (let i = 0; i < 6; i++) {
    server.nowMs += 201;
    server.read(stream, half);
    server.peer(wire.data(1, new Uint8Array(stream.granted)));
  }
  assert.deepEqual([server.windows, stream.unread.length], [[1], narrow]);
});

test("what makes windows grow also makes room in the channel below, once", () => {
  const channel = { maxBufferedBytes: 4 * mib };
  const windows = { tune: () => {} };
  const { limits } = new CoreFixture("client").core;
  begin(windows, channel, limits);
  begin(windows, channel, limits);
  assert.deepEqual([windows.tune, channel.maxBufferedBytes], [tune, 20 * mib]);
});
