import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat, fromUtf8, utf8 } from "../base/index.js";
import { webCrypto } from "../crypto/browser/provider.js";
import { nobleCrypto } from "../crypto/noble/provider.js";
import { nodeCrypto } from "../crypto/node/provider.js";
import { b64u, flipped, hex, pattern, toHex } from "../testing/bytes.js";
import { forged, makeOpener, makeSealer, recordCode, vectorKeys } from "../testing/record_fixture.js";
import { readSharedJson } from "../testing/repository.js";
import {
  checkedLimits, checkFrame, deriveNextKey, looksLikeRecord, newFrame, nonceOf, recordApp, recordPing, recordRekey, RecordError,
  Sealer, serverToClient, clientToServer, Opener, type RecordErrorCode, type RecordKind, type RecordLimits,
} from "./index.js";

const refusals = readSharedJson("testdata/record/refusals.json") as {
  frame_hex: string;
  expected_seq: string;
  changed_bytes: { name: string; at: number; value: number; error: RecordErrorCode }[];
};
interface Case {
  case_id: string;
  inputs: Record<string, string>;
  expected: Record<string, string>;
}
const vectors = readSharedJson("testdata/record/vectors.json") as { record_frame: Case[]; rekey: Case[] };
const bytesAt = (from: Record<string, string>, key: string) => b64u(from[key] as string);

describe("record frame", () => {
  const sequence = BigInt(refusals.expected_seq);
  const plain = (ciphertextBytes = 20) => newFrame(recordApp, sequence, ciphertextBytes - 16);
  const errorOf = (frame: Uint8Array, max = 1_048_576) => recordCode(() => checkFrame(frame, sequence, max));

  test("header has the documented layout, for every kind", () => {
    assert.equal(toHex(newFrame(recordRekey, sequence, 4).subarray(0, 18)), "465345430102010203040506070800000014");
    assert.equal(toHex(plain()), refusals.frame_hex);
    for (const kind of [recordApp, recordPing, recordRekey] as const) {
      assert.equal(checkFrame(newFrame(kind, sequence, 4), sequence, 1000), kind);
    }
  });
  test("each wrong field has its own error", async () => {
    for (const { name, at, value, error } of refusals.changed_bytes) {
      const frame = hex(refusals.frame_hex);
      frame[at] = value;
      assert.equal(await errorOf(frame), error, name);
    }
  });
  test("checks come in the order of the protocol", async () => {
    const frame = new Uint8Array(40).fill(0xee); // wrong in everything; each repair shows the next check
    const repair = (at: number, bytes: number) => frame.set(plain(22).subarray(at, at + bytes), at);
    assert.equal(await errorOf(frame, 39), "too_large");
    assert.equal(await errorOf(frame.subarray(0, 17), 39), "too_short");
    assert.equal(await errorOf(frame), "bad_magic");
    repair(0, 4);
    assert.equal(await errorOf(frame), "bad_version");
    repair(4, 1);
    assert.equal(await errorOf(frame), "bad_flags");
    repair(5, 1);
    assert.equal(await errorOf(frame), "bad_sequence");
    repair(6, 8);
    assert.equal(await errorOf(frame), "size_mismatch");
    repair(14, 4);
    assert.equal(await errorOf(frame), undefined);
  });
  test("every truncation and a trailing byte are refused", async () => {
    for (let size = 0; size < plain().length; size++) {
      assert.equal(await errorOf(plain().subarray(0, size)), size < 18 ? "too_short" : "size_mismatch");
    }
    assert.equal(await errorOf(concat(plain(), hex("00"))), "size_mismatch");
  });
  test("the size limit holds at its edge and one past", async () => {
    assert.equal(await errorOf(plain(100), 118), undefined);
    assert.equal(await errorOf(plain(100), 117), "too_large");
  });
  test("what looks like a record to a tunnel", () => {
    assert.ok(looksLikeRecord(plain(), 20));
    assert.ok(!looksLikeRecord(plain(), 19));
    assert.ok(!looksLikeRecord(plain().subarray(0, 17), 20));
    for (const at of [0, 4, 17]) assert.ok(!looksLikeRecord(flipped(plain(), at), 100));
    assert.ok(looksLikeRecord(flipped(plain(), 5), 20), "flags and sequence are not its business");
  });
});

