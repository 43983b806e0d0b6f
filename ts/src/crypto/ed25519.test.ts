// Ed25519, of which there is one implementation on every platform: the table that C++ shares, node:crypto, and Wycheproof.
import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { test } from "node:test";
import { concat } from "../base/index.js";
import { flipped, hex, pattern, toHex } from "../testing/bytes.js";
import { readSharedJson } from "../testing/repository.js";
import { bytesAt, groupsOf, whenThere } from "../testing/wycheproof.js";
import { ed25519PublicKey, ed25519Sign, ed25519Verify } from "./noble/ed25519.js";

type Signed = Record<"name" | "public_hex" | "message_hex" | "signature_hex", string>;
const { cases, refused } = readSharedJson("testdata/crypto/ed25519.json") as { cases: (Signed & { seed_hex: string })[]; refused: Signed[] };
const verifies = ({ public_hex, message_hex, signature_hex }: Signed) => ed25519Verify(hex(public_hex), hex(message_hex), hex(signature_hex));

test("there are signatures in the table", () => assert.ok(cases.length >= 10 && refused.length >= 40));

test("gives the known answers, and takes them", () => {
  for (const row of cases) {
    assert.equal(toHex(ed25519PublicKey(hex(row.seed_hex))), row.public_hex, row.name);
    assert.equal(toHex(ed25519Sign(hex(row.seed_hex), hex(row.message_hex))), row.signature_hex, row.name);
    assert.equal(verifies(row), true, row.name);
  }
});

for (const row of refused) test(`refused: ${row.name}`, () => assert.equal(verifies(row), false));

test("a key of another length verifies nothing, and does not throw", () => {
  const [row] = cases as unknown as [Signed];
  const key = hex(row.public_hex);
  for (const other of [key.subarray(1), concat(key, Uint8Array.of(0)), new Uint8Array(), concat(key, key)]) {
    assert.equal(ed25519Verify(other, hex(row.message_hex), hex(row.signature_hex)), false, String(other.length));
  }
});

test("agrees with node:crypto, whatever is signed, and on every changed byte", () => {
  for (const size of [0, 1, 31, 32, 33, 127, 128, 129, 4096]) {
    const [seed, message] = [pattern(32).map((byte) => byte ^ size), pattern(size)];
    const pkcs8 = concat(hex("302e020100300506032b657004220420"), seed);
    const privateKey = createPrivateKey({ key: Buffer.from(pkcs8), format: "der", type: "pkcs8" });
    const signature = ed25519Sign(seed, message);
    assert.deepEqual(signature, Uint8Array.from(sign(null, message, privateKey)));
    for (let i = 0; i < signature.length; i += 7) {
      const changed = flipped(signature, i);
      assert.equal(ed25519Verify(ed25519PublicKey(seed), message, changed), verify(null, message, createPublicKey(privateKey), changed));
    }
  }
});

test("wycheproof ed25519", whenThere, () => {
  for (const { publicKey, tests } of groupsOf("ed25519_test.json")) {
    const key = bytesAt(publicKey as Record<string, string>, "pk");
    for (const v of tests) assert.equal(ed25519Verify(key, bytesAt(v, "msg"), bytesAt(v, "sig")), v.result === "valid", `${v["tcId"]} ${v["comment"]}`);
  }
});
