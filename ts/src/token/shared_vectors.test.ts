import assert from "node:assert/strict";
import { test } from "node:test";
import { ed25519PublicKey } from "../crypto/noble/ed25519.js";
import { hex } from "../testing/bytes.js";
import { readSharedJson } from "../testing/repository.js";
import type { TokenPayload } from "./payload.js";
import { signToken } from "./sign.js";
import { verifyToken } from "./verify.js";

const vectors = readSharedJson("testdata/token/vectors.json") as {
  sign: { case_id: string; inputs: { ed25519_seed_hex: string; payload: TokenPayload }; expected: { token: string } }[];
  refused_texts: { text: string; error: "malformed" | "bad_base64url" }[];
};
/** The public names of the layer's errors. */
const codes = { malformed: "invalid_format", bad_base64url: "invalid_base64url" };

test("tokens are signed and verified byte for byte", () => {
  for (const { case_id, inputs, expected } of vectors.sign) {
    const seed = hex(inputs.ed25519_seed_hex);
    assert.equal(signToken(seed, inputs.payload), expected.token, case_id);
    const keys = new Map([[inputs.payload.kid, ed25519PublicKey(seed)]]);
    assert.deepEqual(verifyToken(expected.token, keys, { nowUnixS: inputs.payload.iat }), inputs.payload);
  }
});

test("trap 12: what is not three parts of canonical base64url is no token", () => {
  for (const { text, error } of vectors.refused_texts) {
    assert.throws(() => verifyToken(text, new Map()), { code: codes[error] }, text);
  }
});
