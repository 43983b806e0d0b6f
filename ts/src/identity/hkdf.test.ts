// HKDF with every implementation of the primitives: the table that C++ shares, and Wycheproof. Here there is only one block of output, and no
// salt is written as 32 zeros, which RFC 5869, 2.2, says is the same.
import assert from "node:assert/strict";
import { hkdfSync } from "node:crypto";
import { after, describe, test } from "node:test";
import { webCrypto } from "../crypto/browser/provider.js";
import { forceCrypto } from "../crypto/index.js";
import { nobleCrypto } from "../crypto/noble/provider.js";
import { nodeCrypto } from "../crypto/node/provider.js";
import { hex, pattern, toHex } from "../testing/bytes.js";
import { readSharedJson } from "../testing/repository.js";
import { bytesAt, groupsOf, whenThere } from "../testing/wycheproof.js";
import { hkdf32 } from "./hkdf.js";

type Row = Record<"name" | "salt_hex" | "ikm_hex" | "info_hex", string>;
const { cases, longest } = readSharedJson("testdata/crypto/hkdf_sha256.json") as {
  cases: (Row & { okm_hex: string })[];
  longest: Row & { okm_begins_hex: string };
};

const firstBlockHex = 64;

async function expectBlock(salt: Uint8Array, ikm: Uint8Array, info: Uint8Array, okmHex: string, name: string) {
  const from = salt.length === 0 ? new Uint8Array(32) : salt;
  for (const cut of [0, 1, ikm.length]) {
    const block = toHex(await hkdf32(from, [ikm.subarray(0, cut), ikm.subarray(cut)], info));
    const both = Math.min(firstBlockHex, okmHex.length);
    assert.equal(block.slice(0, both), okmHex.slice(0, both), name);
  }
}

after(() => forceCrypto(undefined));
for (const crypto of [nodeCrypto, webCrypto(globalThis.crypto.subtle), nobleCrypto]) {
  describe(`hkdf ${crypto.name}`, () => {
    test("gives the known answers, its key material in pieces too", async () => {
      assert.ok(cases.length >= 18);
      forceCrypto(crypto);
      for (const { name, salt_hex, ikm_hex, info_hex, okm_hex } of [...cases, { ...longest, okm_hex: longest.okm_begins_hex }]) {
        await expectBlock(hex(salt_hex), hex(ikm_hex), hex(info_hex), okm_hex, name);
      }
    });

    test("agrees with node:crypto around the block size of the hash", async () => {
      forceCrypto(crypto);
      for (const size of [1, 31, 32, 33, 63, 64, 65, 128, 200]) {
        const [salt, ikm, info] = [pattern(size), pattern(size + 1), pattern(size - 1)];
        assert.deepEqual(await hkdf32(salt, [ikm], info), new Uint8Array(hkdfSync("sha256", ikm, salt, info, 32)));
      }
    });

    test("wycheproof hkdf_sha256", whenThere, async () => {
      forceCrypto(crypto);
      for (const v of groupsOf("hkdf_sha256_test.json").flatMap(({ tests }) => tests)) {
        // What is refused is too long an output, of which there is none here.
        if (v.result === "valid") await expectBlock(bytesAt(v, "salt"), bytesAt(v, "ikm"), bytesAt(v, "info"), v["okm"] ?? "", `${v["tcId"]} ${v["comment"]}`);
      }
    });
  });
}
