// What wide windows are for: a path of 100 ms and 1 Gbit/s, on a virtual clock.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LongPath } from "../testing/long_path.js";
import { DEFAULT_MAX_STREAM_WINDOW as narrow, WIDE_WINDOW_BYTES as wide } from "./limits.js";
import { tune } from "./wide_windows.js";

const mib = 1_048_576;
const roundTripMs = 100;
const path = { roundTripMs, bytesPerMs: 125_000 };

/** Bytes per millisecond of one stream between two of its bytes. */
function rate(run: LongPath, id: number, from: number, to: number): number {
  const at = (bytes: number) => run.runUntil(() => (run.received.get(id) ?? 0) >= bytes);
  const start = at(from);
  return (to - from) / (at(to) - start);
}

test("one stream reaches 0.8 of window per round trip, and 8 times what the protocol's window allows", (t) => {
  const grown = new LongPath({ ...path, wide: { tune } });
  grown.upload(64 * mib);
  const wideRate = rate(grown, 1, 24 * mib, 60 * mib);
  const fixed = new LongPath(path);
  fixed.upload(4 * mib);
  const narrowRate = rate(fixed, 1, mib, 4 * mib);
  t.diagnostic(`${(wideRate / 1000).toFixed(1)} MB/s, ${(narrowRate / 1000).toFixed(1)} MB/s without`);
  assert.ok(wideRate >= (0.8 * wide) / roundTripMs);
  assert.ok(wideRate >= 8 * narrowRate);
  assert.ok(narrowRate <= narrow / roundTripMs);
});

test("a window opens within six round trips of the first bytes", () => {
  const run = new LongPath({ ...path, wide: { tune } });
  run.upload(64 * mib);
  assert.ok(run.runUntil(() => [...run.server.streams.values()].some(({ window }) => window === wide)) <= 6.5 * roundTripMs);
});

test("of 8 streams that share a path the last is done when the median is, within 5 in 100, and none grows beyond its share", (t) => {
  const run = new LongPath({ ...path, wide: { tune } });
  const bytes = 64 * mib;
  for (let i = 0; i < 8; i++) run.upload(bytes);
  const ends: number[] = [];
  let most = 0;
  run.runUntil(() => {
    let sum = 0;
    for (const { window, finReceived } of run.server.streams.values()) sum += finReceived ? 0 : window - narrow;
    most = Math.max(most, sum);
    while ([...run.received.values()].filter((each) => each === bytes).length > ends.length) ends.push(run.nowMs);
    return ends.length === 8;
  });
  const median = ((ends[3] as number) + (ends[4] as number)) / 2;
  t.diagnostic(`last ${ends[7]?.toFixed(0)} ms, median ${median.toFixed(0)} ms`);
  assert.ok((ends[7] as number) <= 1.05 * median);
  assert.ok(most > 8 * mib && most <= 16 * mib, `${most}`);
});

test("on a path without delay nothing is lost by growing", () => {
  const near = { roundTripMs: 0.2, bytesPerMs: 1_000_000 };
  const done = (wide: boolean) => {
    const run = new LongPath({ ...near, wide: wide ? { tune } : undefined });
    run.upload(32 * mib);
    return run.runUntil(() => run.received.get(1) === 32 * mib);
  };
  assert.ok(done(true) <= done(false));
});
