import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat, encodeBase64url, FlowersecError, utf8, writeU32 } from "../base/index.js";
import { nodeCrypto } from "../crypto/node/provider.js";
import {
  beginClient, changed, clientOptions, codeOf, fieldsOf, framed, nowS, payloadText, runHandshake, ServerSide, serverOptions,
  sharedPsk, tools, type JsonObject,
} from "../testing/handshake_fixture.js";
import { b64u, hex, toHex } from "../testing/bytes.js";
import { readSharedJson } from "../testing/repository.js";
import {
  authTagOf, ClientHandshake, decodeFrame, deriveTrafficKeys, encodeFrame, FramingError, HandshakeError, hashOf, payloadOf,
  ServerHandshake, ServerHandshakeCache, typeAck, typeInit, typeResp, type HandshakeErrorCode, type TrafficKeys, type Transcript,
} from "./index.js";
import { toPublic } from "./to_public.js";

const sameKeys = (a: TrafficKeys, b: TrafficKeys) => assert.deepEqual(a, b);

describe("handshake", () => {
  test("both sides derive the same keys for both suites", async () => {
    for (const suite of [1, 2] as const) {
      const pair = await runHandshake(suite);
      sameKeys(pair.client, pair.server);
      assert.notDeepEqual(pair.client.clientToServer.key, pair.client.serverToClient.key);
    }
  });

  test("common features are what both sides set, the highest bit included", async () => {
    assert.equal((await runHandshake()).client.commonFeatures, 0x0001_0000);
    const client = await ClientHandshake.begin({ ...clientOptions(), features: 0xffff_ffff }, tools());
    const server = new ServerSide({ ...serverOptions(), features: 0x8000_0001 });
    const { keys } = await client.onFrame(await server.response(client.initFrame), nowS);
    assert.equal(keys.commonFeatures, 0x8000_0001);
  });

  test("messages have the documented fields in order", async () => {
    const pair = await runHandshake();
    assert.deepEqual(Object.keys(fieldsOf(pair.init)), [
      "channel_id", "role", "version", "suite", "client_eph_pub_b64u", "nonce_c_b64u", "client_features",
    ]);
    assert.deepEqual(Object.keys(fieldsOf(pair.resp)), ["handshake_id", "server_eph_pub_b64u", "nonce_s_b64u", "server_features"]);
    assert.deepEqual(Object.keys(fieldsOf(pair.ack)), ["handshake_id", "timestamp_unix_s", "auth_tag_b64u"]);
    assert.ok(!/\s/.test(payloadText(pair.init)));
    assert.equal(b64u(fieldsOf(pair.resp)["handshake_id"] as string).length, 24);
    assert.equal(fieldsOf(pair.ack)["timestamp_unix_s"], nowS);
  });

  test("every handshake has new keys and nonces", async () => {
    const [one, two] = [fieldsOf((await beginClient()).initFrame), fieldsOf((await beginClient()).initFrame)];
    for (const name of ["client_eph_pub_b64u", "nonce_c_b64u"]) assert.notEqual(one[name], two[name]);
  });

  test("another psk is an auth tag mismatch", async () => {
    const client = await beginClient();
    const server = new ServerSide({ ...serverOptions(), psk: new Uint8Array(32) });
    const { ackFrame } = await client.onFrame(await server.response(client.initFrame), nowS);
    assert.equal(await codeOf(server.on(ackFrame)), "auth_tag_mismatch");
  });

  test("any field changed on the way is an auth tag mismatch", async () => {
    // What a tunnel could change without breaking a format: both transcripts differ, so the tag does.
    const other = fieldsOf((await beginClient()).initFrame);
    const rows: [string, string, unknown][] = [
      ["init", "client_features", 0],
      ["init", "client_eph_pub_b64u", other["client_eph_pub_b64u"]],
      ["init", "nonce_c_b64u", other["nonce_c_b64u"]],
      ["resp", "server_features", 0],
      ["resp", "server_eph_pub_b64u", other["client_eph_pub_b64u"]],
      ["resp", "nonce_s_b64u", other["nonce_c_b64u"]],
      ["ack", "auth_tag_b64u", other["nonce_c_b64u"]],
      ["ack", "timestamp_unix_s", nowS + 1],
    ];
    for (const [message, name, value] of rows) {
      const way = (which: string, frame: Uint8Array) => (which === message ? changed(frame, { [name]: value }) : frame);
      const client = await beginClient();
      const server = new ServerSide();
      const resp = way("resp", await server.response(way("init", client.initFrame)));
      const { ackFrame } = await client.onFrame(resp, nowS);
      assert.equal(await codeOf(server.on(way("ack", ackFrame))), "auth_tag_mismatch", name);
    }
  });

  test("every truncation of every frame is refused", async () => {
    const pair = await runHandshake();
    const eachPrefix = async (frame: Uint8Array, deliver: (cut: Uint8Array) => Promise<unknown>) => {
      for (let size = 0; size < frame.length; size++) {
        const cut = frame.slice(0, size);
        assert.equal(await codeOf(deliver(cut)), size < 10 ? "frame_too_short" : "size_mismatch");
        if (size < 10) continue;
        writeU32(cut, 6, size - 10); // the same with a header that agrees with the cut
        assert.equal(await codeOf(deliver(cut)), "malformed_message");
      }
    };
    await eachPrefix(pair.init, (cut) => new ServerSide().on(cut));
    await eachPrefix(pair.resp, async (cut) => (await beginClient()).onFrame(cut, nowS));
    await eachPrefix(pair.ack, async (cut) => {
      const server = new ServerSide();
      await server.response(pair.init);
      return server.on(cut);
    });
  });

  test("random failure at every call is a typed end", async () => {
    const deadAfter = (good: number) => () => {
      if (good-- <= 0) throw new Error("no randomness");
    };
    const begin = (good: number) => ClientHandshake.begin(clientOptions(), { crypto: nodeCrypto, random: deadAfter(good) });
    assert.equal(await codeOf(begin(0)), "random_failed");
    assert.equal(await codeOf(begin(1)), undefined);
    const { initFrame } = await beginClient();
    for (const good of [0, 1]) {
      const server = new ServerHandshake(serverOptions(), { crypto: nodeCrypto, random: deadAfter(good) });
      const moment = { monoMs: 0, unixSeconds: nowS };
      assert.equal(await codeOf(server.onFrame(initFrame, moment)), "random_failed");
      assert.equal(await codeOf(server.onFrame(initFrame, moment)), "unexpected_type", "the end is final");
    }
    const crypto = { ...nodeCrypto, generateKeyPair: () => Promise.reject(new Error("no randomness")) };
    assert.equal(await codeOf(ClientHandshake.begin(clientOptions(), { ...tools(), crypto })), "random_failed");
  });

  test("trap 14: identical INIT gets the identical RESP and the first ACK consumes the state", async () => {
    const client = await beginClient();
    const cache = new ServerHandshakeCache();
    const server = new ServerSide(serverOptions(), cache);
    const resp = await server.response(client.initFrame);
    assert.deepEqual(await server.response(client.initFrame), resp);
    assert.equal(cache.size, 1);
    const { ackFrame } = await client.onFrame(resp, nowS);
    const otherConnection = new ServerSide(serverOptions(), cache);
    assert.deepEqual(await otherConnection.response(client.initFrame), resp);
    await server.finish(ackFrame);
    assert.equal(cache.size, 0);
    assert.equal(await codeOf(otherConnection.on(ackFrame)), "state_lost");
  });

  test("a wrong ACK consumes the state as well", async () => {
    const client = await beginClient();
    const cache = new ServerHandshakeCache();
    for (const wrong of [framed(typeAck, "not json"), framed(typeAck, "{}")]) {
      const [victim, attacked] = [new ServerSide(serverOptions(), cache), new ServerSide(serverOptions(), cache)];
      assert.deepEqual(await victim.response(client.initFrame), await attacked.response(client.initFrame));
      assert.equal(await codeOf(attacked.on(wrong)), "malformed_message");
      assert.equal(cache.size, 0);
      assert.equal(await codeOf(victim.on(wrong)), "state_lost");
    }
  });

  test("an INIT is continued on another connection through a shared cache", async () => {
    const client = await beginClient();
    const cache = new ServerHandshakeCache();
    const resp = await new ServerSide(serverOptions(), cache).response(client.initFrame);
    const server = new ServerSide(serverOptions(), cache);
    assert.deepEqual(await server.response(client.initFrame), resp);
    const done = await client.onFrame(resp, nowS);
    sameKeys(done.keys, await server.finish(done.ackFrame));
  });

  test("two connections that answer one INIT at once send the same RESP", async () => {
    const client = await beginClient();
    const cache = new ServerHandshakeCache();
    const answers = [1, 2, 3].map(() => new ServerSide(serverOptions(), cache).response(client.initFrame));
    const [first, ...others] = await Promise.all(answers);
    for (const other of others) assert.deepEqual(other, first);
  });

  test("connections without a shared cache answer on their own", async () => {
    const { initFrame } = await beginClient();
    assert.notDeepEqual(await new ServerSide().response(initFrame), await new ServerSide().response(initFrame));
  });

  test("secrets are wiped at the end, and the caller's psk is left alone", async () => {
    const psk = sharedPsk();
    const client = await ClientHandshake.begin({ ...clientOptions(), psk }, tools());
    const copy = (client as unknown as { options: { psk: Uint8Array } }).options.psk;
    assert.deepEqual(copy, psk);
    await client.onFrame(await new ServerSide().response(client.initFrame), nowS);
    assert.deepEqual(copy, new Uint8Array(32));
    assert.deepEqual(psk, sharedPsk());
  });
});

