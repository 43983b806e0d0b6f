// Records: whatever comes is opened as it was sealed, or refused with a RecordError.
import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeU64beBigint, encodeU64beBigint } from "../e2ee/formats.js";
import { bytes, changed, eventually, isOneOf, lean, property, refusedOr } from "../testing/properties.js";
import { forged, makeOpener } from "../testing/record_fixture.js";
import { RecordError } from "./error.js";
import { checkFrame, looksLikeRecord, newFrame, recordOverheadBytes, type RecordKind } from "./frame.js";

const kinds = () => fc.constantFrom<RecordKind>(0, 1, 2);
const sequences = () => fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const frames = () => fc.tuple(kinds(), sequences(), fc.nat(300)).map((parts) => newFrame(...parts));

property("a header comes back as it was made", [kinds(), sequences(), fc.nat(2000)], (kind, sequence, length) => {
  const frame = newFrame(kind, sequence, length);
  assert.equal(checkFrame(frame, sequence, recordOverheadBytes + length), kind);
  assert.throws(() => checkFrame(frame, sequence ^ 1n, 4000), { code: "bad_sequence" });
  assert.throws(() => checkFrame(frame, sequence, recordOverheadBytes + length - 1), { code: "too_large" });
});

property("any bytes, and records with something changed: a kind or a RecordError; the tunnel sees what an endpoint does", [fc.oneof(bytes(), changed(frames()))], (given) => {
  const kind = lean(() => refusedOr(() => checkFrame(given, undefined, 1000), isOneOf(RecordError)));
  if (kind !== undefined) assert.ok(looksLikeRecord(given, 1000));
  else if (looksLikeRecord(given, 1000)) assert.ok(given.length > 1000 || (given[5] as number) > 2, "only size and flags are not the tunnel's business");
});

property("a header with any other byte in one place is refused for that place", [frames(), fc.nat(255)], (frame, byte) => {
  const codes = ["bad_magic", "bad_magic", "bad_magic", "bad_magic", "bad_version", "bad_flags"];
  for (const [at, code] of codes.entries()) {
    const other = frame.slice();
    other[at] = byte;
    if (byte === frame[at] || (code === "bad_flags" && byte <= 2)) assert.equal(checkFrame(other, undefined, 1000), other[5]);
    else assert.throws(() => checkFrame(other, undefined, 1000), { code });
  }
});

property("a number of 64 bits comes back as it was made", [sequences()], (value) => {
  assert.equal(decodeU64beBigint(encodeU64beBigint(value)), value);
});

const plaintexts = () => fc.array(bytes(200), { minLength: 1, maxLength: 5 });
const edits = () => fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 3 });

property("records open as they were sealed until one of which any byte is changed, which is the end", [plaintexts(), fc.nat(), edits()], async (texts, which, places) => {
  const opener = await makeOpener();
  const bad = which % (texts.length + 1);
  for (const [i, text] of texts.entries()) {
    const frame = forged(0, BigInt(i + 1), text);
    if (i < bad) {
      const { kind, plaintext } = opener.open(frame);
      assert.deepEqual([kind, await plaintext], [0, text]);
      continue;
    }
    const other = frame.slice();
    for (const [at, by] of places) other[at % other.length]! ^= by;
    if (Buffer.compare(other, frame) === 0) return; // changed back
    assert.equal(await eventually(async () => opener.open(other).plaintext, isOneOf(RecordError)), undefined);
    assert.throws(() => opener.open(frame), { code: "closed" });
    return;
  }
});

property("any bytes in place of the next record: a RecordError", [fc.oneof(bytes(), changed(fc.constant(forged(0, 1n, "text"))))], async (given) => {
  const opener = await makeOpener();
  const opened = await eventually(async () => opener.open(given).plaintext, isOneOf(RecordError));
  if (opened !== undefined) assert.deepEqual(given, forged(0, 1n, "text"));
});
