import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encodeBase64url } from "../base/index.js";
import { nodeCrypto } from "../crypto/node/provider.js";
import { b64u, flipped, hex } from "../testing/bytes.js";
import {
  applied, beginClient, changed, clientOptions, codeOf, fieldsOf, framed, initExpireS, nowS, payloadText, runHandshake,
  ServerSide, serverOptions, sharedPsk, tools, type Row,
} from "../testing/handshake_fixture.js";
import { readSharedJson } from "../testing/repository.js";
import {
  authTagOf, ClientHandshake, hashOf, peekInit, ServerHandshake, ServerHandshakeCache, typeAck, typeInit, typeResp,
  type HandshakeErrorCode, type PendingResponse, type ServerOptions,
} from "./index.js";

const tables = readSharedJson("testdata/handshake/refusals.json") as Record<"init" | "resp" | "ack" | "peek", Row[]> & {
  skew: { client: number; server: number; skew: number; init_exp: number; error: HandshakeErrorCode | null }[];
};
const record = hex("46534543 01 00 0000000000000001 00000010");
const goodInit = async (suite: 1 | 2 = 1) => (await beginClient(suite)).initFrame;

describe("handshake client", () => {
  const errorAfter = async (resp: Uint8Array, suite: 1 | 2 = 1) =>
    codeOf((await beginClient(suite)).onFrame(resp, nowS));
  const goodResp = async (suite: 1 | 2 = 1) => new ServerSide(serverOptions(suite)).response(await goodInit(suite));

  test("options are checked", async () => {
    const errorWith = (change: object) => codeOf(ClientHandshake.begin({ ...clientOptions(), ...change }, tools()));
    assert.equal(await errorWith({}), undefined);
    assert.equal(await errorWith({ channelId: "" }), "bad_channel_id");
    assert.equal(await errorWith({ channelId: "x".repeat(256) }), undefined);
    assert.equal(await errorWith({ channelId: "x".repeat(257) }), "bad_channel_id");
    assert.equal(await errorWith({ channelId: "é".repeat(129) }), "bad_channel_id");
    for (const size of [0, 31, 33]) assert.equal(await errorWith({ psk: new Uint8Array(size) }), "bad_psk");
    for (const suite of [0, 3]) assert.equal(await errorWith({ suite }), "bad_suite");
    for (const features of [-1, 1.5, 2 ** 32]) assert.equal(await errorWith({ features }), "bad_limits");
    for (const maxPayloadBytes of [-1, 1.5, NaN, Infinity]) assert.equal(await errorWith({ maxPayloadBytes }), "bad_limits");
    assert.equal(await errorWith({ maxPayloadBytes: 0 }), undefined, "0 is the default");
    const own = (await goodInit()).length - 10;
    assert.equal(await errorWith({ maxPayloadBytes: own }), undefined);
    assert.equal(await errorWith({ maxPayloadBytes: own - 1 }), "payload_too_large");
  });

  test("every wrong field of RESP is refused", async () => {
    const resp = await goodResp();
    assert.equal(await errorAfter(resp), undefined);
    for (const row of tables.resp) assert.equal(await errorAfter(applied(row, resp)), row.error, row.name);
  });

  test("unknown keys, order and white space of RESP do not matter", async () => {
    const fields = fieldsOf(await goodResp()) as Record<string, string>;
    const relaxed = framed(
      typeResp,
      `{ "later": [1, {}], "server_features": 65538,\n"nonce_s_b64u":"${fields["nonce_s_b64u"]}",` +
        ` "server_eph_pub_b64u":"${fields["server_eph_pub_b64u"]}","handshake_id":"any id"} `,
    );
    assert.equal(await errorAfter(relaxed), undefined);
  });

  test("unknown feature bits are allowed", async () => {
    assert.equal(await errorAfter(changed(await goodResp(), { server_features: 0xffff_ffff })), undefined);
  });

  test("anything but RESP ends it", async () => {
    const pair = await runHandshake();
    assert.equal(await errorAfter(pair.init), "unexpected_type");
    assert.equal(await errorAfter(pair.ack), "unexpected_type");
    assert.equal(await errorAfter(record), "bad_magic");
    assert.equal(await errorAfter(hex("7b7d7b7d7b7d7b7d7b7d")), "bad_magic");
  });

  test("answers once, and does not recover from a wrong RESP", async () => {
    for (const first of [await goodResp(), changed(await goodResp(), { handshake_id: "" })]) {
      const client = await beginClient();
      await codeOf(client.onFrame(first, nowS));
      assert.equal(await codeOf(client.onFrame(await goodResp(), nowS)), "unexpected_type");
    }
    const abandoned = await beginClient();
    abandoned.abandon();
    assert.equal(await codeOf(abandoned.onFrame(await goodResp(), nowS)), "unexpected_type");
  });

  test("a clock that JSON cannot carry is refused", async () => {
    const errorAt = async (now: number) => codeOf((await beginClient()).onFrame(await goodResp(), now));
    assert.equal(await errorAt(-1), "clock_out_of_range");
    assert.equal(await errorAt(0), undefined);
    assert.equal(await errorAt(2 ** 53 - 1), undefined);
    assert.equal(await errorAt(2 ** 53), "clock_out_of_range");
    assert.equal(await errorAt(1.5), "clock_out_of_range");
  });

  test("trap 11: weak X25519 and invalid P-256 keys are refused", async () => {
    const resp = await goodResp(2);
    const errorWith = (key: Uint8Array) => errorAfter(changed(resp, { server_eph_pub_b64u: encodeBase64url(key) }), 2);
    const good = b64u(fieldsOf(resp)["server_eph_pub_b64u"] as string);
    const parity = (good[64] as number) & 1;
    assert.equal(await errorWith(good), undefined);
    assert.equal(await errorWith(Uint8Array.from([2 + parity, ...good.subarray(1, 33)])), "malformed_public_key");
    assert.equal(await errorWith(flipped(good)), "key_agreement_failed");
    assert.equal(await errorWith(Uint8Array.from([6 + parity, ...good.subarray(1)])), "key_agreement_failed");
    assert.equal(await errorWith(new Uint8Array(1)), "malformed_public_key");
    assert.equal(await errorWith(new Uint8Array(65)), "key_agreement_failed");
  });
});