describe("handshake frame", () => {
  const errorOf = (frame: Uint8Array, max = 8192): string | undefined => {
    try {
      payloadOf(typeResp, frame, max);
      return undefined;
    } catch (error) {
      assert.ok(error instanceof FramingError);
      return error.code;
    }
  };
  test("has the documented layout", () => {
    assert.deepEqual(framed(typeInit, "{}"), hex("46534548 01 01 00000002 7b7d"));
    assert.deepEqual(framed(typeAck, ""), hex("46534548 01 03 00000000"));
  });
  test("round trips for every type", () => {
    for (const type of [1, 2, 3]) {
      assert.deepEqual(decodeFrame(encodeFrame(type, utf8("{}")), 8192), { type, payload: utf8("{}") });
    }
  });
  test("checks come in the order of the protocol", () => {
    const frame = new Uint8Array(20).fill(0xee); // wrong in everything; each repair shows the next check
    assert.equal(errorOf(frame.subarray(0, 9)), "frame_too_short");
    assert.equal(errorOf(frame), "bad_magic");
    frame.set(utf8("FSEH"));
    assert.equal(errorOf(frame), "unsupported_frame_version");
    frame[4] = 1;
    assert.equal(errorOf(frame), "payload_too_large");
    writeU32(frame, 6, 8192);
    assert.equal(errorOf(frame), "size_mismatch");
    writeU32(frame, 6, 10);
    assert.equal(errorOf(frame), "unexpected_type");
    frame[5] = 2;
    assert.equal(errorOf(frame), undefined);
  });
  test("every truncation and a trailing byte are refused", () => {
    const frame = framed(typeResp, '{"a":1}');
    for (let size = 0; size < frame.length; size++) {
      assert.equal(errorOf(frame.subarray(0, size)), size < 10 ? "frame_too_short" : "size_mismatch");
    }
    assert.equal(errorOf(concat(frame, utf8(" "))), "size_mismatch");
  });
  test("payload limit holds at its edge and one past", () => {
    assert.equal(errorOf(framed(typeResp, " ".repeat(8192))), undefined);
    assert.equal(errorOf(framed(typeResp, " ".repeat(8193))), "payload_too_large");
  });
  test("versions and types around the valid ones are refused", () => {
    for (const version of [0, 2, 255]) {
      const frame = framed(typeResp, "{}");
      frame[4] = version;
      assert.equal(errorOf(frame), "unsupported_frame_version");
    }
    for (const type of [0, 1, 3, 4, 255]) assert.equal(errorOf(framed(type, "{}")), "unexpected_type");
  });
});

