import assert from "node:assert/strict";
import { test } from "node:test";
import { AbortError, concat } from "../base/index.js";
import { ManualClock } from "../testing/manual_clock.js";
import { channelPair, CountingSignal, ScriptedChannel, settled } from "../testing/yamux_channel.js";
import { pattern, wire } from "../testing/yamux_wire.js";
import { isYamuxPingTimeoutError, isYamuxResourceExhaustedError, isYamuxStreamResetError, YamuxError } from "./errors.js";
import { FLAG_FIN } from "./frame.js";
import { YamuxSession, type YamuxSessionOptions } from "./session.js";
import { lingerMs, type YamuxStream } from "./stream.js";

function scripted(options: Partial<YamuxSessionOptions> = {}) {
  const channel = new ScriptedChannel();
  const clock = new ManualClock();
  const ends: YamuxError[] = [];
  const incoming: YamuxStream[] = [];
  const session = new YamuxSession(channel, {
    client: true,
    clock,
    onTerminal: (error) => ends.push(error),
    onIncomingStream: (stream) => incoming.push(stream),
    ...options,
  });
  return { channel, clock, session, ends, incoming };
}

async function readAll(stream: YamuxStream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return concat(...chunks);
}

test("what is written in one turn shares a batch, in order", async () => {
  const { channel, session } = scripted();
  const stream = await session.openStream();
  await settled();
  channel.written.length = 0;
  const done = [stream.write(pattern(24)), stream.write(pattern(5)), stream.close()];
  await Promise.all(done);
  assert.equal(channel.written.length, 1);
  assert.deepEqual(channel.sent(), ["data 1 24", "data 1 5", "update 1 fin 0"]);
});

test("small writes gather while something is on its way; full batches do not wait", async () => {
  const { channel, session } = scripted({ maxBatchBytes: 1000, maxUnsentBytes: 3000 });
  channel.isHolding = true;
  const stream = await session.openStream();
  await settled();
  const writes = [stream.write(pattern(1)), stream.write(pattern(2))];
  await settled();
  assert.deepEqual(channel.sent(), ["update 1 syn 0"]);
  channel.release();
  await Promise.all(writes);
  assert.deepEqual(channel.sent(), ["data 1 1", "data 1 2"]);
  const large = stream.write(pattern(5000));
  await settled();
  assert.equal(channel.written.length, 2); // 27 + 1000 + 1000 bytes; 1000 more would be above 3000
  for (let i = 0; i < 4; i++) {
    channel.release();
    await settled();
  }
  await large;
  assert.ok(channel.written.every((batch) => batch.length <= 1000));
});

test("a write that waits has its own copy", async () => {
  const { channel, session } = scripted();
  channel.isHolding = true;
  const stream = await session.openStream();
  await settled();
  const bytes = pattern(40_000);
  const writing = stream.write(bytes);
  bytes.fill(0);
  channel.written.length = 0;
  channel.release();
  await writing;
  assert.deepEqual(channel.written[0], wire.data(1, pattern(40_000)));
});

test("reads are served in order, give at most what was asked, and end with null", async () => {
  const { channel, session } = scripted();
  const stream = await session.openStream();
  const reads = [stream.read({ maxBytes: 2 }), stream.read(), stream.read(), stream.read()];
  channel.arrive(wire.data(1, pattern(5), FLAG_FIN));
  const got = await Promise.all(reads);
  assert.deepEqual(got, [pattern(2), pattern(3, 2), null, null]);
  assert.equal(await stream.read(), null);
  await assert.rejects(stream.read({ maxBytes: 0 }), RangeError);
});

test("streams of the peer are offered, and reset when nobody takes them", async () => {
  const taking = scripted();
  taking.channel.arrive(wire.open(2), wire.data(2, pattern(3)));
  await settled();
  assert.equal(taking.incoming[0]?.id, 2);
  assert.equal(taking.session.getStream(2), taking.incoming[0]);
  assert.deepEqual(await taking.incoming[0]?.read(), pattern(3));
  for (const onIncomingStream of [undefined, () => { throw new Error("no"); }]) {
    const { channel, session } = scripted({ onIncomingStream });
    channel.arrive(wire.open(2));
    await settled();
    assert.deepEqual(channel.sent(), ["update 2 rst 0"]);
    assert.equal(session.activeStreams, 0);
  }
});

