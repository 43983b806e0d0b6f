// The means of the capture tests: they find what is there, and read what a client of ours did not write.
import assert from "node:assert/strict";
import { test } from "node:test";
import { framesOf, isSeen, unseal } from "./captured.mjs";

const head = "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n";
/** One masked frame of a client. */
function frame(opcode, text) {
  const payload = Buffer.from(text);
  const mask = Buffer.from([1, 2, 3, 4]);
  const length = payload.length < 126 ? Buffer.from([0x80 | payload.length]) : Buffer.from([0xfe, payload.length >> 8, payload.length & 255]);
  return Buffer.concat([Buffer.from([0x80 | opcode]), length, mask, payload.map((byte, i) => byte ^ mask[i % 4])]);
}
const seenIn = (secret, ...frames) => isSeen(secret, [{ client: Buffer.concat([Buffer.from(head), ...frames]), server: Buffer.alloc(0) }]);

test("a text is found behind a mask and in every writing", () => {
  const secret = "Meet me at the lighthouse";
  const bytes = Buffer.from(secret);
  for (const shift of ["", "x", "xy", "xyz"]) {
    const written = Buffer.from(shift + secret);
    for (const text of [written, written.toString("hex"), written.toString("base64"), written.toString("base64url")]) {
      assert.ok(seenIn(secret, frame(1, "first"), frame(2, text)), `${shift} ${text}`);
      assert.ok(seenIn(bytes, frame(2, `${"long ".repeat(50)}${text}`)));
    }
  }
  assert.ok(seenIn('say "hi"', frame(1, JSON.stringify({ a: 'say "hi"' }))));
  assert.ok(seenIn(secret, frame(2, Buffer.from(secret, "utf16le"))));
  assert.ok(!seenIn(secret, frame(1, "Meet me at the lightship")));
});

test("frames are read up to the last whole one", () => {
  const bytes = Buffer.concat([Buffer.from(head), frame(1, "a"), frame(9, ""), frame(2, "b".repeat(300))]);
  assert.deepEqual(framesOf(bytes).map(({ opcode, payload }) => [opcode, payload.length]), [[1, 1], [9, 0], [2, 300]]);
  assert.equal(framesOf(bytes.subarray(0, -1)).length, 2);
});

test("the sealed key of the specification's vector is opened", () => {
  const open = { channel_id: "ow-test-channel-0001", sealed_psk_b64u: "u3I5RMw41QpBtvUcogAZc_N5h3YCTHVWIJV-wlNXgFU3--kpDCIw4HbtoRHdZgvchR3AxcbmFHI9kllRQ3ewZJjCfhxRsJzzOXGX_Mxx1fM" };
  const psk = unseal(open, "kpfW8bQ24Ez8s2ABsLRvPEy_30G-IvqOQ2Y6kRHpjXg");
  assert.equal(psk.toString("base64url"), "oKGio6SlpqeoqaqrrK2ur7CxsrO0tba3uLm6u7y9vr8");
  assert.throws(() => unseal({ ...open, channel_id: "ow-test-channel-0002" }, "kpfW8bQ24Ez8s2ABsLRvPEy_30G-IvqOQ2Y6kRHpjXg"));
});