describe("record limits", () => {
  test("defaults are those of the protocol; 0 is the default", () => {
    const defaults = {
      maxRecordBytes: 1_048_576, outboundRecordChunkBytes: 65_536, maxBufferedBytes: 4_194_304, maxOutboundBufferedBytes: 4_194_304,
    };
    assert.deepEqual(checkedLimits({}), defaults);
    assert.deepEqual(checkedLimits({ maxRecordBytes: 0, maxBufferedBytes: 0, maxOutboundBufferedBytes: 0 }), defaults);
  });
  test("every range holds at its edges and one past, and a chunk must fit a record", () => {
    const good: RecordLimits[] = [
      { maxRecordBytes: 35 }, { maxBufferedBytes: 1 }, { maxOutboundBufferedBytes: 1 }, { outboundRecordChunkBytes: 1 },
      { outboundRecordChunkBytes: 1_048_542 }, { maxRecordBytes: 100, outboundRecordChunkBytes: 66 },
    ];
    for (const limits of good) assert.ok(checkedLimits(limits));
    assert.equal(checkedLimits({ maxRecordBytes: 100 }).outboundRecordChunkBytes, 66);
    const bad: RecordLimits[] = [
      { maxRecordBytes: 34 }, { maxRecordBytes: -1 }, { maxRecordBytes: 1.5 }, { maxRecordBytes: NaN },
      { outboundRecordChunkBytes: 0 }, { outboundRecordChunkBytes: 1_048_543 }, { maxRecordBytes: 100, outboundRecordChunkBytes: 67 },
      { maxBufferedBytes: -1 }, { maxBufferedBytes: Infinity }, { maxOutboundBufferedBytes: 0.5 },
    ];
    for (const limits of bad) assert.throws(() => checkedLimits(limits), { code: "bad_limits" }, JSON.stringify(limits));
  });
});

const textOf = async (by: Opener, frame: Uint8Array) => fromUtf8(await by.open(frame).plaintext);

