import assert from "node:assert/strict";
import { test } from "node:test";
import { wire } from "../testing/yamux_wire.js";
import { type YamuxErrorCode, YamuxError } from "./errors.js";
import { decodeHeader, encodeHeader, HEADER_LEN } from "./frame.js";

const hex = (bytes: Uint8Array) => Array.from(bytes, (each) => each.toString(16).padStart(2, "0")).join("");
const unhex = (text: string) => Uint8Array.from(text.replaceAll(" ", "").match(/../g) ?? [], (each) => parseInt(each, 16));

test("worked examples are byte-exact", () => {
  const rows: [Uint8Array, string][] = [
    [wire.open(1), "0001 0001 00000001 00000000"],
    [wire.ack(1), "0001 0002 00000001 00000000"],
    [wire.close(1), "0001 0004 00000001 00000000"],
    [wire.reset(1), "0001 0008 00000001 00000000"],
    [wire.credit(1, 131072), "0001 0000 00000001 00020000"],
    [wire.ping(9), "0002 0001 00000000 00000009"],
    [wire.pong(9), "0002 0002 00000000 00000009"],
    [wire.goAway(1), "0003 0000 00000000 00000001"],
    [wire.data(1, new Uint8Array(24)).subarray(0, HEADER_LEN), "0000 0000 00000001 00000018"],
  ];
  for (const [bytes, text] of rows) {
    assert.equal(hex(bytes), text.replaceAll(" ", ""));
    const { version, ...header } = decodeHeader(bytes);
    assert.equal(version, 0);
    assert.deepEqual(encodeHeader(header), bytes);
  }
});

test("all 32 bits of ids and lengths are kept", () => {
  const header = { type: 1, flags: 0xfff0, streamId: 0xffff_ffff, length: 0x8000_0001 };
  assert.deepEqual(decodeHeader(encodeHeader(header)), { version: 0, ...header });
});

test("a header is read where it lies, and not from fewer than 12 bytes", () => {
  const bytes = new Uint8Array(20);
  bytes.set(wire.credit(3, 7), 5);
  assert.equal(decodeHeader(bytes, 5).length, 7);
  for (let length = 0; length < HEADER_LEN; length++) {
    assert.throws(() => decodeHeader(wire.open(1).subarray(0, length)), RangeError);
  }
  assert.throws(() => decodeHeader(bytes, 9), RangeError);
});

test("other versions, other types and streams on the session's id are refused", () => {
  const rows: [string, YamuxErrorCode][] = [
    ["0102 0001 00000000 00000000", "bad_version"],
    ["ff00 0000 00000001 00000000", "bad_version"],
    ["0004 0000 00000001 00000000", "bad_type"],
    ["00ff 0001 00000000 00000000", "bad_type"],
    ["0000 0000 00000000 00000000", "stream_zero"],
    ["0001 0001 00000000 00000000", "stream_zero"],
  ];
  for (const [text, code] of rows) {
    assert.throws(() => decodeHeader(unhex(text)), (error) => error instanceof YamuxError && error.code === code, text);
  }
});
