// Yamux: whatever comes, and in whatever portions, a machine ends the same way and holds no more than its limits.
import assert from "node:assert/strict";
import fc from "fast-check";
import { concat } from "../base/index.js";
import { bytes, count, exactly, isOneOf, lean, property, refusedOr, someCuts, split } from "../testing/properties.js";
import { textsOf, wire } from "../testing/yamux_wire.js";
import { ByteReader } from "./byte_reader.js";
import { YamuxCore } from "./core.js";
import { StreamEOFError, YamuxError } from "./errors.js";
import { decodeHeader, encodeHeader, HEADER_LEN, TYPE_DATA, TYPE_PING } from "./frame.js";
import { FrameReader } from "./frame_reader.js";
import { checkYamuxLimits } from "./limits.js";

const u32 = 2 ** 32 - 1;

property("a header comes back as it was made", [fc.nat(3), fc.nat(65_535), count(1, u32), count(0, u32)], (type, flags, streamId, length) => {
  const header = { type, flags, streamId, length };
  assert.deepEqual(decodeHeader(encodeHeader(header)), { version: 0, ...header });
});

property("any twelve bytes: the header they are, or a YamuxError", [exactly(HEADER_LEN)], (given) => {
  const header = refusedOr(() => decodeHeader(given), isOneOf(YamuxError));
  if (header !== undefined) assert.deepEqual(encodeHeader(header), given);
});

/** A frame that a careless or a hostile peer could send; its body may be shorter or longer than it says. */
const frame = fc.record({
  type: fc.oneof({ weight: 20, arbitrary: fc.nat(3) }, { weight: 1, arbitrary: fc.nat(255) }),
  flags: fc.oneof(fc.constantFrom(0, 0, 0, 1, 1, 2, 4, 8), fc.nat(65_535)),
  streamId: fc.oneof({ weight: 20, arbitrary: fc.nat(12) }, { weight: 1, arbitrary: count(0, u32) }),
  length: fc.oneof({ weight: 8, arbitrary: fc.nat(60) }, { weight: 1, arbitrary: count(0, u32) }),
  extra: fc.oneof({ weight: 30, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: -5, max: 5 }) }),
}).map(({ extra, ...header }) => {
  const body = header.type === TYPE_DATA ? Math.max(0, Math.min(header.length, 400) + extra) : 0;
  return concat(encodeHeader(header), new Uint8Array(body).fill(header.streamId));
});
const flow = () => fc.oneof({ weight: 10, arbitrary: fc.array(frame, { maxLength: 40 }).map((frames) => concat(...frames)) }, { weight: 1, arbitrary: bytes(200) });

property("the frames found do not depend on the portions", [flow(), someCuts(200)], (given, cuts) => {
  const found = (portions: Uint8Array[]) => {
    const [seen, bodies] = [[] as unknown[], [] as Uint8Array[]];
    const reader = new FrameReader();
    const sink = {
      onHeader: (header: unknown) => void seen.push(header),
      onBody: (slice: Uint8Array) => void bodies.push(slice),
      onBodyEnd: () => void seen.push(concat(...bodies.splice(0))),
    };
    const error = refusedOr(() => {
      for (const portion of portions) lean(() => reader.receive(portion, sink));
      return "none";
    }, isOneOf(YamuxError));
    return { seen, error };
  };
  const next = encodeHeader({ type: TYPE_PING, flags: 0, streamId: 0, length: 7 });
  assert.deepEqual(found([...split(given, cuts), next]), found([concat(given, next)]));
});

const limits = checkYamuxLimits({ maxActiveStreams: 6, maxInboundStreams: 4, maxSessionReceiveBytes: 262_144 });
const roles = () => fc.boolean();

/** All that can be seen of a machine that was sent these portions. */
function outcome(isClient: boolean, opens: number, portions: Uint8Array[]) {
  const core = new YamuxCore(isClient, limits);
  for (let i = 0; i < opens; i++) core.open();
  core.nextBatch(1000);
  for (const portion of portions) {
    lean(() => core.receive(portion.slice()));
    assert.ok(core.unreadBytes <= limits.maxSessionReceiveBytes && core.activeStreams <= limits.maxActiveStreams && core.inboundStreams <= limits.maxInboundStreams);
  }
  const streams = [...core.streams.values()].map(({ id, phase, why, credit, granted, finReceived, unread }) => ({ id, phase, why, credit, granted, finReceived, unread: unread.length }));
  const { ended, unreadBytes, activeStreams, counters } = core;
  return { ended, unreadBytes, activeStreams, counters: { ...counters }, streams, sent: textsOf(concat(...(core.nextBatch(1_000_000) ?? []))) };
}

property("a machine never throws, keeps its limits, and ends the same whatever the portions", [roles(), fc.nat(3), flow(), someCuts(300)], (isClient, opens, given, cuts) => {
  assert.deepEqual(outcome(isClient, opens, split(given, cuts)), outcome(isClient, opens, [given]));
});

const bodies = () => fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.oneof(fc.nat(300), fc.integer({ min: 50_000, max: 262_144 }))), { maxLength: 8 });

property("unread bytes are counted by stream and by session, and each limit is what is refused", [bodies()], (sent) => {
  const core = new YamuxCore(false, limits);
  const unread = new Map<number, number>();
  const gone = new Set<number>(); // reset: what still comes is for nobody
  let total = 0;
  for (const [stream, length] of sent) {
    const [id, before] = [stream * 2 - 1, unread.get(stream) ?? 0];
    if (!unread.has(stream)) core.receive(wire.open(id));
    core.receive(wire.data(id, new Uint8Array(length)));
    if (gone.has(stream)) {
      // nothing changes
    } else if (before + length > 262_144) {
      gone.add(stream);
      total -= before;
    } else if (total + length > limits.maxSessionReceiveBytes) {
      assert.equal(core.ended, "session_memory_exceeded");
      return;
    } else {
      unread.set(stream, before + length);
      total += length;
    }
    unread.set(stream, unread.get(stream) ?? 0);
    assert.deepEqual([core.ended, core.unreadBytes], [undefined, total]);
  }
});

property("a machine that has ended says and takes nothing more", [roles(), flow()], (isClient, given) => {
  const core = new YamuxCore(isClient, limits);
  core.receive(given.slice());
  core.end("closed");
  const [{ unreadBytes }, streams] = [core, core.streams.size];
  core.receive(given.slice());
  assert.deepEqual([core.nextBatch(1000), core.unreadBytes, core.streams.size], [undefined, unreadBytes, streams]);
});

property("exact portions come out of any others, and only what came", [bytes(200), someCuts(200), fc.array(fc.nat(40), { maxLength: 20 })], async (given, cuts, wants) => {
  const portions = split(given, cuts).filter(({ length }) => length > 0);
  const reader = new ByteReader(async (most) => {
    const portion = portions.shift() ?? null;
    if (portion && portion.length > most) portions.unshift(portion.subarray(most));
    return portion && portion.subarray(0, most);
  });
  let at = 0;
  for (const want of wants) {
    if (at + want > given.length) {
      await assert.rejects(reader.readExactly(want), StreamEOFError);
      return;
    }
    assert.deepEqual(await reader.readExactly(want), given.slice(at, (at += want)));
  }
});