test("a stream that was reset before anybody saw it is not offered", async () => {
  const { channel, incoming } = scripted();
  channel.arrive(wire.open(2), wire.reset(2));
  await settled();
  assert.equal(incoming.length, 0);
});

test("diagnostics are told, and what observers throw stops nothing", async () => {
  const told: unknown[] = [];
  const { channel, session } = scripted({
    limits: { maxInboundStreams: 1 },
    onDiagnostic: (diagnostic) => {
      told.push(diagnostic);
      throw new Error("observer");
    },
  });
  channel.arrive(wire.open(2), wire.open(4));
  await settled();
  assert.deepEqual(told, [{ code: "stream_rejected", resource: "inbound_streams", current: 1, limit: 1 }]);
  assert.deepEqual(channel.sent().sort(), ["update 2 ack 0", "update 4 rst 0"]);
  assert.equal(session.counters.streamsRejected, 1);
});

test("after reset by the peer everything rejects with who did it", async () => {
  const { channel, session } = scripted();
  const stream = await session.openStream();
  const blocked = stream.write(new Uint8Array(300_000));
  const waiting = [stream.read(), blocked, stream.close()];
  await settled();
  channel.arrive(wire.reset(1));
  await Promise.allSettled(waiting);
  for (const each of [...waiting, stream.read(), stream.write(pattern(1)), stream.close()]) {
    await assert.rejects(each, (error) => isYamuxStreamResetError(error) && error.code === "reset_by_peer");
  }
  channel.sent();
  stream.reset();
  await settled();
  assert.deepEqual(channel.sent(), []);
});

test("reset() keeps its reason, and is told once", async () => {
  const { channel, session } = scripted();
  const stream = await session.openStream();
  const reading = stream.read();
  await settled();
  const reason = new Error("enough");
  stream.reset(reason);
  stream.reset(new Error("again"));
  await assert.rejects(reading, { code: "reset_locally", cause: reason });
  await settled();
  assert.deepEqual(channel.sent(), ["update 1 syn 0", "update 1 rst 0"]);
});

test("writes after close, of no bytes, and of no bytes at all", async () => {
  const { channel, session } = scripted();
  const stream = await session.openStream();
  await stream.write(new Uint8Array(0));
  await assert.rejects(stream.write("text" as unknown as Uint8Array), TypeError);
  await stream.close();
  await stream.close();
  await assert.rejects(stream.write(pattern(1)), { code: "write_closed" });
  assert.deepEqual(channel.sent(), ["update 1 syn 0", "update 1 fin 0"]);
});

test("limits refuse a call and nothing else", async () => {
  const { session } = scripted({ limits: { maxActiveStreams: 1, maxInboundStreams: 1, maxStreamWriteQueueBytes: 10 } });
  const stream = await session.openStream();
  await assert.rejects(session.openStream(), (error) => isYamuxResourceExhaustedError(error) && error.resource === "active_streams");
  await assert.rejects(stream.write(pattern(11)), isYamuxResourceExhaustedError);
  await stream.write(pattern(10));
  assert.throws(() => scripted({ limits: { maxActiveStreams: 1 } }), RangeError);
  assert.throws(() => scripted({ maxFrameBytes: 0 }), RangeError);
  assert.throws(() => scripted({ maxBatchBytes: 12 }), RangeError);
});

test("a channel that ends fails streams, calls and probes, and is told once", async () => {
  const { channel, session, ends } = scripted();
  const stream = await session.openStream();
  const waiting = [stream.read(), session.probeLiveness()];
  await settled();
  const cause = new Error("gone");
  channel.fail(cause);
  const results = await Promise.allSettled(waiting);
  assert.deepEqual(results.map(({ status }) => status), ["rejected", "rejected"]);
  assert.deepEqual([ends.length, ends[0]?.code, ends[0]?.cause], [1, "transport_closed", cause]);
  assert.equal(session.error, ends[0]);
  await assert.rejects(stream.read(), (error) => isYamuxStreamResetError(error) && error.cause === session.error);
  await assert.rejects(session.openStream(), { code: "transport_closed" });
  await assert.rejects(session.probeLiveness(), { code: "transport_closed" });
  session.close();
  assert.deepEqual([channel.closed, ends.length, session.activeStreams], [1, 1, 0]);
});

