// JSON frames: values come back whatever the portions; a length is checked before anything is asked for.
import assert from "node:assert/strict";
import fc from "fast-check";
import { concat, utf8 } from "../base/index.js";
import { bytes, changed, count, EndOfPortions, eventually, isOneOf, json, Portions, property, someCuts, split, wildText } from "../testing/properties.js";
import { ByteReader } from "../yamux/byte_reader.js";
import { encodeFrame, JsonFramingError, readJsonFrame, writeJsonFrame } from "./json_frame.js";

property("values come back in their order, whatever the portions", [fc.array(json(), { minLength: 1, maxLength: 5 }), someCuts(400)], async (values, cuts) => {
  const written: Uint8Array[] = [];
  for (const value of values) await writeJsonFrame(async (frame) => void written.push(frame), value);
  const portions = split(concat(...written), cuts).filter(({ length }) => length > 0);
  const reader = new ByteReader(async (most) => {
    const portion = portions.shift() ?? null;
    if (portion && portion.length > most) portions.unshift(portion.subarray(most));
    return portion && portion.subarray(0, most);
  });
  for (const value of values) assert.deepEqual(await readJsonFrame(reader), JSON.parse(JSON.stringify(value)));
  assert.equal(reader.bufferedBytes(), 0);
});

const frames = () => fc.array(wildText(60), { minLength: 1, maxLength: 3 }).map((texts) => concat(...texts.map((text) => encodeFrame(text))));

property("any bytes, and frames with something changed: values, then a refusal; never more is asked for than the limit", [fc.oneof(bytes(), changed(frames())), count(1, 300)], async (given, most) => {
  const portions = new Portions([given]);
  for (;;) {
    const value = await eventually(async () => ({ is: await readJsonFrame(portions, most) }), isOneOf(JsonFramingError, EndOfPortions));
    if (value === undefined) break;
  }
  assert.ok(portions.mostAsked <= Math.max(4, most));
});

property("a frame of the limit is written and read, one of a byte more is neither", [count(2, 200), fc.integer({ min: 0, max: 1 })], async (most, over) => {
  const value = "x".repeat(most - 2 + over);
  const frame = encodeFrame(JSON.stringify(value), 1000);
  const written = await eventually(() => writeJsonFrame(async () => {}, value, most).then(() => true), isOneOf(JsonFramingError));
  const read = await eventually(async () => readJsonFrame(new Portions([frame]), most), isOneOf(JsonFramingError));
  assert.deepEqual([written, read], over === 0 ? [true, value] : [undefined, undefined]);
  assert.equal(utf8(JSON.stringify(value)).length, most + over);
});
