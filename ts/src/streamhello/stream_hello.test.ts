import assert from "node:assert/strict";
import { test } from "node:test";
import { frameOf, ScriptedStream } from "../testing/rpc_stream.js";
import { readStreamHello, StreamHelloError, writeStreamHello } from "./stream_hello.js";

test("the worked hello is byte-exact, in one write", async () => {
  const stream = new ScriptedStream();
  await writeStreamHello(stream.write, "rpc");
  assert.equal(stream.written.length, 1);
  assert.deepEqual(stream.written[0], frameOf('{"kind":"rpc","v":1}'));
  assert.equal(stream.written[0]?.length, 24);
});

test("what is written is read, and nothing behind it", async () => {
  const stream = new ScriptedStream();
  await writeStreamHello(stream, " echo ä ");
  stream.arriveBytes(stream.written[0] as Uint8Array);
  stream.arriveBytes(Uint8Array.of(1, 2, 3));
  assert.deepEqual(await readStreamHello(stream), { kind: " echo ä ", v: 1 });
  assert.deepEqual(await stream.readExactly(3), Uint8Array.of(1, 2, 3));
});

test("other spellings of the same hello are read", async () => {
  for (const text of ['{ "v": 1, "kind": "a" }', '{"kind":"a","v":1,"more":[]}', '{"v":1,"kind":"\\u0061"}']) {
    const stream = new ScriptedStream();
    stream.arrive(text);
    assert.equal((await readStreamHello(stream.readExactly)).kind, "a");
  }
});

const bad: unknown[] = [
  { kind: "a", v: 2 }, { kind: "a", v: 0 }, { kind: "", v: 1 }, { kind: "a" }, { v: 1 }, { kind: 5, v: 1 },
  { kind: "a", v: "1" }, { kind: null, v: 1 }, { Kind: "a", v: 1 }, "[]", "null", "{", '{"kind":"a","v":1}x', '{"kind":"\\ud800","v":1}',
  Uint8Array.of(0x7b, 0xff, 0x7d),
];
for (const value of bad) {
  test(`${value instanceof Uint8Array ? "no UTF-8" : JSON.stringify(value)} is refused`, async () => {
    const stream = new ScriptedStream();
    stream.arrive(value);
    await assert.rejects(readStreamHello(stream.readExactly), StreamHelloError);
  });
}

test("8192 bytes are read and written, one more is not", async () => {
  const overhead = '{"kind":"","v":1}'.length;
  const longest = "k".repeat(8192 - overhead);
  const stream = new ScriptedStream();
  await writeStreamHello(stream.write, longest);
  stream.arriveBytes(stream.written[0] as Uint8Array);
  assert.equal((await readStreamHello(stream.readExactly)).kind, longest);
  await assert.rejects(writeStreamHello(stream.write, `${longest}k`), { name: "JsonFramingError", code: "too_long" });
  stream.arrive({ kind: `${longest}k`, v: 1 });
  await assert.rejects(readStreamHello(stream.readExactly), { name: "JsonFramingError", code: "bad_length" });
});

test("an empty kind, or one that is no text, is not written; failures of the stream are passed on", async () => {
  const stream = new ScriptedStream();
  await assert.rejects(writeStreamHello(stream.write, ""), StreamHelloError);
  await assert.rejects(writeStreamHello(stream.write, "\ud800"), StreamHelloError);
  assert.deepEqual(stream.written, []);
  const failure = new Error("io");
  await assert.rejects(writeStreamHello(() => Promise.reject(failure), "a"), failure);
  stream.end(failure);
  await assert.rejects(readStreamHello(stream.readExactly), failure);
});

test("the text of a hello may come in any pieces", async () => {
  const stream = new ScriptedStream();
  const reading = readStreamHello(stream.readExactly);
  for (const byte of frameOf({ kind: "rpc", v: 1 })) stream.arriveBytes(Uint8Array.of(byte));
  assert.deepEqual(await reading, { kind: "rpc", v: 1 });
});
