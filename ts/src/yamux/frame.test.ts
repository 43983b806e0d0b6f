import assert from "node:assert/strict";
import { test } from "node:test";
import { readSharedJson } from "../testing/repository.js";
import { wire } from "../testing/yamux_wire.js";
import { type YamuxErrorCode, YamuxError } from "./errors.js";
import { decodeHeader, encodeHeader, HEADER_LEN } from "./frame.js";

interface SharedHeader {
  readonly name: string;
  readonly header_hex: string;
  readonly type: number;
  readonly flags: number;
  readonly stream_id: number;
  readonly length: number;
}
interface SharedRefusal {
  readonly name: string;
  readonly header_hex: string;
  readonly error: YamuxErrorCode;
}
const shared = readSharedJson("testdata/yamux/headers.json") as { valid: SharedHeader[]; refused: SharedRefusal[] };
const unhex = (text: string) => Uint8Array.from(text.match(/../g) ?? [], (each) => parseInt(each, 16));

for (const { name, header_hex, type, flags, stream_id, length } of shared.valid) {
  test(`worked example, ${name}`, () => {
    const header = { type, flags, streamId: stream_id, length };
    assert.deepEqual(encodeHeader(header), unhex(header_hex));
    assert.deepEqual(decodeHeader(unhex(header_hex)), { version: 0, ...header });
  });
}

for (const { name, header_hex, error: code } of shared.refused) {
  test(`refused, ${name}`, () => {
    assert.throws(() => decodeHeader(unhex(header_hex)), (error) => error instanceof YamuxError && error.code === code);
  });
}

test("both tables have rows", () => {
  assert.ok(shared.valid.length >= 9 && shared.refused.length >= 7);
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