for (const crypto of [nodeCrypto, webCrypto(globalThis.crypto.subtle), nobleCrypto]) {
  describe(`records with ${crypto.name}`, () => {
    const sealer = (next = 1n, way: 1 | 2 = 1) => makeSealer(next, way, crypto);
    const opener = (expected = 1n, way: 1 | 2 = 1, max?: number) => makeOpener(expected, way, crypto, max);
    const seal = async (by: Sealer, text: string, kind: RecordKind = recordApp) => {
      const frame = await by.seal(kind, utf8(text));
      await by.rekeyed;
      return frame;
    };

    test("vectors: sealing gives the frame, opening the plaintext, a changed header neither", async () => {
      for (const { case_id, inputs, expected } of vectors.record_frame) {
        const keys = () => ({
          way: clientToServer as 1, key: bytesAt(inputs, "key_b64u"), prefix: bytesAt(inputs, "nonce_prefix_b64u"),
          rekeyBase: new Uint8Array(32), transcriptHash: new Uint8Array(32),
        });
        const sequence = BigInt(inputs["seq"] as string);
        const frame = bytesAt(expected, "frame_b64u");
        const out = await Sealer.create(crypto, keys(), sequence);
        assert.deepEqual(await out.seal(Number(inputs["flags"]) as RecordKind, utf8(inputs["plaintext_utf8"] as string)), frame, case_id);
        const fresh = async () => await Opener.create(crypto, keys(), Number(inputs["max_record_bytes"]), sequence);
        assert.equal(await textOf(await fresh(), frame), inputs["plaintext_utf8"]);
        for (let at = 0; at < frame.length; at++) {
          const by = await fresh();
          assert.ok(await recordCode(() => by.open(flipped(frame, at)).plaintext), `byte ${at}`);
        }
      }
    });
    test("vectors: rekey keys", async () => {
      for (const { case_id, inputs, expected } of vectors.rekey) {
        const from = {
          way: Number(inputs["direction"]) as 1 | 2,
          rekeyBase: bytesAt(inputs, "rekey_base_b64u"),
          transcriptHash: bytesAt(inputs, "transcript_hash_b64u"),
        };
        const key = await deriveNextKey(crypto, from, BigInt(inputs["seq"] as string));
        assert.deepEqual(key, bytesAt(expected, "key_b64u"), case_id);
      }
    });
    test("replayed and skipped records are refused, and records of the other direction", async () => {
      const out = await sealer();
      const first = await seal(out, "once");
      const by = await opener();
      assert.equal(await textOf(by, first), "once");
      assert.equal(await recordCode(() => by.open(first)), "bad_sequence");
      assert.equal(await recordCode(() => by.open(first)), "closed", "the first failure is final");
      const late = await opener();
      const second = await seal(out, "next");
      assert.equal(await recordCode(() => late.open(second)), "bad_sequence");
      const mirror = await opener();
      const reflected = await seal(await sealer(1n, serverToClient), "reflected");
      assert.equal(await recordCode(() => mirror.open(reflected).plaintext), "open_failed");
    });
    test("ciphertext shorter than a tag cannot authenticate", async () => {
      for (let length = 0; length < 16; length++) {
        const by = await opener();
        const frame = newFrame(recordApp, 1n, length - 16);
        assert.equal(await recordCode(() => by.open(frame).plaintext), "open_failed");
      }
    });
    test("a kind changed on the way does not authenticate", async () => {
      for (const kind of [recordPing, recordRekey] as const) {
        const by = await opener();
        const frame = await seal(await sealer(), "x");
        frame[5] = kind;
        assert.equal(await recordCode(() => by.open(frame).plaintext), "open_failed");
        assert.equal(await recordCode(() => by.open(forged(recordApp, 2n, "x"))), "closed");
      }
    });
    test("an empty app record is only empty, and a ping with content is a ping", async () => {
      const by = await opener();
      assert.equal(await textOf(by, forged(recordApp, 1n, "")), "");
      assert.equal(by.open(forged(recordPing, 2n, "ignored")).kind, recordPing);
      assert.equal(await textOf(by, forged(recordApp, 3n, "next")), "next");
    });
    test("the largest record holds at its edge and one past", async () => {
      const by = await opener(1n, 1, 200);
      assert.equal((await by.open(forged(recordApp, 1n, pattern(166))).plaintext).length, 166);
      assert.equal(await recordCode(() => by.open(forged(recordApp, 2n, pattern(167)))), "too_large");
    });
    test("the last sequence number is refused although authentic, and not told apart when it is not", async () => {
      const last = 2n ** 64n - 1n;
      const [by, other] = [await opener(last), await opener(last)];
      assert.equal(await recordCode(() => by.open(forged(recordApp, last, "wrap")).plaintext), "exhausted");
      assert.equal(await recordCode(() => other.open(flipped(forged(recordApp, last, "wrap"))).plaintext), "open_failed");
    });
    test("the highest sequence number sent is two below 2^64, a rekey included", async () => {
      for (const kind of [recordApp, recordPing, recordRekey] as const) {
        const out = await sealer(2n ** 64n - 2n);
        const by = await opener(2n ** 64n - 2n);
        await by.open(await seal(out, "", recordRekey)).plaintext;
        assert.equal(await recordCode(() => out.seal(kind, utf8("x"))), "exhausted");
        assert.equal(await recordCode(() => out.seal(kind, utf8("x"))), "closed");
      }
    });
    test("server finished is an empty ping and nothing else", async () => {
      const rows: [string, Uint8Array, RecordErrorCode | undefined][] = [
        ["the empty ping", forged(recordPing, 1n, "", 2), undefined],
        ["a ping with content", forged(recordPing, 1n, "x", 2), "not_server_finished"],
        ["an app record", forged(recordApp, 1n, "x", 2), "not_server_finished"],
        ["an empty app record", forged(recordApp, 1n, "", 2), "not_server_finished"],
        ["a rekey", forged(recordRekey, 1n, "", 2), "not_server_finished"],
        ["a ping with sequence 2", forged(recordPing, 2n, "", 2), "bad_sequence"],
        ["a ping with sequence 0", forged(recordPing, 0n, "", 2), "bad_sequence"],
        ["our own direction", forged(recordPing, 1n, ""), "open_failed"],
      ];
      for (const [what, frame, error] of rows) {
        const by = await opener(1n, 2);
        assert.equal(await recordCode(() => by.openServerFinished(frame)), error, what);
        const next = await recordCode(() => by.open(forged(recordApp, 2n, "first data", 2)).plaintext);
        assert.equal(next, error && "closed", "trap 7: it consumes sequence 1");
      }
      const late = await opener(2n, 2);
      assert.equal(await recordCode(() => late.openServerFinished(forged(recordPing, 2n, "", 2))), "not_server_finished");
    });

    test("any pattern of rekeys and data stays in step", async () => {
      for (let mask = 0; mask < 64; mask++) {
        const [out, by] = [await sealer(), await opener()];
        for (let step = 0; step < 6; step++) {
          const isRekey = ((mask >> step) & 1) === 1;
          const frame = await seal(out, isRekey ? "" : "data", isRekey ? recordRekey : recordApp);
          assert.equal(await textOf(by, frame), isRekey ? "" : "data");
        }
      }
    });
    test("records sealed before a rekey keep the old key", async () => {
      const [out, by] = [await sealer(), await opener()];
      const frames = [await seal(out, "queued"), await seal(out, "", recordRekey), await seal(out, "after")];
      for (const expected of ["queued", "", "after"]) assert.equal(await textOf(by, frames.shift() as Uint8Array), expected);
    });
    test("a receiver that missed a rekey cannot open what follows", async () => {
      const out = await sealer();
      await seal(out, "", recordRekey);
      const after = await seal(out, "after");
      const by = await opener(2n); // believes sequence 1 was something else
      assert.equal(await recordCode(() => by.open(after).plaintext), "open_failed");
    });
    test("trap 8: a rekey record uses the old key, and keys come from the base", async () => {
      const keys = vectorKeys();
      const out = await sealer(5n);
      const [rekey5, rekey6, data7] = [await seal(out, "", recordRekey), await seal(out, "", recordRekey), await seal(out, "data")];
      const opensWith = (key: Uint8Array, sequence: bigint, frame: Uint8Array) => {
        try {
          nodeCrypto.cipher(key).open(nonceOf(keys.prefix, sequence), frame.subarray(0, 18), frame.subarray(18));
          return true;
        } catch {
          return false;
        }
      };
      const after5 = b64u("XTbrAfbuUE9ehnKXfmILJIUCLAym_9tdO50QFHPTG5U");
      assert.ok(opensWith(keys.key, 5n, rekey5));
      assert.ok(opensWith(after5, 6n, rekey6));
      assert.ok(!opensWith(keys.key, 6n, rekey6));
      assert.ok(opensWith(await deriveNextKey(crypto, keys, 6n), 7n, data7));
    });
    test("a rekey key depends on sequence, direction and transcript", async () => {
      const keys = vectorKeys();
      const derived = await Promise.all([
        deriveNextKey(crypto, keys, 5n), deriveNextKey(crypto, keys, 6n), deriveNextKey(crypto, vectorKeys(2), 5n),
        deriveNextKey(crypto, { ...keys, transcriptHash: flipped(keys.transcriptHash) }, 5n),
      ]);
      assert.equal(new Set(derived.map(toHex)).size, 4);
    });
    test("close wipes keys and refuses", async () => {
      const keys = vectorKeys();
      const out = await Sealer.create(crypto, keys);
      assert.deepEqual(keys.key, new Uint8Array(32), "the cipher has it now");
      out.close();
      assert.deepEqual(keys.rekeyBase, new Uint8Array(32));
      assert.equal(await recordCode(() => out.seal(recordApp, utf8("late"))), "closed");
      const by = await opener();
      by.close();
      assert.equal(await recordCode(() => by.open(forged(recordApp, 1n, "late"))), "closed");
    });
  });
}

test("record errors say their code", () => {
  assert.equal(new RecordError("open_failed").message, "record: open_failed");
});
