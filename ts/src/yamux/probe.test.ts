import assert from "node:assert/strict";
import { test } from "node:test";
import { concat } from "../base/index.js";
import { ManualClock } from "../testing/manual_clock.js";
import { ScriptedChannel, settled } from "../testing/yamux_channel.js";
import { pattern, wire } from "../testing/yamux_wire.js";
import { DEFAULT_MAX_STREAM_WINDOW } from "./limits.js";
import { YamuxSession } from "./session.js";
import { tune } from "./wide_windows.js";

test("a probe is answered by a record in which a stream's bytes ask for another", async () => {
  const half = DEFAULT_MAX_STREAM_WINDOW / 2;
  const [channel, clock] = [new ScriptedChannel(), new ManualClock()];
  const session = new YamuxSession(channel, { client: true, clock, wide: { tune } });
  const stream = await session.openStream();
  const received = (async () => {
    let bytes = 0;
    while (bytes < half) bytes += (await stream.read())?.length ?? assert.fail("ended");
  })();
  const probing = session.probeLiveness();
  await settled();
  channel.arrive(wire.data(1, pattern(half - 1)));
  await settled();
  clock.advance(40);
  channel.arrive(concat(wire.pong(1), wire.data(1, pattern(1))));
  await received;
  assert.equal(await probing, 40);
  assert.equal(clock.pending, 0);
});
