// Stream hellos: a kind comes back; anything else is refused with one of two errors.
import assert from "node:assert/strict";
import fc from "fast-check";
import { concat } from "../base/index.js";
import { encodeFrame, JsonFramingError } from "../framing/index.js";
import { bytes, changed, changedJson, EndOfPortions, eventually, isOneOf, Portions, property, wholeText, wildText } from "../testing/properties.js";
import { readStreamHello, StreamHelloError, writeStreamHello } from "./stream_hello.js";

async function written(kind: string): Promise<Uint8Array> {
  const frames: Uint8Array[] = [];
  await writeStreamHello(async (frame) => void frames.push(frame), kind);
  return concat(...frames);
}

property("a kind comes back as it was sent, and nothing behind it is read", [wholeText(1, 300), bytes(20)], async (kind, behind) => {
  const portions = new Portions([await written(kind), behind]);
  assert.deepEqual(await readStreamHello(portions), { kind, v: 1 });
  assert.deepEqual(await portions.readExactly(behind.length), behind);
});

property("any text as a kind: it is written, or refused with a StreamHelloError or JsonFramingError", [fc.oneof(wildText(), wildText(9000))], async (kind) => {
  const frame = await eventually(() => written(kind), isOneOf(StreamHelloError, JsonFramingError));
  if (frame !== undefined) assert.equal((await readStreamHello(new Portions([frame]))).kind, kind);
});

property("a hello is one of version 1 with a kind", [fc.oneof(fc.constant(""), wholeText()), fc.oneof(fc.constant(1), fc.nat(3))], async (kind, v) => {
  const hello = await eventually(() => readStreamHello(new Portions([encodeFrame(JSON.stringify({ kind, v }))])), isOneOf(StreamHelloError));
  assert.deepEqual(hello, v === 1 && kind !== "" ? { kind, v } : undefined);
});

const hellos = () => fc.oneof(
  bytes(),
  wildText().map((text) => encodeFrame(text)),
  changedJson(fc.constant({ kind: "echo", v: 1 })).map((value) => encodeFrame(JSON.stringify(value))),
  changed(fc.constant(encodeFrame('{"kind":"echo","v":1}'))),
);

property("any bytes, and hellos with something changed: a kind, or one of the two errors; no more than 8192 bytes are asked for", [hellos()], async (given) => {
  const portions = new Portions([given]);
  const hello = await eventually(() => readStreamHello(portions), isOneOf(StreamHelloError, JsonFramingError, EndOfPortions));
  if (hello !== undefined) assert.ok(hello.v === 1 && typeof hello.kind === "string" && hello.kind !== "");
  assert.ok(portions.mostAsked <= 8192);
});
