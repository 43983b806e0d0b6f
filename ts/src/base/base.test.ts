import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hex, toHex } from "../testing/bytes.js";
import { CountedAbort } from "../testing/counted_signal.js";
import { ManualClock } from "../testing/manual_clock.js";
import { readSharedJson } from "../testing/repository.js";
import {
  AbortError, abortErrorOf, all, ByteQueue, concat, constantTimeEqual, Deadline, decodeBase64url, deferred, encodeBase64url,
  FlowersecError, fromUtf8, onAbort, randomBytes, readU16, readU32, readU64, then, TimeoutError, trimmed, utf8, wipe, withAbort,
  withDeadline, writeU16, writeU32, writeU64,
} from "./index.js";

describe("trimming", () => {
  const whiteSpace = [
    9, 10, 11, 12, 13, 0x20, 0x85, 0xa0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200a,
    0x2028, 0x2029, 0x202f, 0x205f, 0x3000,
  ].map((code) => String.fromCharCode(code));

  test("takes what the protocol calls white space from both ends, and nothing from within", () => {
    for (const space of whiteSpace) {
      assert.equal(trimmed(`${space}${space}a${space}b${space}`), `a${space}b`, JSON.stringify(space));
      assert.equal(trimmed(space), "");
    }
  });
  test("keeps what a language may call white space and the protocol does not", () => {
    for (const kept of ["\ufeff", "\u200b", "\u180e", "\u001c", "\u0000"]) assert.equal(trimmed(kept), kept, JSON.stringify(kept));
  });
  test("a long run of white space within costs no more than its length", () => {
    const text = `a${" ".repeat(1_000_000)}b`;
    assert.equal(trimmed(text), text);
  });
  test("of anything but a text it makes an empty one", () => {
    for (const value of [undefined, null, 1, {}, []]) assert.equal(trimmed(value), "");
  });
});

describe("base64url", () => {
  const cases = readSharedJson("testdata/base/base64url.json") as {
    valid: { bytes_hex: string; text: string }[];
    invalid: string[];
  };
  test("one text for each byte string, both ways", () => {
    for (const { bytes_hex, text } of cases.valid) {
      assert.equal(encodeBase64url(hex(bytes_hex)), text);
      assert.equal(toHex(decodeBase64url(text) as Uint8Array), bytes_hex);
    }
  });
  test("refuses what is not canonical", () => {
    for (const text of cases.invalid) assert.equal(decodeBase64url(text), undefined, JSON.stringify(text));
  });
  test("every length round trips and every truncation differs", () => {
    for (let size = 0; size < 70; size++) {
      const bytes = randomBytes(size);
      const text = encodeBase64url(bytes);
      assert.deepEqual(decodeBase64url(text), bytes);
      for (let cut = 0; cut < text.length; cut++) assert.notDeepEqual(decodeBase64url(text.slice(0, cut)), bytes);
    }
  });
  test("a demanded size is exact", () => {
    const text = encodeBase64url(new Uint8Array(32));
    assert.ok(decodeBase64url(text, 32));
    for (const wrong of [text.slice(0, 42), `${text}A`, ""]) assert.equal(decodeBase64url(wrong, 32), undefined);
  });
});

describe("bytes", () => {
  test("integers are big-endian", () => {
    const bytes = new Uint8Array(14);
    writeU16(bytes, 0, 0x0102);
    writeU32(bytes, 2, 0xfffefdfc);
    writeU64(bytes, 6, 0xfedc_ba98_7654_3210n);
    assert.equal(toHex(bytes), "0102fffefdfcfedcba9876543210");
    assert.deepEqual([readU16(bytes, 0), readU32(bytes, 2), readU64(bytes, 6)], [0x0102, 0xfffefdfc, 0xfedc_ba98_7654_3210n]);
  });
  test("constant-time comparison tells every single bit apart", () => {
    const bytes = randomBytes(32);
    assert.ok(constantTimeEqual(bytes, bytes.slice()));
    for (let bit = 0; bit < 256; bit++) {
      const other = bytes.slice();
      other[bit >> 3] = (other[bit >> 3] as number) ^ (1 << (bit & 7));
      assert.ok(!constantTimeEqual(bytes, other));
    }
    assert.ok(!constantTimeEqual(bytes, bytes.subarray(1)));
  });
  test("text is strict UTF-8", () => {
    assert.equal(fromUtf8(utf8("\ufeffé")), "\ufeffé");
    assert.throws(() => fromUtf8(hex("ff")), TypeError);
  });
  test("wipe leaves zeros", () => {
    const secret = randomBytes(32);
    wipe(secret, undefined);
    assert.deepEqual(secret, new Uint8Array(32));
  });
});