test("a write that fails ends the session with its cause", async () => {
  for (const how of ["throws", "rejects"]) {
    const { channel, session, ends } = scripted();
    const cause = new Error("no more");
    if (how === "throws") channel.write = () => { throw cause; };
    else channel.isHolding = true;
    const stream = await session.openStream();
    await settled();
    channel.release(cause);
    await assert.rejects(stream.read(), (error) => isYamuxStreamResetError(error) && error.code === "transport_closed");
    assert.deepEqual([ends[0]?.code, ends[0]?.cause, channel.closed], ["transport_closed", cause, 1]);
  }
});

test("close() ends everything in silence", async () => {
  const { channel, session, ends } = scripted();
  const stream = await session.openStream();
  const reading = stream.read();
  await settled();
  channel.sent();
  session.close();
  session.close();
  await assert.rejects(reading, { name: "YamuxStreamResetError", code: "closed" });
  await settled();
  assert.deepEqual([ends.length, channel.closed, session.error?.code], [0, 1, "closed"]);
  assert.deepEqual(channel.sent(), []);
});

test("a peer that breaks the rules ends the session; what it sent before is lost with it", async () => {
  const { channel, session, ends } = scripted();
  const stream = await session.openStream();
  channel.arrive(wire.data(1, pattern(3)), wire.goAway(1));
  await assert.rejects(stream.read(), { code: "go_away" });
  assert.equal(ends[0]?.code, "go_away");
  assert.equal(channel.closed, 1);
});

test("a probe measures, is shared, and leaves no timer", async () => {
  const { channel, clock, session } = scripted();
  const probes = [session.probeLiveness(), session.probeLiveness(500)];
  await settled();
  assert.deepEqual(channel.sent(), ["ping syn 1"]);
  clock.advance(40);
  channel.arrive(wire.pong(1));
  assert.deepEqual(await Promise.all(probes), [40, 40]);
  assert.equal(clock.pending, 0);
});

test("a probe that is not answered ends the session; one that is given up does not", async () => {
  const { clock, session, ends } = scripted();
  const counted = new CountingSignal();
  const givenUp = session.probeLiveness(1000, { signal: counted.signal });
  const late = session.probeLiveness(2000);
  await settled();
  counted.abort("enough");
  await assert.rejects(givenUp, (error) => error instanceof AbortError && error.cause === "enough");
  clock.advance(1999);
  assert.equal(session.error, undefined);
  clock.advance(1);
  await assert.rejects(late, isYamuxPingTimeoutError);
  assert.ok(isYamuxPingTimeoutError(ends[0]));
  assert.deepEqual([clock.pending, counted.listeners], [0, 0]);
  for (const bad of [0, -1, NaN]) await assert.rejects(session.probeLiveness(bad), RangeError);
});

test("a ping is answered while writes are stuck", async () => {
  const { channel, session } = scripted();
  channel.isHolding = true;
  const stream = await session.openStream();
  void stream.write(new Uint8Array(200_000)).catch(() => {});
  await settled();
  channel.arrive(wire.ping(7), wire.data(1, pattern(3)));
  assert.deepEqual(await stream.read(), pattern(3)); // reading goes on
  channel.sent();
  channel.release();
  await settled();
  assert.equal(channel.sent()[0], "ping ack 7");
  session.close();
});

test("dispose: a stream left early is reset, a closed one ends in order, a lingering one has a limit", async () => {
  const { channel, clock, session } = scripted();
  {
    await using stream = await session.openStream();
    await stream.write(pattern(1));
  }
  await settled();
  assert.deepEqual(channel.sent(), ["update 1 syn 0", "data 1 1", "update 1 rst 0"]);
  {
    await using stream = await session.openStream();
    await stream.close();
  }
  assert.deepEqual(channel.sent(), ["update 3 syn 0", "update 3 fin 0"]);
  assert.deepEqual([session.activeStreams, clock.pending], [1, 1]);
  channel.arrive(wire.data(3, pattern(9), FLAG_FIN));
  await settled();
  assert.deepEqual([session.activeStreams, clock.pending, channel.sent()], [0, 0, []]);
  {
    await using stream = await session.openStream();
    await stream.close();
  }
  clock.advance(lingerMs);
  await settled();
  assert.deepEqual(channel.sent(), ["update 5 syn 0", "update 5 fin 0", "update 5 rst 0"]);
  {
    await using stream = await session.openStream();
    channel.arrive(wire.data(7, pattern(9), FLAG_FIN));
    await settled();
    void stream;
  }
  assert.deepEqual(channel.sent(), ["update 7 syn 0", "update 7 fin 0"]);
  assert.deepEqual([session.activeStreams, session.unreadBytes, clock.pending], [0, 0, 0]);
  {
    await using inner = session;
    void inner;
  }
  assert.equal(session.error?.code, "closed");
});