describe("handshake errors", () => {
  const rows: [HandshakeErrorCode, string, string][] = [
    ["wrong_suite", "handshake", "invalid_suite"],
    ["unsupported_frame_version", "handshake", "invalid_version"],
    ["unsupported_init_version", "handshake", "invalid_version"],
    ["timestamp_out_of_skew", "handshake", "timestamp_out_of_skew"],
    ["timestamp_after_init_exp", "handshake", "timestamp_after_init_exp"],
    ["auth_tag_mismatch", "handshake", "auth_tag_mismatch"],
    ["blank_channel_id", "validate", "missing_channel_id"],
    ["malformed_channel_id", "validate", "invalid_input"],
    ["missing_init_exp", "validate", "missing_init_exp"],
    ["bad_psk", "validate", "invalid_psk"],
    ["bad_suite", "validate", "invalid_suite"],
    ["bad_skew", "validate", "invalid_option"],
    ["bad_limits", "validate", "invalid_option"],
    ["random_failed", "validate", "random_failed"],
    ["unsupported_init", "handshake", "handshake_failed"],
    ["wrong_channel_id", "handshake", "handshake_failed"],
    ["wrong_handshake_id", "handshake", "handshake_failed"],
    ["malformed_auth_tag", "handshake", "handshake_failed"],
    ["key_agreement_failed", "handshake", "handshake_failed"],
    ["unexpected_type", "handshake", "handshake_failed"],
    ["cache_full", "handshake", "handshake_failed"],
    ["state_lost", "handshake", "handshake_failed"],
  ];
  test("map to the public codes", () => {
    for (const [error, stage, code] of rows) assert.deepEqual(toPublic(new HandshakeError(error)), { stage, code }, error);
    assert.deepEqual(toPublic(new DOMException("", "TimeoutError")), { stage: "handshake", code: "timeout" });
    assert.deepEqual(toPublic(new DOMException("", "AbortError")), { stage: "handshake", code: "canceled" });
    const other = new FlowersecError({ path: "auto", stage: "rpc", code: "rpc_failed" });
    for (const error of [other, new Error("closed"), undefined, "text"]) {
      assert.deepEqual(toPublic(error), { stage: "handshake", code: "handshake_failed" });
    }
  });
});

