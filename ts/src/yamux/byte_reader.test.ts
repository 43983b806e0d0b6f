import assert from "node:assert/strict";
import { test } from "node:test";
import { concat } from "../base/index.js";
import { pattern } from "../testing/yamux_wire.js";
import { ByteReader } from "./byte_reader.js";
import { isStreamEOFError } from "./errors.js";

/** Gives these chunks whatever is asked, then the end. */
const given = (...chunks: Uint8Array[]) => new ByteReader(async () => chunks.shift() ?? null);

test("sizes and chunkings give exactly what was asked", async () => {
  const all = pattern(100);
  for (const piece of [1, 7, 33, 99, 100]) {
    for (const portion of [1, 2, 50, 99, 100]) {
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < all.length; at += piece) chunks.push(all.subarray(at, at + piece));
      const reader = given(...chunks);
      const got: Uint8Array[] = [];
      for (let at = 0; at + portion <= all.length; at += portion) got.push(await reader.readExactly(portion));
      assert.deepEqual(concat(...got), all.subarray(0, got.length * portion));
      assert.ok(got.every(({ length }) => length === portion));
    }
  }
});

test("what came too early stays, and is counted", async () => {
  const reader = given(pattern(10), pattern(10, 10));
  assert.equal(reader.bufferedBytes(), 0);
  await reader.readExactly(3);
  assert.equal(reader.bufferedBytes(), 7);
  await reader.discardExactly(9);
  assert.deepEqual(await reader.readExactly(8), pattern(8, 12));
  assert.equal(reader.bufferedBytes(), 0);
});

test("a source is told what is missing, so that nothing is left in the reader", async () => {
  const asked: number[] = [];
  const reader = new ByteReader(async (maxBytes) => {
    asked.push(maxBytes);
    return pattern(Math.min(maxBytes, 3));
  });
  await reader.readExactly(4);
  await reader.readExactly(2);
  await reader.discardExactly(5);
  assert.deepEqual(asked, [4, 1, 2, 5, 2]);
});

test("the end before the last byte is an error, and what came stays", async () => {
  const reader = given(pattern(5));
  await assert.rejects(reader.readExactly(6), isStreamEOFError);
  await assert.rejects(given(pattern(5)).discardExactly(6), isStreamEOFError);
  assert.deepEqual(await reader.readExactly(5), pattern(5));
  assert.deepEqual(await reader.readExactly(0), new Uint8Array(0));
  await assert.rejects(reader.readExactly(1), isStreamEOFError);
});

test("a failure of the source is passed on", async () => {
  const failure = new Error("source");
  const reader = new ByteReader(() => Promise.reject(failure));
  await assert.rejects(reader.readExactly(1), failure);
});