test("leaving a loop early resets the stream, unless the peer is done", async () => {
  const { channel, session } = scripted();
  const stream = await session.openStream();
  channel.arrive(wire.data(1, pattern(3)));
  for await (const chunk of stream) {
    assert.deepEqual(chunk, pattern(3));
    break;
  }
  await settled();
  assert.deepEqual(channel.sent(), ["update 1 syn 0", "update 1 rst 0"]);
  const other = await session.openStream();
  channel.arrive(wire.data(3, pattern(3)), wire.data(3, pattern(3), FLAG_FIN));
  await settled();
  for await (const chunk of other) if (chunk.length > 0) break;
  await other.write(pattern(1));
  assert.deepEqual(channel.sent(), ["update 3 syn 0", "data 3 1"]);
});

test("a conversation through pieces of every size, with everything read and nothing left", async () => {
  for (const [capacity, pieceBytes] of [[1024, 1], [1024, 11], [5000, 1000], [Infinity, Infinity]] as const) {
    const [here, there] = channelPair(capacity, pieceBytes);
    const server = new YamuxSession(there, {
      client: false,
      onIncomingStream: (stream) => void stream.readable.pipeTo(stream.writable).catch(() => {}),
    });
    const client = new YamuxSession(here, { client: true });
    const bytes = pattern(pieceBytes < 100 ? 5000 : 400_000);
    const stream = await client.openStream();
    const [, echoed] = await Promise.all([stream.write(bytes).then(() => stream.close()), readAll(stream)]);
    assert.deepEqual(echoed, bytes);
    await settled();
    assert.deepEqual([client.activeStreams, server.activeStreams, client.unreadBytes, server.unreadBytes], [0, 0, 0, 0]);
    client.close();
  }
});

test("two peers that flood each other through full buffers finish", async () => {
  const [here, there] = channelPair(1024);
  const bytes = pattern(600_000);
  const echo = (stream: YamuxStream) => void stream.readable.pipeTo(stream.writable).catch(() => {});
  const sessions = [
    new YamuxSession(here, { client: true, onIncomingStream: echo }),
    new YamuxSession(there, { client: false, onIncomingStream: echo }),
  ];
  const flood = async (session: YamuxSession) => {
    const stream = await session.openStream();
    const [, echoed] = await Promise.all([stream.write(bytes).then(() => stream.close()), readAll(stream)]);
    assert.deepEqual(echoed, bytes);
  };
  await Promise.all(sessions.flatMap((session) => [flood(session), flood(session), flood(session)]));
  await settled();
  assert.deepEqual(sessions.map((session) => session.activeStreams), [0, 0]);
});

test("a slow reader bounds what its sender has under way", async () => {
  const [here, there] = channelPair(Infinity);
  const incoming: YamuxStream[] = [];
  const server = new YamuxSession(there, { client: false, onIncomingStream: (stream) => incoming.push(stream) });
  const client = new YamuxSession(here, { client: true });
  const writer = (await client.openStream()).writable.getWriter();
  let accepted = 0;
  const pump = (async () => {
    for (let i = 0; i < 100; i++) {
      await writer.ready;
      void writer.write(new Uint8Array(65_536)).catch(() => {});
      accepted += 65_536;
    }
    await writer.close();
  })();
  for (let i = 0; i < 20; i++) await settled();
  assert.ok(accepted <= 262_144 + 3 * 65_536, `${accepted}`);
  assert.equal(server.unreadBytes, 262_144);
  let total = 0;
  for await (const chunk of incoming[0] as YamuxStream) total += chunk.length;
  await pump;
  assert.equal(total, 6_553_600);
  assert.ok(here.mostWaiting <= 262_144 + 4096);
});
