import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { WebSocketServer, type WebSocket } from "ws";
import { createNodeWsFactory } from "./factory.js";
import { maskedMessage } from "./masked.js";

const pattern = (length: number) => Uint8Array.from({ length }, (_, i) => i * 7 + (i >> 8));
/** Both sides of every form of the length, of a word, and of the memory that is used again. */
const lengths = [0, 1, 3, 4, 5, 125, 126, 127, 16_383, 16_384, 65_535, 65_536, 65_570, 73_712, 73_713, 200_000];

/** The header up to the mask, the mask, and the payload without it. */
function unmasked(frame: Uint8Array, headerBytes: number) {
  const mask = frame.slice(headerBytes, headerBytes + 4);
  return { header: [...frame.subarray(0, headerBytes)], mask, payload: frame.slice(headerBytes + 4).map((byte, i) => byte ^ (mask[i % 4] as number)) };
}

test("headers have the shortest form of the length; RFC 6455, 5.2", () => {
  const headerOf = (length: number, headerBytes: number) => unmasked(maskedMessage(new Uint8Array(length)).frame, headerBytes).header;
  assert.deepEqual(headerOf(0, 2), [0x82, 0x80]);
  assert.deepEqual(headerOf(125, 2), [0x82, 0x80 | 125]);
  assert.deepEqual(headerOf(126, 4), [0x82, 0x80 | 126, 0, 126]);
  assert.deepEqual(headerOf(65_535, 4), [0x82, 0x80 | 126, 0xff, 0xff]);
  assert.deepEqual(headerOf(65_536, 10), [0x82, 0x80 | 127, 0, 0, 0, 0, 0, 1, 0, 0]);
});

test("the payload is under the mask in front of it, wherever it lies in memory, and stays as it was", () => {
  for (const length of lengths) {
    for (const offset of [0, 1]) {
      const payload = new Uint8Array(length + offset).subarray(offset);
      payload.set(pattern(length));
      const { frame, release } = maskedMessage(payload);
      const headerBytes = length < 126 ? 2 : length < 65_536 ? 4 : 10;
      assert.equal(frame.length, headerBytes + 4 + length);
      assert.deepEqual(unmasked(frame, headerBytes).payload, pattern(length));
      assert.deepEqual(payload, pattern(length));
      release();
    }
  }
});

test("no two masks in a row are the same, over more than one fill of random numbers", () => {
  const masks = Array.from({ length: 2100 }, () => unmasked(maskedMessage(new Uint8Array(1)).frame, 2).mask.join());
  assert.ok(new Set(masks).size > 2090); // two of 2^32 may meet
});

test("memory is used again after its release and not before", () => {
  const [first, second] = [maskedMessage(new Uint8Array(20_000)), maskedMessage(new Uint8Array(20_000))];
  assert.notEqual(first.frame.buffer, second.frame.buffer);
  first.release();
  assert.equal(maskedMessage(new Uint8Array(65_570)).frame.buffer, first.frame.buffer);
  assert.notEqual(maskedMessage(new Uint8Array(20_000)).frame.buffer, first.frame.buffer);
});

test("however much is on its way at once, 16 buffers are kept", () => {
  const many = Array.from({ length: 40 }, () => maskedMessage(new Uint8Array(20_000)));
  const memory = new Set(many.map(({ frame }) => frame.buffer));
  for (const { release } of many) release();
  const again = Array.from({ length: 40 }, () => maskedMessage(new Uint8Array(20_000)));
  assert.equal(again.filter(({ frame }) => memory.has(frame.buffer)).length, 16);
});

test("a server that reads late gets text and binary in their order, as they were when sent, and the close behind them", async (t) => {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  t.after(() => server.close());
  await once(server, "listening");
  const accepted = once(server, "connection") as Promise<[WebSocket]>;
  const client = createNodeWsFactory()(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, "https://app.example");
  await new Promise((resolve) => client.addEventListener("open", resolve));
  const [peer] = await accepted;
  t.after(() => peer.terminate());
  const got: string[] = [];
  const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
  peer.on("message", (data: Buffer, isBinary) => got.push(isBinary ? digest(data) : data.toString()));
  peer.pause();
  const sent: string[] = [];
  // Until the network takes no more and messages wait in this process.
  while (client.bufferedAmount < 1_048_576) {
    for (const length of lengths) {
      const payload = pattern(length) as Uint8Array<ArrayBuffer>;
      sent.push(digest(payload), `after ${length}`);
      client.send(payload);
      client.send(`after ${length}`);
      payload.fill(0);
    }
  }
  client.close(1000, "done");
  client.send(new Uint8Array(3)); // too late: dropped, as `ws` does
  peer.resume();
  assert.deepEqual((await once(peer, "close")).map(String), ["1000", "done"]);
  assert.deepEqual(got, sent);
});
