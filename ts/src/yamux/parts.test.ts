import assert from "node:assert/strict";
import { test } from "node:test";
import { concat } from "../base/index.js";
import { ScriptedChannel, settled } from "../testing/yamux_channel.js";
import { pattern, wire } from "../testing/yamux_wire.js";
import { YamuxSession } from "./session.js";

/** A session over a channel that takes parts and copies them, as it must; what it was given is counted and joined. */
async function openOverParts() {
  const channel = new ScriptedChannel();
  const batches: Uint8Array[] = [];
  const counts: number[] = [];
  Object.assign(channel, {
    writeParts(parts: readonly Uint8Array[]) {
      counts.push(parts.length);
      batches.push(concat(...parts));
    },
  });
  const stream = await new YamuxSession(channel, { client: true }).openStream();
  await settled();
  return { channel, stream, batches, counts };
}

for (const size of [100, 16_383, 16_384, 40_000]) {
  test(`a channel that takes parts gets parts of ${size} bytes, which may change once write() has returned`, async () => {
    const { channel, stream, batches, counts } = await openOverParts();
    const bytes = pattern(size);
    const writing = stream.write(bytes);
    bytes.fill(0);
    await writing;
    assert.deepEqual(channel.written, []);
    assert.deepEqual(counts, [1, 2]);
    assert.deepEqual(batches[1], wire.data(1, pattern(size)));
  });
}

test("what waits for credit may change as well, and so may a Buffer", async () => {
  const { channel, stream, batches } = await openOverParts();
  const bytes = Buffer.from(pattern(300_000));
  const writing = stream.write(bytes);
  bytes.fill(0);
  const left = 300_000 - 262_144;
  assert.equal(batches.at(-1)!.at(-1), pattern(262_144).at(-1)); // the window is used up
  channel.arrive(wire.credit(1, left));
  await writing;
  assert.deepEqual(batches.at(-1), wire.data(1, pattern(left, 262_144)));
});

test("what waits at the same time lies apart, also in memory that was used before", async () => {
  const { channel, stream, batches } = await openOverParts();
  await stream.write(pattern(262_144)); // the window is used up
  for (const sizes of [[3000, 1000, 2000], [2000, 500, 4000, 1000], [1000, 1000]]) {
    const all = sizes.reduce((sum, size) => sum + size, 0);
    let at = 0;
    const writes = sizes.map((size) => {
      const bytes = pattern(size, (at += size) - size);
      const writing = stream.write(bytes);
      bytes.fill(0);
      return writing;
    });
    batches.length = 0;
    channel.arrive(wire.credit(1, all));
    await Promise.all(writes);
    at = 0;
    assert.deepEqual(concat(...batches), concat(...sizes.map((size) => wire.data(1, pattern(size, (at += size) - size)))));
  }
});