describe("byte queue", () => {
  test("any cut of any chunks gives the bytes in order", () => {
    const bytes = Uint8Array.from({ length: 60 }, (_, i) => i);
    for (const chunk of [1, 7, 59, 60]) {
      for (const cut of [1, 3, 8, 60]) {
        const queue = new ByteQueue();
        for (let at = 0; at < 60; at += chunk) queue.push(bytes.subarray(at, at + chunk));
        const taken: Uint8Array[] = [];
        while (queue.length >= cut) taken.push(queue.take(cut));
        taken.push(queue.take(queue.length));
        assert.deepEqual(concat(...taken), bytes);
        assert.equal(queue.length, 0);
      }
    }
  });
  test("chunks come whole, or in part", () => {
    const queue = new ByteQueue();
    queue.push(hex("010203"));
    queue.push(new Uint8Array(0));
    queue.push(hex("04"));
    assert.deepEqual(queue.takeChunk(2), hex("0102"));
    assert.deepEqual(queue.takeChunk(), hex("03"));
    assert.deepEqual(queue.takeChunk(0), undefined);
    assert.deepEqual(queue.takeChunk(), hex("04"));
    assert.equal(queue.takeChunk(), undefined);
  });
  test("a take beyond the end leaves it alone", () => {
    const queue = new ByteQueue();
    queue.push(hex("0102"));
    assert.throws(() => queue.take(3), RangeError);
    assert.throws(() => queue.take(-1), RangeError);
    assert.equal(queue.length, 2);
  });
  test("stays correct over many chunks", () => {
    const queue = new ByteQueue();
    let expected = 0;
    for (let i = 0; i < 1000; i++) {
      queue.push(Uint8Array.of(i));
      if (i % 3 === 0) assert.deepEqual(queue.take(1), Uint8Array.of(expected++));
    }
    while (queue.length > 0) assert.deepEqual(queue.takeChunk(), Uint8Array.of(expected++));
    assert.equal(expected, 1000);
  });
});

describe("errors", () => {
  test("say where and what, and keep the cause", () => {
    const cause = new Error("below");
    const error = new FlowersecError({ path: "tunnel", stage: "attach", code: "invalid_token", message: "detail", cause });
    assert.equal(error.message, "tunnel attach (invalid_token): detail");
    assert.deepEqual([error.name, error.path, error.stage, error.code, error.cause], ["FlowersecError", "tunnel", "attach", "invalid_token", cause]);
    const bare = new FlowersecError({ path: "auto", stage: "validate", code: "invalid_input" });
    assert.equal(bare.message, "auto validate (invalid_input)");
    assert.ok(!("cause" in bare));
  });
});

describe("waiting", () => {
  test("an abort rejects with the reason as cause, and no listener stays", async () => {
    const abort = new CountedAbort();
    const given: unknown[] = [];
    const wait = withAbort(new Promise(() => {}), abort.signal, () => given.push("up"));
    assert.equal(abort.listeners, 1);
    const reason = new Error("enough");
    abort.abort(reason);
    await assert.rejects(wait, (error) => error instanceof AbortError && error.cause === reason);
    assert.deepEqual(given, ["up"]);
    assert.equal(abort.listeners, 0);
  });
  test("a settled wait leaves no listener and no timer", async () => {
    const clock = new ManualClock();
    for (const work of [Promise.resolve(1), Promise.reject(new Error("no"))]) {
      const abort = new CountedAbort();
      await withDeadline(work, { signal: abort.signal, timeoutMs: 5, clock }).catch(() => {});
      assert.deepEqual([abort.listeners, clock.pending], [0, 0]);
    }
  });
  test("an aborted signal gives up at once", async () => {
    const abort = new CountedAbort();
    abort.abort();
    const clock = new ManualClock();
    await assert.rejects(withDeadline(new Promise(() => {}), { signal: abort.signal, timeoutMs: 5, clock }), AbortError);
    assert.deepEqual([abort.listeners, clock.pending], [0, 0]);
    assert.equal(abortErrorOf(abort.signal).cause, abort.signal.reason);
  });
  test("time passes at the limit, not before; 0 and Infinity are no limit", async () => {
    const clock = new ManualClock();
    let gaveUp = 0;
    const wait = withDeadline(new Promise(() => {}), { timeoutMs: 10, clock }, () => gaveUp++);
    clock.advance(9);
    assert.equal(gaveUp, 0);
    clock.advance(1);
    await assert.rejects(wait, TimeoutError);
    for (const timeoutMs of [0, Infinity]) {
      void withDeadline(new Promise(() => {}), { timeoutMs, clock });
      assert.equal(clock.pending, 0);
    }
  });
  test("work that fails after it was given up is nobody's", async () => {
    const work = deferred<void>();
    const abort = new AbortController();
    const wait = withAbort(work.promise, abort.signal);
    abort.abort();
    await assert.rejects(wait, AbortError);
    work.reject(new Error("late"));
    await new Promise(setImmediate); // an unhandled rejection would fail the run
  });
  test("a deadline spans several waits", async () => {
    const clock = new ManualClock();
    const deadline = new Deadline(10, clock);
    const first = deadline.wait(Promise.resolve("first"));
    assert.equal(await first, "first");
    clock.advance(4);
    assert.equal(deadline.leftMs(), 6);
    const second = deadline.wait(new Promise(() => {}));
    clock.advance(6);
    await assert.rejects(second, TimeoutError);
    const third = deadline.wait(new Promise(() => {}));
    clock.advance(1);
    await assert.rejects(third, TimeoutError);
    assert.equal(new Deadline(0, clock).leftMs(), Infinity);
  });
  test("onAbort calls once and can be taken away", () => {
    const abort = new CountedAbort();
    let calls = 0;
    onAbort(abort.signal, () => calls++)();
    onAbort(abort.signal, () => calls++);
    abort.abort();
    onAbort(abort.signal, () => calls++);
    assert.equal(calls, 2);
    onAbort(undefined, () => calls++)();
  });
  test("values that are there take no turn", async () => {
    assert.equal(then(2, (n) => n + 1), 3);
    assert.deepEqual(all([1, 2]), [1, 2]);
    assert.deepEqual(await all([1, Promise.resolve(2)]), [1, 2]);
    assert.equal(await then(Promise.resolve(2), (n) => n + 1), 3);
  });
});