describe("server options", () => {
  test("are checked", () => {
    const errorWith = (change: Partial<ServerOptions>): string | undefined => {
      try {
        new ServerHandshake({ ...serverOptions(), ...change }, tools());
        return undefined;
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    assert.equal(errorWith({}), undefined);
    assert.equal(errorWith({ channelId: "" }), "bad_channel_id");
    assert.equal(errorWith({ channelId: "x".repeat(257) }), "bad_channel_id");
    for (const initExpireAtUnixS of [0, -1, 1.5, 2 ** 53]) assert.equal(errorWith({ initExpireAtUnixS }), "missing_init_exp");
    assert.equal(errorWith({ clockSkewSeconds: 0 }), undefined);
    for (const clockSkewSeconds of [-1, 0.5, NaN]) assert.equal(errorWith({ clockSkewSeconds }), "bad_skew");
    assert.equal(errorWith({ psk: new Uint8Array(31) }), "bad_psk");
  });
});

describe("server init", () => {
  const errorAfter = (init: Uint8Array, suite: 1 | 2 = 1) => codeOf(new ServerSide(serverOptions(suite)).on(init));

  test("every wrong field is refused", async () => {
    const init = await goodInit();
    assert.equal(await errorAfter(init), undefined);
    for (const row of tables.init) assert.equal(await errorAfter(applied(row, init)), row.error, row.name);
  });

  test("checks come in the order of the protocol", async () => {
    const good = fieldsOf(await goodInit());
    let init = changed(await goodInit(), {
      version: 2, role: 2, channel_id: "", suite: 2, client_eph_pub_b64u: "=", nonce_c_b64u: "=",
    });
    const repair = (name: string) => (init = changed(init, { [name]: good[name] }));
    assert.equal(await errorAfter(init), "unsupported_init_version");
    repair("version");
    assert.equal(await errorAfter(init), "wrong_role");
    repair("role");
    assert.equal(await errorAfter(init), "empty_channel_id");
    init = changed(init, { channel_id: "other" });
    assert.equal(await errorAfter(init), "wrong_channel_id");
    repair("channel_id");
    assert.equal(await errorAfter(init), "wrong_suite");
    repair("suite");
    assert.equal(await errorAfter(init), "malformed_public_key");
    init = changed(init, { client_eph_pub_b64u: "AAAA" }); // decodes, so only its length is wrong
    assert.equal(await errorAfter(init), "malformed_nonce");
    repair("nonce_c_b64u");
    assert.equal(await errorAfter(init), "malformed_public_key");
    repair("client_eph_pub_b64u");
    assert.equal(await errorAfter(init), undefined);
  });

  test("JSON rules hold", async () => {
    const withPayload = (text: string) => errorAfter(framed(typeInit, text));
    const good = payloadText(await goodInit());
    assert.equal(await withPayload(good), undefined);
    assert.equal(await withPayload(` ${good}\n`), undefined);
    for (const text of ["", `[${good}]`, good + good, `${good}x`, "null", "1"]) {
      assert.equal(await withPayload(text), "malformed_message", text);
    }
    assert.equal(await withPayload(good.replace('"role"', '"Role"')), "malformed_message");
    assert.equal(await withPayload(good.replace("{", '{"unknown":[{}],')), undefined);
    const bytes = framed(typeInit, good);
    bytes[bytes.indexOf(0x63, 12)] = 0xff; // a byte that no UTF-8 holds
    assert.equal(await errorAfter(bytes), "malformed_message");
  });

  test("only INIT is expected first", async () => {
    const pair = await runHandshake();
    assert.equal(await errorAfter(pair.resp), "unexpected_type");
    assert.equal(await errorAfter(pair.ack), "unexpected_type");
    assert.equal(await errorAfter(record), "bad_magic");
  });

  test("a point off the curve costs no multiplication before the tag", async () => {
    const init = await goodInit(2);
    const key = flipped(b64u(fieldsOf(init)["client_eph_pub_b64u"] as string));
    assert.equal(await errorAfter(changed(init, { client_eph_pub_b64u: encodeBase64url(key) }), 2), undefined);
  });

  test("a retry in another layout is the same INIT", async () => {
    const init = await goodInit();
    const server = new ServerSide();
    const resp = await server.response(init);
    const reordered = Object.fromEntries([...Object.entries(fieldsOf(init)).reverse(), ["unknown", true]]);
    assert.deepEqual(await server.response(framed(typeInit, JSON.stringify(reordered, null, 1))), resp);
  });

  test("a retry that differs in any field ends the handshake", async () => {
    const init = await goodInit();
    const other = fieldsOf(await goodInit());
    const changes: [string, unknown][] = [
      ["channel_id", "chan-2"], ["client_features", 1], ["nonce_c_b64u", other["nonce_c_b64u"]],
      ["client_eph_pub_b64u", other["client_eph_pub_b64u"]], ["version", 2], ["role", 2],
    ];
    for (const [name, value] of changes) {
      const server = new ServerSide();
      await server.response(init);
      assert.equal(await codeOf(server.on(changed(init, { [name]: value }))), "different_init", name);
      assert.equal(await codeOf(server.on(init)), "unexpected_type", "the end is final");
    }
  });

  test("a retry after the response expired ends the handshake", async () => {
    const init = await goodInit();
    const server = new ServerSide();
    await server.response(init, 0);
    await server.response(init, 60_000);
    assert.equal(await codeOf(server.on(init, nowS, 60_001)), "state_lost");
  });

  test("a full cache refuses new handshakes and still answers old ones", async () => {
    const cache = new ServerHandshakeCache({ maxEntries: 1 });
    const [first, second] = [await goodInit(), await goodInit()];
    const one = new ServerSide(serverOptions(), cache);
    await one.response(first);
    assert.equal(await codeOf(new ServerSide(serverOptions(), cache).on(second)), "cache_full");
    await one.response(first);
    await new ServerSide(serverOptions(), cache).response(second, 61_000); // expired entries make room
  });

  test("our own RESP keeps to the limit", async () => {
    const options = { ...serverOptions(), maxPayloadBytes: (await goodInit()).length - 10 };
    await new ServerSide(options).response(await goodInit());
    const long = { ...serverOptions(), maxPayloadBytes: 100 };
    assert.equal(await codeOf(new ServerSide(long).on(await goodInit())), "payload_too_large");
  });
});

describe("server ack", () => {
  const beforeAck = async (options = serverOptions(), clientNow = nowS) => {
    const server = new ServerSide(options);
    const client = await beginClient();
    const { ackFrame } = await client.onFrame(await server.response(client.initFrame), clientNow);
    return { server, ack: ackFrame };
  };
  const errorAfter = async (change: (ack: Uint8Array) => Uint8Array) => {
    const { server, ack } = await beforeAck();
    return codeOf(server.on(change(ack)));
  };

  test("every wrong field is refused", async () => {
    assert.equal(await errorAfter((ack) => ack), undefined);
    for (const row of tables.ack) assert.equal(await errorAfter((ack) => applied(row, ack)), row.error, row.name);
  });

  test("every flipped bit of the tag is a mismatch", async () => {
    for (let bit = 0; bit < 256; bit += 7) {
      const error = await errorAfter((ack) => {
        const tag = flipped(b64u(fieldsOf(ack)["auth_tag_b64u"] as string), bit >> 3, 1 << (bit & 7));
        return changed(ack, { auth_tag_b64u: encodeBase64url(tag) });
      });
      assert.equal(error, "auth_tag_mismatch");
    }
  });

  test("checks come in the order of the protocol", async () => {
    const errorNow = async (serverNow: number, change: object) => {
      const { server, ack } = await beforeAck({ ...serverOptions(), initExpireAtUnixS: nowS - 100 });
      return codeOf(server.on(changed(ack, { auth_tag_b64u: "=", ...change }), serverNow));
    };
    assert.equal(await errorNow(nowS - 1000, { handshake_id: "wrong" }), "wrong_handshake_id");
    assert.equal(await errorNow(nowS - 1000, {}), "timestamp_out_of_skew");
    assert.equal(await errorNow(nowS, {}), "timestamp_after_init_exp");
    assert.equal(await errorAfter((ack) => changed(ack, { auth_tag_b64u: "=" })), "malformed_auth_tag");
  });

  test("an invalid point is found after the tag", async () => {
    // The attacker knows the PSK in one case: only then does the server compute with the key.
    for (const psk of [sharedPsk(), new Uint8Array(32)]) {
      const zero = "A".repeat(43);
      const init = changed(await goodInit(), { client_eph_pub_b64u: zero });
      const server = new ServerSide();
      const [sent, resp] = [fieldsOf(init), fieldsOf(await server.response(init))] as Record<string, string>[];
      const field = (from: Record<string, string> | undefined, name: string) => b64u(from?.[name] as string);
      const hash = await hashOf(nodeCrypto, {
        suite: 1, clientFeatures: 0x0001_0001, serverFeatures: 0x0001_0002, channelId: "chan-1",
        nonceC: field(sent, "nonce_c_b64u"), nonceS: field(resp, "nonce_s_b64u"),
        clientPublicKey: b64u(zero), serverPublicKey: field(resp, "server_eph_pub_b64u"),
      });
      const tag = encodeBase64url(await authTagOf(nodeCrypto, psk, hash, BigInt(nowS)));
      const ack = { handshake_id: resp?.["handshake_id"], timestamp_unix_s: nowS, auth_tag_b64u: tag };
      const expected = psk[0] === 0 ? "auth_tag_mismatch" : "key_agreement_failed";
      assert.equal(await codeOf(server.on(framed(typeAck, JSON.stringify(ack)))), expected);
    }
  });

  test("records and RESP are refused while waiting for it, and the end is final", async () => {
    for (const frame of [record, framed(typeResp, "{}")]) {
      const { server, ack } = await beforeAck();
      assert.ok(await codeOf(server.on(frame)));
      assert.equal(await codeOf(server.on(ack)), "unexpected_type");
    }
  });

  test("a frame that is no ACK does not consume the state", async () => {
    const cache = new ServerHandshakeCache();
    const server = new ServerSide(serverOptions(), cache);
    await server.response(await goodInit());
    assert.equal(await codeOf(server.on(framed(typeAck, "{}").subarray(0, 11))), "size_mismatch");
    assert.equal(cache.size, 1);
  });

  test("nothing follows it", async () => {
    const { server, ack } = await beforeAck();
    await server.finish(ack);
    assert.equal(await codeOf(server.on(ack)), "unexpected_type");
    const refused = await beforeAck();
    assert.ok(await codeOf(refused.server.on(changed(refused.ack, { handshake_id: "x" }))));
    assert.equal(await codeOf(refused.server.on(refused.ack)), "unexpected_type");
  });

  test("skew and init_exp hold at their edges and one past; extreme clocks do not overflow", async () => {
    for (const { client, server: serverNow, skew, init_exp, error } of tables.skew) {
      const options = { ...serverOptions(), clockSkewSeconds: skew, initExpireAtUnixS: init_exp };
      const { server, ack } = await beforeAck(options, client);
      assert.equal((await codeOf(server.on(ack, serverNow))) ?? null, error, JSON.stringify([client, serverNow, skew, init_exp]));
    }
    assert.equal(initExpireS, nowS + 60);
  });
});

describe("peekInit", () => {
  test("shows what a resolver needs", async () => {
    assert.deepEqual(peekInit(await goodInit(2)), { channelId: "chan-1", version: 1, suite: 2, clientFeatures: 0x0001_0001 });
    const longest = changed(await goodInit(), { channel_id: "x".repeat(256) });
    assert.equal(peekInit(longest).channelId.length, 256);
  });
  test("refuses what no credential could allow", async () => {
    const init = await goodInit();
    const errorOf = (frame: Uint8Array, max?: number) => codeOf((async () => peekInit(frame, max))());
    for (const row of tables.peek) assert.equal(await errorOf(applied(row, init)), row.error, row.name);
    assert.equal(await errorOf(init.subarray(0, 9)), "frame_too_short");
    const version2 = init.slice();
    version2[4] = 2;
    assert.equal(await errorOf(version2), "unsupported_frame_version");
    assert.equal(await errorOf(framed(typeAck, payloadText(init))), "unexpected_type");
    assert.equal(await errorOf(framed(typeInit, "?")), "malformed_message");
    assert.equal(await errorOf(init, 100), "payload_too_large");
    assert.equal(await errorOf(changed(init, { channel_id: "", version: 2 })), "blank_channel_id");
  });
});

describe("response cache", () => {
  const response = (handshakeId: string): PendingResponse => ({
    handshakeId, keyPair: nodeCrypto.generateKeyPair(1), nonceS: new Uint8Array(32), features: 0,
  });
  test("limits are checked", () => {
    assert.ok(new ServerHandshakeCache({ ttlMs: 0, maxEntries: 0 }));
    for (const bad of [{ ttlMs: -1 }, { ttlMs: 0.5 }, { maxEntries: -1 }, { maxEntries: NaN }]) {
      assert.throws(() => new ServerHandshakeCache(bad), { code: "bad_limits" });
    }
  });
  test("answers until it is taken; the first of two answers to one INIT holds", () => {
    const cache = new ServerHandshakeCache();
    assert.equal(cache.find("1", 0), undefined);
    assert.equal(cache.insert("1", response("first"), 0).handshakeId, "first");
    assert.equal(cache.insert("1", response("second"), 0).handshakeId, "first");
    assert.equal(cache.size, 1);
    assert.equal(cache.take("1")?.handshakeId, "first");
    assert.equal(cache.take("1"), undefined);
    assert.equal(cache.find("1", 0), undefined);
  });
  test("lifetime holds at its edge and one past, judged when an INIT is looked up and not at ACK", () => {
    const cache = new ServerHandshakeCache();
    cache.insert("1", response("a"), 5);
    assert.ok(cache.find("1", 60_005));
    assert.equal(cache.find("1", 60_006), undefined);
    assert.equal(cache.size, 0);
    cache.insert("2", response("b"), 0);
    assert.ok(cache.take("2"), "no INIT came that could have removed it");
    cache.insert("3", response("old"), 0);
    assert.equal(cache.insert("3", response("new"), 61_000).handshakeId, "new");
  });
  test("bound holds at its edge and one past", () => {
    const cache = new ServerHandshakeCache({ maxEntries: 3 });
    for (const name of ["0", "1", "2"]) cache.insert(name, response("x"), 0);
    assert.throws(() => cache.insert("3", response("x"), 0), { code: "cache_full" });
    assert.ok(cache.insert("2", response("x"), 0), "an answered INIT is not a new one");
    cache.take("0");
    assert.ok(cache.insert("3", response("x"), 0));
  });
  test("without bounds nothing is refused or removed", () => {
    const cache = new ServerHandshakeCache({ ttlMs: 0, maxEntries: 0 });
    const one = response("x");
    for (let i = 0; i < 5000; i++) cache.insert(String(i), one, 0);
    assert.ok(cache.find("0", 1e12));
  });
});
