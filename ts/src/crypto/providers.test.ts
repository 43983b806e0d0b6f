import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createPrivateKey } from "node:crypto";
import { describe, test } from "node:test";
import { concat } from "../base/index.js";
import { flipped, hex, pattern, toHex } from "../testing/bytes.js";
import { readSharedJson } from "../testing/repository.js";
import { webKeyPairOf } from "../testing/web_key_pairs.js";
import { bytesAt as at, groupsOf, whenThere } from "../testing/wycheproof.js";
import { webCrypto } from "./browser/provider.js";
import { defaultCrypto, forceCrypto, type CryptoProvider, type KeyPair, type SuiteId } from "./index.js";
import { nobleKeyPair } from "./noble/dh.js";
import { nobleCrypto } from "./noble/provider.js";
import { nodeCrypto, p256KeyPair, x25519KeyPair } from "./node/provider.js";
import { syncCrypto } from "./sync.js";

interface Subject {
  crypto: CryptoProvider;
  keyPairOf(suite: SuiteId, privateKey: Uint8Array): KeyPair | Promise<KeyPair>;
}

const pkcs8X25519 = hex("302e020100300506032b656e04220420");
const nodeKeyPairOf = (suite: SuiteId, privateKey: Uint8Array) =>
  suite === 2
    ? p256KeyPair(privateKey)
    : x25519KeyPair(createPrivateKey({ key: Buffer.from(concat(pkcs8X25519, privateKey)), format: "der", type: "pkcs8" }));
const subjects: Subject[] = [
  { crypto: nodeCrypto, keyPairOf: nodeKeyPairOf },
  { crypto: webCrypto(crypto.subtle), keyPairOf: webKeyPairOf },
  { crypto: nobleCrypto, keyPairOf: nobleKeyPair },
];

test("Node: a generated key is never exported while its generation is collected, which stops the program", () => {
  // In a program of its own, as nothing in a stopped one can tell. Collections are frequent there.
  const provider = new URL("./node/provider.js", import.meta.url).href;
  const program = `import { nodeCrypto } from "${provider}"; for (let i = 0; i < 30000; ++i) nodeCrypto.generateKeyPair(1);`;
  const options = ["--max-semi-space-size=1", "--input-type=module", "-e", program];
  const { status, signal, stderr } = spawnSync(process.execPath, options, { timeout: 120_000, killSignal: "SIGKILL", encoding: "utf8" });
  assert.deepEqual({ status, signal, stderr }, { status: 0, signal: null, stderr: "" });
});

interface DhCases {
  agreements: Record<"name" | "private_a_hex" | "public_a_hex" | "private_b_hex" | "public_b_hex" | "shared_hex", string>[] & { suite: SuiteId }[];
  same_secret: ({ suite: SuiteId } & Record<"name" | "private_hex" | "public_hex" | "shared_hex", string>)[];
  refused: { name: string; suite: SuiteId; public_hex: string }[];
}
const dh = readSharedJson("testdata/crypto/dh.json") as DhCases;
const gcm = readSharedJson("testdata/crypto/aes_256_gcm.json") as {
  cases: Record<"name" | "key_hex" | "nonce_hex" | "aad_hex" | "plaintext_hex" | "sealed_hex", string>[];
};
const hash = readSharedJson("testdata/crypto/hash.json") as {
  sha256: { message_hex: string; digest_hex: string }[];
  hmac_sha256: { name: string; key_hex: string; message_hex: string; tag_hex: string }[];
};

async function seal(crypto: CryptoProvider, key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array) {
  const into = new Uint8Array(plaintext.length + 16);
  await (await crypto.cipher(key)).seal(nonce, aad, plaintext, into);
  return into;
}
async function open(crypto: CryptoProvider, key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array) {
  return await (await crypto.cipher(key)).open(nonce, aad, sealed);
}

