// Wide windows from options to what leaves: offered by default, used when both sides have, and else not seen at all.
import assert from "node:assert/strict";
import { test } from "node:test";
import { connected, type World } from "../testing/world.js";
import { DEFAULT_MAX_STREAM_WINDOW as narrow, type YamuxLimits, type YamuxSession, type YamuxStream } from "../yamux/index.js";
import { offeredFeatures } from "./wide.js";

const bit = 0x0001_0000;
const off: YamuxLimits = { wideWindowSessionBytes: 0 };

test("the bit is offered unless nothing is set aside, beside whatever else is, as a u32", () => {
  assert.deepEqual(
    [offeredFeatures(), offeredFeatures(5), offeredFeatures(0xffff_ffff), offeredFeatures(0x8000_0000, {}), offeredFeatures(undefined, { wideWindowSessionBytes: 1 })],
    [bit, bit + 5, 0xffff_ffff, 0x8001_0000, bit],
  );
  assert.deepEqual([offeredFeatures(undefined, off), offeredFeatures(5, off), offeredFeatures(bit, off)], [0, 5, bit]);
});

interface Inner {
  mux: YamuxSession;
  options: { channel: { maxBufferedBytes: number; commonFeatures: number } };
}
const innerOf = ({ client }: World) => client as unknown as Inner;

/** The server sends so much on a stream that the client has opened; what is told of the client while it reads. */
async function download(world: World, bytes: number): Promise<{ most: number; over: number; room: number }> {
  const { client, session } = world;
  const serving = (async () => {
    await session.acceptStream(); // of calls
    const { stream } = await session.acceptStream();
    const portion = new Uint8Array(65_536);
    for (let left = bytes; left > 0; left -= portion.length) await stream.write(portion);
    await stream.close();
  })();
  const { mux, options } = innerOf(world);
  const stream: YamuxStream = await client.openStream("file");
  const [{ maxBufferedBytes }, { sessionBytes }] = [{ ...options.channel }, { sessionBytes: mux.core.limits.wideWindowSessionBytes }];
  let [received, most] = [0, 0];
  for await (const chunk of stream) {
    received += chunk.length;
    most = Math.max(most, mux.core.streams.get(stream.id)?.window ?? 0);
  }
  await serving;
  assert.equal(received, bytes);
  client.close();
  return { most, over: most - narrow - sessionBytes, room: options.channel.maxBufferedBytes - maxBufferedBytes };
}

test("a download opens the window where both sides offer it, within what is set aside, and the channel below has room for it", async () => {
  const world = await connected({ yamuxLimits: { wideWindowSessionBytes: 3 * narrow } });
  assert.equal(innerOf(world).options.channel.commonFeatures, bit);
  const { most, over, room } = await download(world, 32 * 1_048_576);
  assert.ok(most > narrow, "it grew");
  assert.ok(over <= 0);
  assert.equal(room, 3 * narrow);
});

for (const [name, clientOptions, serverOptions] of [
  ["the client", { yamuxLimits: off }, {}],
  ["the server", {}, { yamuxLimits: off }],
] as const) {
  test(`nothing of it is seen when ${name} does not offer it`, async () => {
    const world = await connected(clientOptions, serverOptions);
    assert.equal(innerOf(world).options.channel.commonFeatures, 0);
    const { most, room } = await download(world, 4 * 1_048_576);
    assert.deepEqual([most, room, innerOf(world).mux.core.probedAtMs], [narrow, 0, 0]);
  });
}

test("who offers the bit by hand and sets nothing aside lets the other's windows grow, and not its own", async () => {
  const world = await connected({ yamuxLimits: off, clientFeatures: bit });
  assert.equal(innerOf(world).options.channel.commonFeatures, bit);
  const { most, room } = await download(world, 4 * 1_048_576);
  assert.deepEqual([most, room], [narrow, 0]);
});

test("a ping of ours that waits for its answer is shared by whoever asks whether the peer is there", async () => {
  const world = await connected();
  const { client } = world;
  const { mux } = innerOf(world);
  mux.core.startProbe(mux.clock.monoMs());
  const ms = await client.probeLiveness();
  assert.equal(ms, mux.core.roundTripMs);
  client.close();
});
