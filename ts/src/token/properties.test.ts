// Tokens: what was signed verifies; anything else is refused with a TokenError.
import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeBase64url, utf8 } from "../base/index.js";
import { ed25519PublicKey } from "../crypto/noble/ed25519.js";
import { changed, changedJson, changedText, exactly, isOneOf, json, property, record, refusedOr, wholeText, wildText } from "../testing/properties.js";
import { TokenError } from "./error.js";
import type { TokenPayload } from "./payload.js";
import { signToken } from "./sign.js";
import { equalSignedTokenPart, parseToken, verifyToken } from "./verify.js";

const seed = new Uint8Array(32).fill(7);
const key = ed25519PublicKey(seed);
const keys = { k1: key };
const now = 1_700_000_000;

const id = () => wholeText(0, 20).map((text) => `i${text}d`);
const payloads = (): fc.Arbitrary<TokenPayload> => record({
  kid: fc.constant("k1"), aud: id(), iss: id(), channel_id: id(), role: fc.constantFrom<1 | 2>(1, 2), token_id: id(),
  iat: fc.integer({ min: now - 1000, max: now }), exp: fc.integer({ min: now, max: now + 500 }), init_exp: fc.integer({ min: now + 500, max: now + 1000 }),
  idle_timeout_seconds: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
});
const tokens = () => payloads().map((payload) => signToken(seed, payload));

property("a token says what was signed", [payloads()], (payload) => {
  const token = signToken(seed, payload);
  assert.deepEqual(verifyToken(token, keys, { nowUnixS: now, audience: payload.aud, issuer: payload.iss as string }), payload);
  assert.deepEqual(parseToken(token).payload, payload);
  assert.ok(equalSignedTokenPart(token, token));
});

property("a token that has something changed does not verify: TokenError", [tokens().chain((token) => fc.tuple(fc.constant(token), changedText(fc.constant(token))))], ([token, other]) => {
  const payload = refusedOr(() => verifyToken(other, keys, { nowUnixS: now }), isOneOf(TokenError));
  if (payload !== undefined) assert.equal(other, token);
  refusedOr(() => parseToken(other), isOneOf(TokenError));
});

const payload = { kid: "k1", aud: "a", iss: "i", channel_id: "c", role: 1, token_id: "t", init_exp: now + 60, idle_timeout_seconds: 60, iat: now, exp: now + 60 };
const texts = () => fc.oneof(
  wildText(),
  fc.tuple(changedJson(fc.constant(payload)), exactly(64)).map(([value, signature]) => `FST2.${encodeBase64url(utf8(JSON.stringify(value)))}.${encodeBase64url(signature)}`),
  fc.tuple(changed(fc.constant(utf8(JSON.stringify(payload)))), fc.uint8Array({ maxLength: 70 })).map(([text, signature]) => `FST2.${encodeBase64url(text)}.${encodeBase64url(signature)}`),
);

property("any text, and payloads with something changed: parsed by the rules, or a TokenError; never verified", [texts()], (text) => {
  const parsed = refusedOr(() => parseToken(text), isOneOf(TokenError));
  if (parsed !== undefined) {
    const { role, iat, exp, init_exp, idle_timeout_seconds, channel_id } = parsed.payload;
    assert.ok((role === 1 || role === 2) && iat <= exp && exp <= init_exp && idle_timeout_seconds > 0 && channel_id.trim() !== "");
  }
  assert.equal(refusedOr(() => verifyToken(text, keys, { nowUnixS: now }), isOneOf(TokenError)), undefined);
});

property("any values as a payload to sign: a token that parses, or a TokenError", [changedJson(fc.constant(payload)), json()], (value, other) => {
  for (const each of [value, other]) {
    const token = refusedOr(() => signToken(seed, each as TokenPayload), isOneOf(TokenError));
    if (token !== undefined) assert.equal(verifyToken(token, () => key, { nowUnixS: parseToken(token).payload.iat }).token_id.length > 0, true);
  }
});
