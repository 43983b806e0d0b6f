import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { webCrypto } from "../crypto/browser/provider.js";
import type { CryptoProvider, KeyPair } from "../crypto/index.js";
import { nobleCrypto } from "../crypto/noble/provider.js";
import { nodeCrypto } from "../crypto/node/provider.js";
import { b64u, flipped, hex } from "../testing/bytes.js";
import { readSharedJson } from "../testing/repository.js";
import { webKeyPairOf } from "../testing/web_key_pairs.js";
import { decodeOpen, encodeOpen, openPsk, parseServerKey, SealedError, sealPsk, serverKeyId, type OpenMessage } from "./index.js";
import { parseKeyFile, ServerKeyPair } from "./key_pair.js";

const vectors = readSharedJson("testdata/sealed/box_vectors.json") as {
  seal: Record<"name" | "sealing_private_b64u" | "server_private_b64u" | "server_public_b64u" | "kid" | "channel_id" | "psk_b64u" | "sealed_b64u", string>[];
  refused: Record<"name" | "server_private_b64u" | "channel_id" | "sealed_b64u", string>[];
  bad_keys: Record<"name" | "text", string>[];
  small_order_server_keys_hex: string[];
};
interface OpenRow {
  name: string;
  text: string;
  padded_to?: number;
}
const table = readSharedJson("testdata/sealed/open_message.json") as {
  accepted: (OpenRow & { message: { channel_id: string; kid: string; suite: 1 | 2; sealed_b64u: string }; encodes?: boolean })[];
  refused: OpenRow[];
};
const padded = ({ text, padded_to = 0 }: OpenRow) => text + " ".repeat(Math.max(0, padded_to - text.length));
const [row] = vectors.seal as [(typeof vectors.seal)[0]];
const subjects: { crypto: CryptoProvider; pairOf(privateKey: Uint8Array): KeyPair | Promise<KeyPair> }[] = [
  { crypto: nodeCrypto, pairOf: (key) => nodeCrypto.keyPairOf(1, key) },
  { crypto: webCrypto(crypto.subtle), pairOf: (key) => webKeyPairOf(1, key) },
  { crypto: nobleCrypto, pairOf: (key) => nobleCrypto.keyPairOf(1, key) },
];
const refuses = (code: string) => (error: unknown) => error instanceof SealedError && error.code === code;

for (const { crypto, pairOf } of subjects) {
  describe(`sealed box, ${crypto.name}`, () => {
    test("gives the known boxes and ids, and opens them", async () => {
      for (const each of vectors.seal) {
        const server = b64u(each.server_public_b64u);
        const sealed = await sealPsk(server, each.channel_id, b64u(each.psk_b64u), crypto, await pairOf(b64u(each.sealing_private_b64u)));
        assert.deepEqual(sealed, b64u(each.sealed_b64u), each.name);
        assert.equal(await serverKeyId(crypto, server), each.kid, each.name);
        const opened = await openPsk(await pairOf(b64u(each.server_private_b64u)), each.channel_id, sealed, crypto);
        assert.deepEqual(Uint8Array.from(opened), b64u(each.psk_b64u), each.name);
      }
    });
    test("refuses every box that was changed, with one error", async () => {
      for (const each of vectors.refused) {
        const opening = openPsk(await pairOf(b64u(each.server_private_b64u)), each.channel_id, b64u(each.sealed_b64u), crypto);
        await assert.rejects(opening, (error) => refuses("open_failed")(error) && (error as Error).cause === undefined, each.name);
      }
    });
    test("refuses any byte changed", async () => {
      const [server, box] = [await pairOf(b64u(row.server_private_b64u)), b64u(row.sealed_b64u)];
      for (let at = 0; at < box.length; at++) {
        await assert.rejects(openPsk(server, row.channel_id, flipped(box, at, 1 << (at & 7)), crypto), refuses("open_failed"), `${at}`);
      }
    });
    test("does not seal to a key of small order", async () => {
      for (const key of vectors.small_order_server_keys_hex) {
        await assert.rejects(sealPsk(hex(key), "channel", new Uint8Array(32), crypto), refuses("bad_key"), key);
      }
    });
  });
}

test("each box has a sealing key of its own", async () => {
  const box = () => sealPsk(b64u(row.server_public_b64u), "channel", new Uint8Array(32));
  assert.notDeepEqual((await box()).subarray(0, 32), (await box()).subarray(0, 32));
});
test("what cannot be sealed is refused: channel ids, keys of another length", async () => {
  const server = b64u(row.server_public_b64u);
  for (const id of ["", " a", "a\n", "x".repeat(257), "ü".repeat(129)]) {
    await assert.rejects(sealPsk(server, id, new Uint8Array(32)), refuses("bad_channel_id"), id);
  }
  for (const id of ["a", "x".repeat(256), "ü".repeat(128)]) assert.equal((await sealPsk(server, id, new Uint8Array(32))).length, 80);
  for (const length of [0, 31, 33]) {
    await assert.rejects(sealPsk(server, "a", new Uint8Array(length)), refuses("bad_psk"));
    await assert.rejects(sealPsk(new Uint8Array(length).fill(9), "a", new Uint8Array(32)), refuses("bad_key"));
  }
});

