import assert from "node:assert/strict";
import { test } from "node:test";
import { concat } from "../base/index.js";
import { ScriptedChannel, settled } from "../testing/yamux_channel.js";
import { pattern, wire } from "../testing/yamux_wire.js";
import { isYamuxStreamResetError } from "./errors.js";
import { FLAG_FIN } from "./frame.js";
import { YamuxSession } from "./session.js";

test("what had arrived when the other side went is read before the error, and a stream that it had closed ends in order", async () => {
  const next = wire.data(3, pattern(20));
  for (let cut = 0; cut < next.length; cut++) await endsInOrder(next.subarray(0, cut));
});

/** The channel ends behind the part of a frame. */
async function endsInOrder(part: Uint8Array): Promise<void> {
  const channel = new ScriptedChannel();
  const session = new YamuxSession(channel, { client: true });
  const [closed, open, dropped] = [await session.openStream(), await session.openStream(), await session.openStream()];
  channel.arrive(concat(wire.data(1, pattern(1000), FLAG_FIN), wire.data(3, pattern(5)), wire.data(5, pattern(7), FLAG_FIN), part));
  await settled();
  const cause = new Error("gone");
  channel.fail(cause);
  await settled();
  assert.deepEqual([session.error?.code, session.error?.cause, session.unreadBytes, session.activeStreams], ["transport_closed", cause, 0, 0], `${part.length}`);
  assert.deepEqual(await closed.read({ maxBytes: 10 }), pattern(10));
  assert.deepEqual(await closed.read(), pattern(990, 10));
  assert.equal(await closed.read(), null);
  await assert.rejects(closed.write(pattern(1)), isYamuxStreamResetError);
  assert.deepEqual(await open.read(), concat(pattern(5), part.subarray(12)));
  await assert.rejects(open.read(), (error) => isYamuxStreamResetError(error) && error.cause === session.error);
  for await (const _ of dropped) break;
  await closed[Symbol.asyncDispose]();
  assert.equal(session.unreadBytes, 0);
}
