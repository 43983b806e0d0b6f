import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encodeBase64url, utf8 } from "../base/index.js";
import * as door from "../entry/e2ee.js";
import { b64u, flipped, hex, toHex } from "../testing/bytes.js";
import { readSharedJson } from "../testing/repository.js";

interface Case {
  inputs: Record<string, string>;
  expected: Record<string, string>;
}
const handshake = readSharedJson("testdata/handshake/vectors.json") as Record<string, Case[]>;
const records = readSharedJson("testdata/record/vectors.json") as Record<string, Case[]>;
const only = (cases: Case[] | undefined, index = 0) => (cases as Case[])[index] as Case;
const at = (from: Record<string, string>, key: string) => b64u(from[`${key}_b64u`] as string);

describe("flowersec/e2ee", () => {
  test("exports what the family does, and nothing is missing", () => {
    assert.deepEqual(Object.keys(door).sort(), [
      "FramingError", "HANDSHAKE_HEADER_LEN", "HANDSHAKE_MAGIC", "HANDSHAKE_TYPE_ACK", "HANDSHAKE_TYPE_INIT",
      "HANDSHAKE_TYPE_RESP", "PROTOCOL_VERSION", "RECORD_FLAG_APP", "RECORD_FLAG_PING", "RECORD_FLAG_REKEY",
      "RECORD_HEADER_LEN", "RECORD_MAGIC", "RecordError", "SecureChannel", "ServerHandshakeCache", "clientHandshake",
      "computeAuthTag", "decodeHandshakeFrame", "decodeU64beBigint", "decryptRecord", "deriveRekeyKey", "deriveSessionKeys",
      "encodeHandshakeFrame", "encodeU64beBigint", "encryptRecord", "looksLikeRecordFrame", "maxPlaintextBytes",
      "serverHandshake", "transcriptHash",
    ]);
    assert.deepEqual(
      [door.HANDSHAKE_MAGIC, door.RECORD_MAGIC, door.PROTOCOL_VERSION, door.HANDSHAKE_HEADER_LEN, door.RECORD_HEADER_LEN],
      ["FSEH", "FSEC", 1, 10, 18],
    );
    assert.deepEqual([door.HANDSHAKE_TYPE_INIT, door.HANDSHAKE_TYPE_RESP, door.HANDSHAKE_TYPE_ACK], [1, 2, 3]);
    assert.deepEqual([door.RECORD_FLAG_APP, door.RECORD_FLAG_PING, door.RECORD_FLAG_REKEY], [0, 1, 2]);
  });

  test("derivations give the vectors at once", () => {
    const { inputs, expected } = only(handshake["handshake_p256"]);
    const hash = door.transcriptHash({
      version: 1, suite: 2, role: 1, clientFeatures: 0, serverFeatures: 1, channelId: inputs["channel_id"] as string,
      nonceC: at(inputs, "nonce_c"), nonceS: at(inputs, "nonce_s"),
      clientEphPub: at(inputs, "client_eph_pub"), serverEphPub: at(inputs, "server_eph_pub"),
    });
    assert.equal(encodeBase64url(hash), expected["transcript_hash_b64u"]);
    const keys = door.deriveSessionKeys(at(inputs, "psk"), at(expected, "shared_secret"), hash);
    assert.deepEqual(keys, {
      c2sKey: at(expected, "c2s_key"), s2cKey: at(expected, "s2c_key"), rekeyBase: at(expected, "rekey_base"),
      c2sNoncePrefix: at(expected, "c2s_nonce_prefix"), s2cNoncePrefix: at(expected, "s2c_nonce_prefix"),
    });
    const tag = only(handshake["auth_tag"]);
    const timestamp = BigInt(tag.inputs["timestamp_unix_s"] as string);
    assert.deepEqual(door.computeAuthTag(at(inputs, "psk"), hash, timestamp), at(tag.expected, "auth_tag"));
    for (const { inputs: of, expected: is } of records["rekey"] as Case[]) {
      const direction = Number(of["direction"]) as 1 | 2;
      assert.deepEqual(door.deriveRekeyKey(keys.rekeyBase, hash, BigInt(of["seq"] as string), direction), at(is, "key"));
    }
  });

  test("a transcript of another version or role, or without an encoding, is refused", () => {
    const good = {
      version: 1, suite: 1, role: 1, clientFeatures: 0, serverFeatures: 0, channelId: "c", nonceC: new Uint8Array(32),
      nonceS: new Uint8Array(32), clientEphPub: new Uint8Array(32), serverEphPub: new Uint8Array(32),
    };
    assert.equal(door.transcriptHash(good).length, 32);
    const bad: [object, string][] = [
      [{ version: 2 }, "unsupported_init_version"], [{ role: 2 }, "wrong_role"], [{ nonceC: new Uint8Array(31) }, "malformed_nonce"],
      [{ nonceS: new Uint8Array(33) }, "malformed_nonce"], [{ channelId: "" }, "bad_limits"], [{ clientEphPub: new Uint8Array(0) }, "bad_limits"],
    ];
    for (const [change, code] of bad) assert.throws(() => door.transcriptHash({ ...good, ...change }), { code });
  });

  test("records are sealed and opened, and refused", () => {
    const { inputs, expected } = only(records["record_frame"]);
    const [key, prefix, frame] = [at(inputs, "key"), at(inputs, "nonce_prefix"), at(expected, "frame")];
    const plaintext = utf8(inputs["plaintext_utf8"] as string);
    assert.deepEqual(door.encryptRecord(key, prefix, 0, 1n, plaintext, 1_048_576), frame);
    assert.deepEqual(door.decryptRecord(key, prefix, frame, 1n, 1_048_576), { flags: 0, seq: 1n, plaintext });
    assert.equal(door.decryptRecord(key, prefix, frame, null, 1_048_576).seq, 1n);
    assert.throws(() => door.decryptRecord(key, prefix, frame, 2n, 1_048_576), { code: "bad_sequence" });
    assert.throws(() => door.decryptRecord(key, prefix, flipped(frame), 1n, 1_048_576), { code: "open_failed" });
    assert.throws(() => door.decryptRecord(key, prefix, frame, 1n, 38), { code: "too_large" });
    assert.equal(door.maxPlaintextBytes(1_048_576), 1_048_542);
    assert.equal(door.encryptRecord(key, prefix, 0, 1n, new Uint8Array(66), 100).length, 100);
    assert.throws(() => door.encryptRecord(key, prefix, 0, 1n, new Uint8Array(67), 100), { code: "chunk_too_large" });
    assert.throws(() => door.encryptRecord(key, prefix, 0, 2n ** 64n - 1n, plaintext, 100), { code: "exhausted" });
    assert.throws(() => door.encryptRecord(key, prefix, 3 as 0, 1n, plaintext, 100), { code: "bad_flags" });
    assert.ok(door.looksLikeRecordFrame(frame, 21));
    assert.ok(!door.looksLikeRecordFrame(frame, 20));
  });

  test("frames and integers", () => {
    const frame = door.encodeHandshakeFrame(2, utf8("{}"));
    assert.equal(toHex(frame), "465345480102000000027b7d");
    assert.deepEqual(door.decodeHandshakeFrame(frame, 2), { handshakeType: 2, payloadJsonUtf8: utf8("{}") });
    assert.throws(() => door.decodeHandshakeFrame(frame, 1), { name: "FramingError", code: "payload_too_large" });
    assert.equal(toHex(door.encodeU64beBigint(2n ** 64n - 2n)), "fffffffffffffffe");
    assert.equal(door.decodeU64beBigint(hex("0102030405060708")), 0x0102030405060708n);
    for (const bad of [-1n, 2n ** 64n]) assert.throws(() => door.encodeU64beBigint(bad), RangeError);
    assert.throws(() => door.decodeU64beBigint(new Uint8Array(7)), RangeError);
  });
});