for (const { crypto, keyPairOf } of subjects) {
  describe(`crypto ${crypto.name}`, () => {
    test("dh: gives the known answers from either side", async () => {
      for (const each of dh.agreements) {
        const a = await keyPairOf(each.suite, hex(each.private_a_hex));
        const b = await keyPairOf(each.suite, hex(each.private_b_hex));
        assert.equal(toHex(a.publicKey), each.public_a_hex, each.name);
        assert.equal(toHex(b.publicKey), each.public_b_hex, each.name);
        assert.equal(toHex(await a.agree(b.publicKey)), each.shared_hex, each.name);
        assert.equal(toHex(await b.agree(a.publicKey)), each.shared_hex, each.name);
      }
    });

    test("dh: keys with a surprising answer are taken", async () => {
      for (const each of dh.same_secret) {
        const pair = await keyPairOf(each.suite, hex(each.private_hex));
        assert.equal(toHex(await pair.agree(hex(each.public_hex))), each.shared_hex, each.name);
      }
    });

    test("trap 11: an all-zero X25519 result, and all but 65-byte points of P-256, are refused", async () => {
      for (const suite of [1, 2] as const) {
        const pair = await crypto.generateKeyPair(suite);
        for (const each of dh.refused.filter((row) => row.suite === suite)) {
          await assert.rejects(async () => pair.agree(hex(each.public_hex)), Error, each.name);
        }
      }
    });

    test("dh: generated pairs agree and differ", async () => {
      for (const suite of [1, 2] as const) {
        const [a, b] = [await crypto.generateKeyPair(suite), await crypto.generateKeyPair(suite)];
        assert.notDeepEqual(a.publicKey, b.publicKey);
        assert.equal(a.publicKey.length, suite === 1 ? 32 : 65);
        assert.deepEqual(await a.agree(b.publicKey), await b.agree(a.publicKey));
      }
    });

    test("dh: shared secrets are left padded", async () => {
      // Found by search; times the generator, the secret is the own X coordinate.
      const scalar = new Uint8Array(32);
      const one = await keyPairOf(2, hex(`${"00".repeat(31)}01`));
      for (let n = 2; ; n++) {
        new DataView(scalar.buffer).setUint32(28, n);
        const pair = nodeKeyPairOf(2, scalar);
        if (pair.publicKey[1] !== 0) continue;
        assert.deepEqual(await one.agree(pair.publicKey), pair.publicKey.slice(1, 33));
        return;
      }
    });

    test("aes_256_gcm: gives the known answers", async () => {
      for (const each of gcm.cases) {
        const [key, nonce, aad] = [hex(each.key_hex), hex(each.nonce_hex), hex(each.aad_hex)];
        assert.equal(toHex(await seal(crypto, key, nonce, aad, hex(each.plaintext_hex))), each.sealed_hex, each.name);
        assert.equal(toHex(await open(crypto, key, nonce, aad, hex(each.sealed_hex))), each.plaintext_hex, each.name);
      }
    });

    test("aes_256_gcm: round trips around block sizes and around the size where implementations change", async () => {
      const [key, nonce, aad] = [pattern(32), pattern(12), pattern(18)];
      const cipher = await crypto.cipher(key);
      for (const size of [0, 1, 15, 16, 17, 255, 4096, 65_536]) {
        const sealed = new Uint8Array(size + 16);
        await cipher.seal(nonce, aad, pattern(size), sealed);
        assert.deepEqual(sealed, await seal(nodeCrypto, key, nonce, aad, pattern(size)));
        assert.deepEqual(await cipher.open(nonce, aad, sealed), pattern(size));
      }
    });

    test("aes_256_gcm: refuses every changed byte, in any place, and too few of them", async () => {
      const [key, nonce, aad] = [pattern(32), pattern(12), pattern(18)];
      const sealed = await seal(crypto, key, nonce, aad, pattern(40));
      const cipher = await crypto.cipher(key);
      for (let at = 0; at < sealed.length; at++) {
        await assert.rejects(async () => cipher.open(nonce, aad, flipped(sealed, at, 1 << (at & 7))), Error);
      }
      for (let at = 0; at < 12; at++) await assert.rejects(async () => cipher.open(flipped(nonce, at), aad, sealed), Error);
      for (let at = 0; at < 18; at++) await assert.rejects(async () => cipher.open(nonce, flipped(aad, at), sealed), Error);
      for (let size = 0; size < sealed.length; size++) {
        await assert.rejects(async () => cipher.open(nonce, aad, sealed.subarray(0, size)), Error);
      }
      assert.deepEqual(await cipher.open(nonce, aad, sealed), pattern(40), "a refusal does not disturb the next record");
    });

    test("aes_256_gcm: the caller's key may be wiped, and the cipher lives", async () => {
      const key = pattern(32);
      const cipher = await crypto.cipher(key);
      key.fill(0);
      const sealed = new Uint8Array(21);
      await cipher.seal(pattern(12), pattern(18), pattern(5), sealed);
      assert.deepEqual(await open(nodeCrypto, pattern(32), pattern(12), pattern(18), sealed), pattern(5));
    });

    test("sha256 and hmac: give the known answers, in pieces too", async () => {
      for (const { message_hex, digest_hex } of hash.sha256) {
        const message = hex(message_hex);
        for (const cut of [0, 1, message.length]) {
          assert.equal(toHex(await crypto.sha256(message.subarray(0, cut), message.subarray(cut))), digest_hex);
        }
      }
      for (const { name, key_hex, message_hex, tag_hex } of hash.hmac_sha256) {
        const message = hex(message_hex);
        assert.equal(toHex(await crypto.hmac(hex(key_hex), message.subarray(0, 3), message.subarray(3))), tag_hex, name);
      }
    });
  });
}

