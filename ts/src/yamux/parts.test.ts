import assert from "node:assert/strict";
import { test } from "node:test";
import { concat } from "../base/index.js";
import { ScriptedChannel, settled } from "../testing/yamux_channel.js";
import { pattern, wire } from "../testing/yamux_wire.js";
import { YamuxSession } from "./session.js";

test("a channel that takes parts gets parts, which the writer cannot change", async () => {
  const channel = new ScriptedChannel();
  const batches: (readonly Uint8Array[])[] = [];
  Object.assign(channel, { writeParts: (parts: readonly Uint8Array[]) => void batches.push(parts) });
  const stream = await new YamuxSession(channel, { client: true }).openStream();
  await settled();
  const bytes = pattern(40_000);
  const writing = stream.write(bytes);
  bytes.fill(0);
  await writing;
  assert.deepEqual(channel.written, []);
  assert.deepEqual(batches.map((parts) => parts.length), [1, 2]);
  assert.deepEqual(concat(...batches[1]!), wire.data(1, pattern(40_000)));
});