interface Case {
  case_id: string;
  inputs: JsonObject & Record<string, string>;
  expected: Record<string, string>;
}
const vectors = readSharedJson("testdata/handshake/vectors.json") as Record<string, Case[]>;
const casesOf = (group: string) => vectors[group] ?? [];
const bytesAt = (from: Record<string, string>, key: string) => b64u(from[key] as string);
const transcriptOf = ({ inputs }: Case): Transcript => ({
  suite: Number(inputs["suite"]) as 1 | 2,
  clientFeatures: Number(inputs["client_features"]),
  serverFeatures: Number(inputs["server_features"]),
  channelId: inputs["channel_id"] as string,
  nonceC: bytesAt(inputs, "nonce_c_b64u"),
  nonceS: bytesAt(inputs, "nonce_s_b64u"),
  clientPublicKey: bytesAt(inputs, "client_eph_pub_b64u"),
  serverPublicKey: bytesAt(inputs, "server_eph_pub_b64u"),
});

describe("handshake vectors", () => {
  test("transcript hash", async () => {
    for (const each of [...casesOf("transcript_hash"), ...casesOf("handshake_p256")]) {
      const hash = await hashOf(nodeCrypto, transcriptOf(each));
      assert.equal(encodeBase64url(hash), each.expected["transcript_hash_b64u"], each.case_id);
    }
  });
  test("trap 10: hkdf salt is the psk and ikm is secret then transcript hash", async () => {
    for (const { inputs, expected } of casesOf("handshake_p256")) {
      const secret = bytesAt(expected, "shared_secret_b64u");
      const hash = bytesAt(expected, "transcript_hash_b64u");
      const keys = await deriveTrafficKeys(nodeCrypto, bytesAt(inputs, "psk_b64u"), secret, hash, 0);
      const { clientToServer: c2s, serverToClient: s2c } = keys;
      assert.deepEqual(
        [c2s.key, s2c.key, c2s.prefix, s2c.prefix, c2s.rekeyBase, s2c.rekeyBase].map(encodeBase64url),
        ["c2s_key", "s2c_key", "c2s_nonce_prefix", "s2c_nonce_prefix", "rekey_base", "rekey_base"].map(
          (name) => expected[`${name}_b64u`],
        ),
      );
      assert.notEqual(c2s.rekeyBase.buffer, s2c.rekeyBase.buffer, "each direction wipes its own");
    }
  });
  test("auth tag", async () => {
    for (const { inputs, expected } of casesOf("auth_tag")) {
      const [psk, hash] = [bytesAt(inputs, "psk_b64u"), bytesAt(inputs, "transcript_hash_b64u")];
      const tag = await authTagOf(nodeCrypto, psk, hash, BigInt(inputs["timestamp_unix_s"] as string));
      assert.equal(encodeBase64url(tag), expected["auth_tag_b64u"]);
    }
  });
  test("trap 9: transcript has role 1 on both sides and neither handshake_id nor timestamp", async () => {
    const pair = await runHandshake();
    const [init, resp] = [fieldsOf(pair.init), fieldsOf(pair.resp)] as Record<string, string>[];
    const bytes = concat(
      utf8("flowersec-e2ee-v1"), hex("01 0001 01 00010001 00010002 0006"), utf8("chan-1"),
      bytesAt(init as Record<string, string>, "nonce_c_b64u"), bytesAt(resp as Record<string, string>, "nonce_s_b64u"),
      hex("0020"), bytesAt(init as Record<string, string>, "client_eph_pub_b64u"),
      hex("0020"), bytesAt(resp as Record<string, string>, "server_eph_pub_b64u"),
    );
    assert.equal(toHex(pair.client.transcriptHash), toHex(nodeCrypto.sha256(bytes)));
    assert.equal(toHex(pair.server.transcriptHash), toHex(nodeCrypto.sha256(bytes)));
  });
  test("every field changes the transcript hash, and what has no encoding is refused", async () => {
    const [keyA, keyB] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
    const original: Transcript = {
      suite: 1, clientFeatures: 0, serverFeatures: 1, channelId: "chan", nonceC: keyA, nonceS: keyA,
      clientPublicKey: keyA, serverPublicKey: keyB,
    };
    const changes: Partial<Transcript>[] = [
      {}, { suite: 2 }, { clientFeatures: 1 }, { serverFeatures: 0 }, { channelId: "chan2" }, { nonceC: keyB },
      { nonceS: keyB }, { clientPublicKey: keyB }, { serverPublicKey: keyA },
    ];
    const hashes = new Set<string>();
    for (const change of changes) hashes.add(toHex(await hashOf(nodeCrypto, { ...original, ...change })));
    assert.equal(hashes.size, changes.length);
    for (const channelId of ["", "x".repeat(65_536)]) {
      assert.throws(() => hashOf(nodeCrypto, { ...original, channelId }), { code: "bad_limits" });
    }
  });
});
