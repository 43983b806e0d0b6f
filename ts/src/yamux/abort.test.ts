// A signal that fires while anything waits: nothing is left behind, and its reason is kept.
import assert from "node:assert/strict";
import { test } from "node:test";
import { AbortError } from "../base/index.js";
import { ManualClock } from "../testing/manual_clock.js";
import { CountingSignal, ScriptedChannel, settled } from "../testing/yamux_channel.js";
import { pattern, wire } from "../testing/yamux_wire.js";
import { YamuxSession } from "./session.js";
import type { YamuxStream } from "./stream.js";

interface Wait {
  name: string;
  start: (session: YamuxSession, stream: YamuxStream, signal: AbortSignal) => Promise<unknown>;
  /** What ends the wait in order. */
  finish: Uint8Array[];
  /** What the abort makes the session send. */
  tells: string[];
}

const window = 262_144;
const waits: Wait[] = [
  { name: "read", start: (_, stream, signal) => stream.read({ signal }), finish: [wire.data(1, pattern(1))], tells: [] },
  {
    name: "write behind one that is stuck",
    start: (_, stream, signal) => stream.write(pattern(5), { signal }),
    finish: [wire.credit(1, 100_000)],
    tells: [],
  },
  {
    name: "close behind one that is stuck",
    start: (_, stream, signal) => stream.close({ signal }),
    finish: [wire.credit(1, 100_000)],
    tells: [],
  },
  { name: "probe", start: (session, _, signal) => session.probeLiveness(1000, { signal }), finish: [wire.pong(1)], tells: [] },
];

async function stuckSession() {
  const channel = new ScriptedChannel();
  const clock = new ManualClock();
  const session = new YamuxSession(channel, { client: true, clock });
  const stream = await session.openStream();
  const stuck = stream.write(new Uint8Array(window + 10));
  stuck.catch(() => {});
  await settled();
  return { channel, clock, session, stream, stuck };
}

for (const { name, start, finish, tells } of waits) {
  test(`${name}: aborted before`, async () => {
    const { channel, clock, session, stream } = await stuckSession();
    const counted = new CountingSignal();
    const reason = new Error("before");
    counted.abort(reason);
    channel.sent();
    await assert.rejects(start(session, stream, counted.signal), (error) => error instanceof AbortError && error.cause === reason);
    await settled();
    assert.deepEqual([counted.listeners, clock.pending, channel.sent()], [0, 0, []]);
  });

  test(`${name}: aborted while it waits`, async () => {
    const { channel, clock, session, stream } = await stuckSession();
    const counted = new CountingSignal();
    const waiting = start(session, stream, counted.signal);
    await settled();
    channel.sent();
    assert.equal(counted.listeners, 1);
    const reason = new Error("while");
    counted.abort(reason);
    await assert.rejects(waiting, (error) => error instanceof AbortError && error.cause === reason);
    await settled();
    assert.deepEqual([counted.listeners, clock.pending, channel.sent()], [0, 0, tells]);
    assert.equal(session.error, undefined);
  });

  test(`${name}: done before the signal fires`, async () => {
    const { channel, clock, session, stream } = await stuckSession();
    const counted = new CountingSignal();
    const waiting = start(session, stream, counted.signal);
    await settled();
    channel.arrive(...finish);
    await waiting;
    await settled();
    assert.deepEqual([counted.listeners, clock.pending], [0, 0]);
    counted.abort();
    await settled();
    assert.equal(session.error, undefined);
    assert.equal(session.activeStreams, 1);
  });

  test(`${name}: the session ends while it waits`, async () => {
    const { channel, clock, session, stream } = await stuckSession();
    const counted = new CountingSignal();
    const waiting = start(session, stream, counted.signal);
    await settled();
    channel.fail(new Error("gone"));
    await assert.rejects(waiting, { code: "transport_closed" });
    assert.deepEqual([counted.listeners, clock.pending, session.activeStreams], [0, 0, 0]);
  });
}

test("open: aborted before, nothing is opened", async () => {
  const { channel, session } = await stuckSession();
  const counted = new CountingSignal();
  counted.abort("no");
  channel.sent();
  await assert.rejects(session.openStream({ signal: counted.signal }), { name: "AbortError", cause: "no" });
  await settled();
  assert.deepEqual([session.activeStreams, channel.sent(), counted.listeners], [1, [], 0]);
});

test("a write that was aborted in the middle resets its stream, with the reason as cause", async () => {
  const channel = new ScriptedChannel();
  const session = new YamuxSession(channel, { client: true });
  const stream = await session.openStream();
  const counted = new CountingSignal();
  const waiting = stream.write(new Uint8Array(window + 1), { signal: counted.signal });
  await settled();
  channel.sent();
  const reason = new Error("enough");
  counted.abort(reason);
  await assert.rejects(waiting, { name: "AbortError", cause: reason });
  await settled();
  assert.deepEqual([channel.sent(), session.activeStreams, counted.listeners], [["update 1 rst 0"], 0, 0]);
  await assert.rejects(stream.read(), { name: "YamuxStreamResetError", code: "reset_locally", cause: reason });
});

test("an aborted read loses no bytes", async () => {
  const { channel, stream } = await stuckSession();
  const counted = new CountingSignal();
  const aborted = stream.read({ signal: counted.signal });
  const next = stream.read();
  counted.abort();
  await assert.rejects(aborted, AbortError);
  channel.arrive(wire.data(1, pattern(3)));
  assert.deepEqual(await next, pattern(3));
});
