import assert from "node:assert/strict";
import { test } from "node:test";
import { AbortError, concat } from "../base/index.js";
import { readStreamHello, writeStreamHello } from "../streamhello/index.js";
import { frameOf } from "../testing/rpc_stream.js";
import { channelPair, CountingSignal, ScriptedChannel, settled } from "../testing/yamux_channel.js";
import { pattern, wire } from "../testing/yamux_wire.js";
import { YamuxSession, type YamuxStream } from "../yamux/index.js";
import { createByteReader, createJsonFrameChannel, openJsonFrameChannel, readExactly, readMaybe, readNBytes } from "./stream_io.js";

async function scripted() {
  const channel = new ScriptedChannel();
  const session = new YamuxSession(channel, { client: true });
  const stream = await session.openStream();
  await settled();
  channel.sent();
  return { channel, session, stream };
}

test("bytes behind a hello in the same data frame are kept, for the stream itself", async () => {
  for (const cut of [0, 1, 4, 23, 24, 25, 30]) {
    const channel = new ScriptedChannel();
    const incoming: YamuxStream[] = [];
    new YamuxSession(channel, { client: false, onIncomingStream: (stream) => incoming.push(stream) });
    const bytes = concat(frameOf({ kind: "rpc", v: 1 }), pattern(6));
    const frames = cut === 0 ? [wire.data(1, bytes)] : [wire.data(1, bytes.subarray(0, cut)), wire.data(1, bytes.subarray(cut))];
    channel.arrive(wire.open(1), ...frames, wire.close(1));
    await settled();
    const stream = incoming[0] as YamuxStream;
    assert.deepEqual(await readStreamHello(createByteReader(stream)), { kind: "rpc", v: 1 });
    const rest: Uint8Array[] = [];
    for await (const chunk of stream) rest.push(chunk);
    assert.deepEqual(concat(...rest), pattern(6), `cut at ${cut}`);
  }
});

test("a hello has a data frame of its own", async () => {
  const { channel, stream } = await scripted();
  await Promise.all([writeStreamHello(stream, "echo"), stream.write(pattern(3))]);
  assert.deepEqual(channel.sent(), ["data 1 25", "data 1 3"]);
});

test("readMaybe gives a chunk, then null", async () => {
  const { channel, stream } = await scripted();
  channel.arrive(wire.data(1, pattern(3)), wire.close(1));
  assert.deepEqual(await readMaybe(stream), pattern(3));
  assert.equal(await readMaybe(stream), null);
});

test("readNBytes gives one array, tells its progress, and rounds what is no count", async () => {
  const { channel, stream } = await scripted();
  channel.arrive(wire.data(1, pattern(100)));
  const reader = createByteReader(stream);
  const progress: number[] = [];
  assert.deepEqual(await readNBytes(reader, 10.9, { chunkSize: 4, onProgress: (total) => progress.push(total) }), pattern(10));
  assert.deepEqual(progress, [4, 8, 10]);
  for (const none of [0, -5, NaN]) assert.deepEqual(await readNBytes(reader, none), new Uint8Array(0));
  assert.deepEqual(await readExactly(reader, 5), pattern(5, 10));
  for (const bad of [0, -1, NaN]) await assert.rejects(readNBytes(reader, 5, { chunkSize: bad }), RangeError);
  channel.arrive(wire.close(1));
  await assert.rejects(readNBytes(reader, 86), { name: "StreamEOFError" });
});

test("one read may be given up: nothing is lost, the stream and the reader go on", async () => {
  const { channel, stream } = await scripted();
  const reader = createByteReader(stream);
  channel.arrive(wire.data(1, pattern(4)));
  for (const read of [readExactly, readNBytes]) {
    const counted = new CountingSignal();
    const waiting = read(reader, 10, { signal: counted.signal });
    await settled();
    counted.abort("enough");
    await assert.rejects(waiting, { name: "AbortError", cause: "enough" });
    assert.equal(counted.listeners, 0);
  }
  channel.arrive(wire.data(1, pattern(6, 4)));
  assert.deepEqual(await readExactly(reader, 10), pattern(10));
});

test("signals that fired before stop the helpers before they read", async () => {
  const { channel, stream } = await scripted();
  channel.arrive(wire.data(1, pattern(10)));
  const reader = createByteReader(stream);
  const signal = AbortSignal.abort("why");
  await assert.rejects(readExactly(reader, 1, { signal }), { name: "AbortError", cause: "why" });
  await assert.rejects(readNBytes(reader, 1, { signal }), { name: "AbortError", cause: "why" });
  assert.deepEqual(await readExactly(reader, 10), pattern(10));
});

test("a signal that fires between two steps stops readNBytes", async () => {
  const { channel, stream } = await scripted();
  channel.arrive(wire.data(1, pattern(10)));
  const controller = new AbortController();
  const reading = readNBytes(createByteReader(stream), 10, { chunkSize: 5, signal: controller.signal, onProgress: () => controller.abort("now") });
  await assert.rejects(reading, { name: "AbortError", cause: "now" });
});