test("public keys are 43 characters of base64url and nothing else", () => {
  assert.deepEqual(parseServerKey(row.server_public_b64u), b64u(row.server_public_b64u));
  for (const { name, text } of vectors.bad_keys) assert.equal(parseServerKey(text), undefined, name);
  for (const other of [undefined, null, 1, {}, b64u(row.server_public_b64u)]) assert.equal(parseServerKey(other), undefined);
});
test("a server's pair knows its public half and its id, opens boxes, and does not show its private half", async () => {
  const pair = new ServerKeyPair(row.server_private_b64u);
  assert.deepEqual([pair.publicKey, pair.kid], [row.server_public_b64u, row.kid]);
  assert.deepEqual(Uint8Array.from(await pair.open(row.channel_id, b64u(row.sealed_b64u))), b64u(row.psk_b64u));
  assert.equal(JSON.stringify(pair).includes(row.server_private_b64u), false);
  for (const { name, text } of vectors.bad_keys) assert.throws(() => new ServerKeyPair(text), refuses("bad_key"), name);
});
test("key files: every key in its order; refused with another version, no key, a key twice, another id", () => {
  const entries = vectors.seal.slice(0, 2).map(({ kid, server_private_b64u }) => ({ kid, private_key_b64u: server_private_b64u, created_at_unix_s: 1 }));
  const read = (file: unknown) => parseKeyFile(JSON.stringify(file));
  assert.deepEqual(read({ version: 1, keys: entries }).map(({ kid }) => kid), entries.map(({ kid }) => kid));
  const [a, b] = entries as [(typeof entries)[0], (typeof entries)[0]];
  const bad = [
    null, [], { version: 2, keys: entries }, { version: 1 }, { version: 1, keys: [] }, { version: 1, keys: {} }, { version: 1, keys: [a, a] },
    { version: 1, keys: [null] }, { version: 1, keys: [{ ...a, kid: b.kid }] }, { version: 1, keys: [{ kid: a.kid }] },
  ];
  for (const file of bad) assert.throws(() => read(file), refuses("bad_key"), JSON.stringify(file));
  assert.throws(() => parseKeyFile("{"), refuses("bad_key"));
});

describe("open message", () => {
  const good = { v: 1, type: "ownwire_open", channel_id: row.channel_id, kid: row.kid, suite: 1, sealed_psk_b64u: row.sealed_b64u };
  const message: OpenMessage = { channelId: row.channel_id, kid: row.kid, suite: 1, sealed: b64u(row.sealed_b64u) };

  test("every case of the shared table", () => {
    for (const row of table.accepted) {
      const { channel_id: channelId, kid, suite, sealed_b64u } = row.message;
      const read = { channelId, kid, suite, sealed: b64u(sealed_b64u) };
      assert.deepEqual(decodeOpen(padded(row)), read, row.name);
      if (row.encodes) assert.equal(encodeOpen(read), row.text, row.name);
    }
    for (const row of table.refused) assert.throws(() => decodeOpen(padded(row)), refuses("invalid_open"), row.name);
    assert.ok(table.accepted.length > 5 && table.refused.length > 10);
  });
  test("comes back as it was", () => {
    assert.deepEqual(JSON.parse(encodeOpen(message)), good);
    for (const suite of [1, 2] as const) assert.deepEqual(decodeOpen(encodeOpen({ ...message, suite })), { ...message, suite });
  });
  test("unknown keys are ignored, and of a key that comes twice the last one counts", () => {
    assert.deepEqual(decodeOpen(JSON.stringify({ ...good, later: [1] })), message);
    assert.deepEqual(decodeOpen(JSON.stringify({ ...good, suite: 7 }).replace('"suite":7', '"suite":7,"suite":1')), message);
  });
  test("has its bound in UTF-8", () => {
    const wide = (n: number) => JSON.stringify({ ...good, pad: "ü".repeat(n) });
    assert.throws(() => decodeOpen(wide(2048)), refuses("invalid_open"));
  });
  const bad: [string, unknown][] = [
    ["no object", [good]], ["null", null], ["a text", "x"], ["no version", { ...good, v: undefined }], ["another version", { ...good, v: 2 }],
    ["a version that is no number", { ...good, v: "1" }], ["another type", { ...good, type: "attach" }], ["no channel", { ...good, channel_id: undefined }],
    ["an empty channel", { ...good, channel_id: "" }], ["a channel of 257 bytes", { ...good, channel_id: "x".repeat(257) }],
    ["white space around the channel", { ...good, channel_id: " c" }], ["half a character", { ...good, channel_id: "\ud800" }],
    ["no id", { ...good, kid: undefined }], ["a short id", { ...good, kid: row.kid.slice(1) }], ["a long id", { ...good, kid: `${row.kid}A` }],
    ["suite 0", { ...good, suite: 0 }], ["suite 3", { ...good, suite: 3 }], ["a suite that is no number", { ...good, suite: "1" }],
    ["no box", { ...good, sealed_psk_b64u: undefined }], ["a short box", { ...good, sealed_psk_b64u: row.sealed_b64u.slice(0, 106) }],
    ["a long box", { ...good, sealed_psk_b64u: `${row.sealed_b64u}A` }], ["a padded box", { ...good, sealed_psk_b64u: `${row.sealed_b64u}=` }],
  ];
  for (const [name, value] of bad) {
    test(`refused: ${name}`, () => assert.throws(() => decodeOpen(JSON.stringify(value)), refuses("invalid_open")));
  }
  test("refused: every truncation, and whatever is no JSON", () => {
    const text = encodeOpen(message);
    for (let length = 0; length < text.length; length++) assert.throws(() => decodeOpen(text.slice(0, length)), refuses("invalid_open"));
    for (const other of ["{", `${text}x`, `${text}${text}`, `{"a":`.repeat(800)]) assert.throws(() => decodeOpen(other), refuses("invalid_open"));
  });
});