describe("choice of primitives", () => {
  test("Node has node:crypto, sessions and low-level functions alike", async () => {
    assert.equal((await defaultCrypto()).name, "node");
    assert.equal(syncCrypto.name, "node");
  });
  test("can be forced, and released", async () => {
    forceCrypto(nobleCrypto);
    assert.equal(await defaultCrypto(), nobleCrypto);
    forceCrypto(undefined);
    assert.equal((await defaultCrypto()).name, "node");
  });
  test("a browser has WebCrypto, and JavaScript where there is none", async () => {
    const { platformCrypto } = await import("./browser/platform.js");
    assert.equal((await platformCrypto()).name, "webcrypto");
    const { subtle } = globalThis.crypto;
    Object.defineProperty(globalThis.crypto, "subtle", { value: undefined, configurable: true });
    try {
      assert.equal((await platformCrypto()).name, "noble");
    } finally {
      Object.defineProperty(globalThis.crypto, "subtle", { value: subtle, configurable: true });
    }
  });
  test("WebCrypto without X25519 gets it from JavaScript", async () => {
    const old = new Proxy(crypto.subtle, {
      get: (target, name) =>
        name === "generateKey"
          ? () => Promise.reject(new DOMException("", "NotSupportedError"))
          : (Reflect.get(target, name) as () => unknown).bind(target),
    });
    const [a, b] = [await webCrypto(old).generateKeyPair(1), await nodeCrypto.generateKeyPair(1)];
    assert.deepEqual(await a.agree(b.publicKey), b.agree(a.publicKey));
  });
});

for (const { crypto, keyPairOf } of subjects) {
  describe(`wycheproof ${crypto.name}`, whenThere, () => {
    test("aes_256_gcm", async () => {
      for (const group of groupsOf("aes_gcm_test.json")) {
        if (group["keySize"] !== 256 || group["ivSize"] !== 96 || group["tagSize"] !== 128) continue;
        for (const v of group.tests) {
          const sealed = concat(at(v, "ct"), at(v, "tag"));
          const opened = open(crypto, at(v, "key"), at(v, "iv"), at(v, "aad"), sealed);
          if (v.result !== "valid") await assert.rejects(opened, Error, v["comment"]);
          else assert.deepEqual(await opened, at(v, "msg"));
        }
      }
    });
    test("x25519", async () => {
      for (const v of groupsOf("x25519_test.json").flatMap((group) => group.tests)) {
        const pair = await keyPairOf(1, at(v, "private"));
        const isWeak = /^0*$/.test(v["shared"] ?? "");
        if (isWeak) await assert.rejects(async () => pair.agree(at(v, "public")), Error);
        else assert.equal(toHex(await pair.agree(at(v, "public"))), v["shared"]);
      }
    });
    test("ecdh_p256", async () => {
      for (const v of groupsOf("ecdh_secp256r1_ecpoint_test.json").flatMap((group) => group.tests)) {
        const scalar = hex((v["private"] ?? "").replace(/^(00)+/, "").padStart(64, "0"));
        const pair = await keyPairOf(2, scalar);
        const peer = at(v, "public");
        const isGood = peer.length === 65 && peer[0] === 4 && v.result !== "invalid";
        if (isGood) assert.equal(toHex(await pair.agree(peer)), v["shared"]);
        else await assert.rejects(async () => pair.agree(peer), Error, v["comment"]);
      }
    });
    test("hmac_sha256", async () => {
      for (const group of groupsOf("hmac_sha256_test.json")) {
        for (const v of group.tests) {
          const tag = (await crypto.hmac(at(v, "key"), at(v, "msg"))).subarray(0, (group["tagSize"] as number) / 8);
          assert.equal(toHex(tag) === v["tag"], v.result === "valid");
        }
      }
    });
  });
}
