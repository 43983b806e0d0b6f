import assert from "node:assert/strict";
import { test } from "node:test";
import { concat } from "../base/index.js";
import { pattern } from "../testing/yamux_wire.js";
import { ReceiveQueue } from "./receive_queue.js";

/** Memory that is kept alive by what a queue gave out. */
function memoryOf(chunks: Uint8Array[]): number {
  const buffers = new Set(chunks.map((chunk) => chunk.buffer));
  return [...buffers].reduce((sum, buffer) => sum + buffer.byteLength, 0);
}

function drain(queue: ReceiveQueue): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let chunk = queue.takeChunk(); chunk !== undefined; chunk = queue.takeChunk()) chunks.push(chunk);
  return chunks;
}

test("sizes, chunkings and portions keep every byte in order", () => {
  const sizes = [1, 511, 512, 513, 4095, 4096, 4097, 16_383, 16_384, 16_385, 40_000];
  for (const size of sizes) {
    for (const portion of [1, 100, 4096, Infinity]) {
      if (portion === 1 && size > 5000) continue;
      const queue = new ReceiveQueue();
      const all = pattern(size * 3);
      for (let i = 0; i < 3; i++) queue.push(all.slice(i * size, (i + 1) * size));
      const got: Uint8Array[] = [];
      while (queue.length > 0) {
        const chunk = queue.takeChunk(portion) as Uint8Array;
        assert.ok(chunk.length > 0 && chunk.length <= portion);
        got.push(chunk);
      }
      assert.deepEqual(concat(...got), all, `${size} by ${portion}`);
      assert.equal(queue.takeChunk(), undefined);
    }
  }
});

test("a small slice does not keep its record alive", () => {
  const queue = new ReceiveQueue();
  for (let i = 0; i < 1000; i++) queue.push(new Uint8Array(65_536).subarray(100, 101));
  const chunks = drain(queue);
  assert.equal(chunks.length, 2);
  assert.ok(memoryOf(chunks) <= 2048, String(memoryOf(chunks)));
});

test("a slice that is most of its buffer is not copied", () => {
  const queue = new ReceiveQueue();
  const record = pattern(8192);
  queue.push(record.subarray(12));
  assert.equal(queue.takeChunk()?.buffer, record.buffer);
});

test("a large slice that is less than half of its buffer does not keep the rest alive", () => {
  const half = new ReceiveQueue();
  half.push(pattern(16_384).subarray(0, 8192));
  assert.equal(memoryOf(drain(half)), 16_384); // a view
  const less = new ReceiveQueue();
  less.push(pattern(16_384).subarray(0, 8191));
  assert.equal(memoryOf(drain(less)), 8191); // a copy
});

test("large slices between small ones leave no half-empty chunks behind", () => {
  const queue = new ReceiveQueue();
  let held = 0;
  for (let i = 0; i < 50; i++) {
    queue.push(pattern(1));
    queue.push(pattern(4096));
    held += 4097;
  }
  assert.ok(memoryOf(drain(queue)) <= held + 16_384);
});

test("what a reader has is not written to any more", () => {
  const queue = new ReceiveQueue();
  queue.push(Uint8Array.of(1, 2, 3));
  const first = queue.takeChunk(2) as Uint8Array;
  queue.push(Uint8Array.of(4, 5));
  assert.deepEqual([...first], [1, 2]);
  assert.deepEqual([...concat(...drain(queue))], [3, 4, 5]);
  assert.deepEqual([...first], [1, 2]);
});

test("a queue that never empties forgets what was taken", () => {
  const queue = new ReceiveQueue();
  queue.push(pattern(5000));
  for (let i = 0; i < 1000; i++) {
    queue.push(pattern(5000));
    assert.equal(queue.takeChunk()?.length, 5000);
  }
  assert.equal(queue.length, 5000);
  queue.clear();
  assert.equal(queue.length, 0);
  assert.equal(queue.takeChunk(), undefined);
});