test("progress that fails, at once or later, ends readNBytes", async () => {
  for (const onProgress of [() => { throw new Error("theirs"); }, async () => { throw new Error("theirs"); }]) {
    const { channel, stream } = await scripted();
    channel.arrive(wire.data(1, pattern(10)));
    await assert.rejects(readNBytes(createByteReader(stream), 10, { onProgress }), { message: "theirs" });
  }
});

test("a reader's signal resets the stream: before, while it reads, between reads", async () => {
  for (const when of ["before", "while", "between"]) {
    const { channel, session, stream } = await scripted();
    const counted = new CountingSignal();
    if (when === "before") counted.abort("why");
    const reader = createByteReader(stream, { signal: counted.signal });
    const reading = when === "while" ? reader.readExactly(1) : undefined;
    reading?.catch(() => {});
    await settled();
    if (when !== "before") counted.abort("why");
    await assert.rejects(reading ?? reader.readExactly(1), (error) => error instanceof AbortError && error.cause === "why");
    await settled();
    assert.deepEqual([channel.sent(), session.activeStreams, counted.listeners], [["update 1 rst 0"], 0, 0], when);
  }
});

test("a reader's listener goes away with the end of its stream, in order or not", async () => {
  for (const end of [wire.close(1), wire.reset(1)]) {
    const { channel, stream } = await scripted();
    const counted = new CountingSignal();
    const reader = createByteReader(stream, { signal: counted.signal });
    assert.equal(counted.listeners, 1);
    channel.arrive(end);
    await assert.rejects(reader.readExactly(1), { name: end[3] === 4 ? "StreamEOFError" : "YamuxStreamResetError" });
    assert.equal(counted.listeners, 0);
  }
});

test("frames and raw bytes take turns on a channel", async () => {
  const [here, there] = channelPair(1000, 7);
  const server = new YamuxSession(there, {
    client: false,
    onIncomingStream: async (stream) => {
      const frames = createJsonFrameChannel(stream);
      const { count } = await frames.readFrame({ assert: (value) => value as { count: number } });
      await frames.writeFrame({ ok: true });
      await frames.stream.write(pattern(count));
      await frames.close();
    },
  });
  const session = new YamuxSession(here, { client: true });
  const opened: unknown[] = [];
  const client = {
    openStream: (kind: string, options?: unknown) => {
      opened.push([kind, options]);
      return session.openStream();
    },
  };
  const counted = new CountingSignal();
  const frames = await openJsonFrameChannel(client, "meta_bytes", { signal: counted.signal });
  assert.deepEqual(opened, [["meta_bytes", { signal: counted.signal }]]);
  await frames.writeFrame({ count: 5000 });
  assert.deepEqual(await frames.readFrame(), { ok: true });
  assert.deepEqual(await readNBytes(frames.reader, 5000), pattern(5000));
  await assert.rejects(frames.readFrame(), { name: "StreamEOFError" });
  await frames.close();
  await settled();
  assert.deepEqual([session.activeStreams, server.activeStreams, counted.listeners], [0, 0, 0]);
});

test("a limit that cannot be is refused before a stream is opened", async () => {
  const { session } = await scripted();
  for (const maxJsonFrameBytes of [-1, NaN, Infinity]) {
    await assert.rejects(openJsonFrameChannel({ openStream: () => session.openStream() }, "meta_bytes", { maxJsonFrameBytes }), RangeError);
  }
  assert.equal(session.activeStreams, 1);
});

test("a channel's limits hold in both directions, and can be changed for one frame", async () => {
  const { channel, stream } = await scripted();
  const frames = createJsonFrameChannel(stream, { maxJsonFrameBytes: 10 });
  await assert.rejects(frames.writeFrame("123456789"), { code: "too_long" });
  await frames.writeFrame("12345678");
  channel.arrive(wire.data(1, frameOf('"123456789"')));
  assert.equal(await frames.readFrame({ maxBytes: 11 }), "123456789");
  channel.arrive(wire.data(1, frameOf('"123456789"')));
  await assert.rejects(frames.readFrame(), { code: "bad_length" });
  for (const bad of [-1, Infinity, NaN]) assert.throws(() => createJsonFrameChannel(stream, { maxJsonFrameBytes: bad }), RangeError);
  assert.doesNotThrow(() => createJsonFrameChannel(stream, { maxJsonFrameBytes: 0 }));
});

test("what assert throws is passed on", async () => {
  const { channel, stream } = await scripted();
  channel.arrive(wire.data(1, frameOf(5)));
  const failure = new TypeError("not mine");
  await assert.rejects(createJsonFrameChannel(stream).readFrame({ assert: () => { throw failure; } }), failure);
});
