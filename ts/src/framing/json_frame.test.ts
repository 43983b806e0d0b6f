import assert from "node:assert/strict";
import { test } from "node:test";
import { frameOf } from "../testing/rpc_stream.js";
import { DEFAULT_MAX_JSON_FRAME_BYTES, encodeFrame, type JsonFramingError, readFrameText, readJsonFrame, writeJsonFrame } from "./json_frame.js";

/** Reads from bytes, as a function and as an object. */
function readersOf(bytes: Uint8Array) {
  const make = () => {
    let at = 0;
    return async (n: number) => {
      if (at + n > bytes.length) throw new Error("end");
      return bytes.slice(at, (at += n));
    };
  };
  return [make(), { readExactly: make() }];
}

test("a frame is written in one piece and read back, by function and by object", async () => {
  for (const value of [{ a: [1, "ä", null] }, "text", 0, true, null, []]) {
    const written: Uint8Array[] = [];
    await writeJsonFrame((bytes) => void written.push(bytes), value);
    await writeJsonFrame({ write: async (bytes) => void written.push(bytes) }, value);
    const frame = frameOf(JSON.stringify(value));
    assert.deepEqual(written, [frame, frame]);
    for (const reader of readersOf(frame)) assert.deepEqual(await readJsonFrame(reader), value);
  }
});

test("a length of 0 or above the limit is refused before a byte of text is asked for", async () => {
  const asked: number[] = [];
  const header = (length: number) => async (n: number) => {
    asked.push(n);
    return Uint8Array.of(length >>> 24, length >>> 16, length >>> 8, length);
  };
  const bad = { name: "JsonFramingError", code: "bad_length" };
  await assert.rejects(readJsonFrame(header(0), 10), bad);
  await assert.rejects(readJsonFrame(header(11), 10), bad);
  await assert.rejects(readJsonFrame(header(DEFAULT_MAX_JSON_FRAME_BYTES + 1)), bad);
  await assert.rejects(readFrameText(header(0), 0), bad);
  assert.deepEqual(asked, [4, 4, 4, 4]);
});

test("the limit itself is read and written, one byte more is not", async () => {
  const ten = frameOf('"12345678"');
  const [reader] = readersOf(ten);
  assert.equal(await readJsonFrame(reader as (n: number) => Promise<Uint8Array>, 10), "12345678");
  await writeJsonFrame(() => {}, "12345678", 10);
  await assert.rejects(writeJsonFrame(() => assert.fail("written"), "123456789", 10), { code: "too_long" });
  await assert.rejects(writeJsonFrame(() => assert.fail("written"), "äääää", 10), { code: "too_long" }); // bytes, not letters
  assert.equal(encodeFrame("x".repeat(DEFAULT_MAX_JSON_FRAME_BYTES)).length, DEFAULT_MAX_JSON_FRAME_BYTES + 4);
  assert.throws(() => encodeFrame("x".repeat(DEFAULT_MAX_JSON_FRAME_BYTES + 1)), { code: "too_long" });
});

test("0 is no bound", async () => {
  const value = "x".repeat(DEFAULT_MAX_JSON_FRAME_BYTES);
  await assert.rejects(writeJsonFrame(() => {}, value), { code: "too_long" });
  let frame = new Uint8Array(0);
  await writeJsonFrame((bytes) => void (frame = new Uint8Array(bytes)), value, 0);
  for (const reader of readersOf(frame)) assert.equal(await readJsonFrame(reader, 0), value);
});

test("what is no JSON is told from what is too long, in both directions", async () => {
  for (const text of ["{", "", " ", "{} x", "\ufeff{}", Uint8Array.of(0x22, 0xff, 0x22)]) {
    const bytes = frameOf(text);
    const code = bytes.length === 4 ? "bad_length" : "invalid_json";
    for (const reader of readersOf(bytes)) {
      await assert.rejects(readJsonFrame(reader), (error: JsonFramingError) => {
        assert.equal(error.code, code);
        assert.equal(error.cause, undefined, "the engine's reason quotes the text");
        return true;
      });
    }
  }
  const self: unknown[] = [];
  self.push(self);
  for (const value of [undefined, () => 1, Symbol("s"), 1n, self]) {
    await assert.rejects(writeJsonFrame(() => assert.fail("written"), value), { name: "JsonFramingError", code: "not_json" });
  }
});

test("failures of reader and writer are passed on", async () => {
  const failure = new Error("io");
  await assert.rejects(readJsonFrame(() => Promise.reject(failure)), failure);
  await assert.rejects(writeJsonFrame(() => Promise.reject(failure), 1), failure);
  const [reader] = readersOf(frameOf("12345").subarray(0, 6));
  await assert.rejects(readJsonFrame(reader as (n: number) => Promise<Uint8Array>), { message: "end" });
});
