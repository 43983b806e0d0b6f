import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeBase64url, encodeBase64url, fromUtf8, utf8 } from "../base/index.js";
import { ed25519PublicKey, ed25519Sign } from "../crypto/noble/ed25519.js";
import { TokenError, type TokenErrorCode } from "./error.js";
import type { TokenPayload } from "./payload.js";
import { signToken } from "./sign.js";
import { equalSignedTokenPart, parseToken, verifyToken, type TokenVerifyOptions } from "./verify.js";

const hex = (text: string) => Uint8Array.from(Buffer.from(text, "hex"));

/** PROTOCOL, "Test values". */
const vectors: { seed: string; payload: TokenPayload; token: string }[] = [
  {
    seed: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    payload: {
      kid: "k1", aud: "flowersec-tunnel:dev", iss: "issuer-dev", channel_id: "chan_test_123", role: 1, token_id: "tok_test_1",
      init_exp: 1_700_000_000, idle_timeout_seconds: 60, iat: 1_699_999_900, exp: 1_699_999_960,
    },
    token:
      "FST2.eyJraWQiOiJrMSIsImF1ZCI6ImZsb3dlcnNlYy10dW5uZWw6ZGV2IiwiaXNzIjoiaXNzdWVyLWRldiIsImNoYW5uZWxfaWQiOiJjaGFuX3Rlc3RfMTIzIiwicm9sZSI6MSwidG9rZW5faWQiOiJ0b2tfdGVzdF8xIiwiaW5pdF9leHAiOjE3MDAwMDAwMDAsImlkbGVfdGltZW91dF9zZWNvbmRzIjo2MCwiaWF0IjoxNjk5OTk5OTAwLCJleHAiOjE2OTk5OTk5NjB9.OCJtBmTln5TXsyKrTe6QnustwPlEHw_uA2bgoajAi437n4B4W_F1lUVW7tFTazsXrc4pjVvoZeabIPxdx_HNDQ",
  },
  {
    seed: "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
    payload: {
      kid: "spec-k1", aud: "tunnel:spec", iss: "issuer:spec", channel_id: "chan-spec", role: 2, token_id: "tid-spec",
      init_exp: 1_800_000_120, idle_timeout_seconds: 45, iat: 1_800_000_000, exp: 1_800_000_060,
    },
    token:
      "FST2.eyJraWQiOiJzcGVjLWsxIiwiYXVkIjoidHVubmVsOnNwZWMiLCJpc3MiOiJpc3N1ZXI6c3BlYyIsImNoYW5uZWxfaWQiOiJjaGFuLXNwZWMiLCJyb2xlIjoyLCJ0b2tlbl9pZCI6InRpZC1zcGVjIiwiaW5pdF9leHAiOjE4MDAwMDAxMjAsImlkbGVfdGltZW91dF9zZWNvbmRzIjo0NSwiaWF0IjoxODAwMDAwMDAwLCJleHAiOjE4MDAwMDAwNjB9.8aukrT7kVHDdDINP-f0IloM4nLsdl0AHF8fLjZ1Ys_fJ_bxwhP1dWdljmS31LyVQWpjJIMGQKkWXCCxtUOXQCg",
  },
];
const [basic] = vectors as [(typeof vectors)[0]];
const seed = hex(basic.seed);
const keys = new Map([["k1", ed25519PublicKey(seed)]]);
const now = { nowUnixS: 1_699_999_930 };

const fails = (code: TokenErrorCode) => (error: unknown) => error instanceof TokenError && error.code === code;

for (const { seed: seedHex, payload, token } of vectors) {
  test(`vector ${payload.kid}: signed byte for byte, taken apart, verified`, () => {
    assert.equal(signToken(hex(seedHex), payload), token);
    assert.deepEqual(parseToken(token).payload, payload);
    const own = new Map([[payload.kid, ed25519PublicKey(hex(seedHex))]]);
    const options = { nowUnixS: payload.iat, audience: payload.aud, ...(payload.iss === undefined ? {} : { issuer: payload.iss }) };
    assert.deepEqual(verifyToken(token, own, options), payload);
  });
}

test("every text is written trimmed, and a blank issuer left out", () => {
  const written = (payload: TokenPayload) => JSON.parse(fromUtf8(decodeBase64url(signToken(seed, payload).split(".")[1] as string) as Uint8Array)) as TokenPayload;
  const spaced = { ...basic.payload, kid: " k1 ", aud: "\taud\n", iss: "\u00a0iss\u3000", channel_id: " c ", token_id: "\u0085t " };
  assert.deepEqual(written(spaced), { ...basic.payload, aud: "aud", iss: "iss", channel_id: "c", token_id: "t" });
  for (const iss of ["", " \n"]) assert.deepEqual(written({ ...basic.payload, iss }), withoutIssuer(basic.payload));
});

test("audience and issuer are compared trimmed, and what is read is trimmed, whoever signed", () => {
  const token = signAnything({ ...basic.payload, kid: " k1 ", aud: "\taud\n", iss: " iss ", channel_id: " c ", token_id: " t " });
  const expected = { ...basic.payload, aud: "aud", iss: "iss", channel_id: "c", token_id: "t" };
  assert.deepEqual(parseToken(token).payload, expected);
  for (const [audience, issuer] of [["aud", "iss"], [" aud", "iss\n"]] as const) assert.deepEqual(verifyToken(token, keys, { ...now, audience, issuer }), expected);
  assert.throws(() => verifyToken(token, keys, { ...now, audience: "a ud" }), fails("invalid_audience"));
  assert.throws(() => verifyToken(token, keys, { ...now, issuer: "" }), fails("invalid_issuer"));
  const blank = signAnything({ ...basic.payload, iss: " " });
  assert.deepEqual(verifyToken(blank, keys, { ...now, issuer: "" }), withoutIssuer(basic.payload));
  assert.throws(() => verifyToken(blank, keys, { ...now, issuer: "issuer-dev" }), fails("invalid_issuer"));
});

test("the order of times is looked at only when the signature holds", () => {
  for (const [change, code] of [[{ exp: basic.payload.init_exp + 1 }, "exp_after_init"], [{ iat: basic.payload.exp + 1 }, "invalid_format"]] as const) {
    const token = signAnything({ ...basic.payload, ...change });
    assert.throws(() => verifyToken(token, keys, now), fails(code));
    assert.throws(() => verifyToken(token, keys, { ...now, audience: "other" }), fails("invalid_audience"));
    assert.throws(() => verifyToken(token, { k1: new Uint8Array(32) }, now), fails("invalid_signature"));
  }
});

function withoutIssuer({ iss: _, ...rest }: TokenPayload): TokenPayload {
  return rest;
}

// ---- rules of the payload, when signing and when reading

const badFields: [Partial<Record<keyof TokenPayload, unknown>>, TokenErrorCode][] = [
  [{ kid: "" }, "invalid_format"],
  [{ kid: " \t" }, "invalid_format"],
  [{ channel_id: "" }, "invalid_format"],
  [{ channel_id: "x".repeat(257) }, "invalid_format"],
  [{ channel_id: "ä".repeat(129) }, "invalid_format"],
  [{ role: 0 }, "invalid_format"],
  [{ role: 3 }, "invalid_format"],
  [{ token_id: " " }, "invalid_format"],
  [{ idle_timeout_seconds: 0 }, "invalid_idle_timeout"],
  [{ idle_timeout_seconds: -1 }, "invalid_idle_timeout"],
  [{ exp: 1_700_000_001 }, "exp_after_init"],
  [{ iat: 1_699_999_961 }, "invalid_format"],
];
for (const [change, code] of badFields) {
  test(`${JSON.stringify(change).slice(0, 60)} is ${code}, written and read`, () => {
    const payload = { ...basic.payload, ...change } as TokenPayload;
    assert.throws(() => signToken(seed, payload), fails(code));
    assert.throws(() => verifyToken(signAnything(payload), keys, now), fails(code));
  });
}

test("the edges of the payload's rules", () => {
  for (const change of [{ channel_id: "x".repeat(256) }, { exp: 1_700_000_000 }, { iat: 1_699_999_960 }, { idle_timeout_seconds: 1 }]) {
    assert.doesNotThrow(() => parseToken(signToken(seed, { ...basic.payload, ...change })));
  }
});

const onlyWhenSigning: Partial<Record<keyof TokenPayload, unknown>>[] = [
  { aud: "" }, { aud: " " }, { iat: 0 }, { iat: -1 }, { init_exp: 2 ** 53 }, { exp: 1.5 }, { role: "1" }, { kid: 1 },
];
for (const change of onlyWhenSigning) {
  test(`${JSON.stringify(change)} is not signed`, () => {
    assert.throws(() => signToken(seed, { ...basic.payload, ...change } as TokenPayload), fails("invalid_format"));
  });
}

test("a signing key has 32 bytes", () => {
  for (const length of [0, 31, 33, 64]) assert.throws(() => signToken(new Uint8Array(length), basic.payload), fails("invalid_signing_key"));
});

/** A token with a good signature, whatever it says. */
function signAnything(payload: unknown, text = JSON.stringify(payload)): string {
  const signed = `FST2.${encodeBase64url(utf8(text))}`;
  return `${signed}.${encodeBase64url(ed25519Sign(seed, utf8(signed)))}`;
}

// ---- reading

const [, payloadPart, signaturePart] = basic.token.split(".") as [string, string, string];
const unreadable: [string, string, TokenErrorCode][] = [
  ["nothing", "", "invalid_format"],
  ["two parts", `FST2.${payloadPart}`, "invalid_format"],
  ["four parts", `${basic.token}.`, "invalid_format"],
  ["the older prefix", `FST1.${payloadPart}.${signaturePart}`, "invalid_format"],
  ["another case", `fst2.${payloadPart}.${signaturePart}`, "invalid_format"],
  ["a space in front", ` ${basic.token}`, "invalid_format"],
  ["padding", `FST2.${payloadPart}=.${signaturePart}`, "invalid_base64url"],
  ["a line break", `FST2.${payloadPart}\n.${signaturePart}`, "invalid_base64url"],
  ["unused bits that are set", `FST2.${payloadPart}.${signaturePart.slice(0, -1)}R`, "invalid_base64url"],
  ["no JSON", signAnything(0, "{"), "invalid_json"],
  ["no object", signAnything([]), "invalid_json"],
  ["a field missing", signAnything({ ...basic.payload, exp: undefined }), "invalid_json"],
  ["a field of another type", signAnything({ ...basic.payload, role: "1" }), "invalid_json"],
  ["a number out of range", signAnything({ ...basic.payload, exp: 2 ** 53 }), "invalid_json"],
];
for (const [name, token, code] of unreadable) {
  test(`${name} is ${code}`, () => {
    assert.throws(() => parseToken(token), fails(code));
    assert.throws(() => verifyToken(token, keys, now), fails(code));
  });
}

test("JSON that is not UTF-8 is invalid_json", () => {
  const signed = `FST2.${encodeBase64url(Uint8Array.of(...utf8('{"kid":"'), 0xff, ...utf8('"}')))}`;
  assert.throws(() => parseToken(`${signed}.${signaturePart}`), fails("invalid_json"));
});

test("order of keys, spaces and strangers do not matter: the text is what is signed", () => {
  const turned = Object.fromEntries(Object.entries({ ...basic.payload, more: [1] }).reverse());
  assert.deepEqual(verifyToken(signAnything(0, JSON.stringify(turned, null, 2)), keys, now), basic.payload);
});

// ---- verifying

const refusals: [string, TokenVerifyOptions, TokenErrorCode | undefined][] = [
  ["audience", { ...now, audience: "flowersec-tunnel:dev" }, undefined],
  ["audience with spaces", { ...now, audience: " flowersec-tunnel:dev " }, undefined],
  ["another audience", { ...now, audience: "flowersec-tunnel:de" }, "invalid_audience"],
  ["another issuer", { ...now, issuer: "issuer" }, "invalid_issuer"],
  ["an empty issuer is compared", { ...now, issuer: "" }, "invalid_issuer"],
  ["issued now", { nowUnixS: 1_699_999_900 }, undefined],
  ["issued one second from now", { nowUnixS: 1_699_999_899 }, "iat_in_future"],
  ["within the skew", { nowUnixS: 1_699_999_899, clockSkewMs: 1 }, undefined],
  ["one past the skew", { nowUnixS: 1_699_999_898, clockSkewMs: 1000 }, "iat_in_future"],
  ["skew is rounded up", { nowUnixS: 1_699_999_898, clockSkewMs: 1001 }, undefined],
  ["last second", { nowUnixS: 1_699_999_960 }, undefined],
  ["expired", { nowUnixS: 1_699_999_961 }, "expired"],
  ["expired within the skew", { nowUnixS: 1_699_999_990, clockSkewMs: 30_000 }, undefined],
  ["expired past the skew", { nowUnixS: 1_699_999_991, clockSkewMs: 30_000 }, "expired"],
  ["the channel's window comes first", { nowUnixS: 1_700_000_001 }, "init_expired"],
  ["skew below zero", { ...now, clockSkewMs: -1 }, "invalid_clock_skew"],
  ["skew that is no number", { ...now, clockSkewMs: NaN }, "invalid_clock_skew"],
  ["time that is no whole number", { nowUnixS: 1.5 }, "invalid_time"],
  ["time below zero", { nowUnixS: -1 }, "invalid_time"],
];
for (const [name, options, code] of refusals) {
  test(`verify: ${name}`, () => {
    if (code === undefined) assert.deepEqual(verifyToken(basic.token, keys, options), basic.payload);
    else assert.throws(() => verifyToken(basic.token, keys, options), fails(code));
  });
}

test("a token without an issuer does not satisfy one that is expected", () => {
  const token = signToken(seed, withoutIssuer(basic.payload));
  assert.throws(() => verifyToken(token, keys, { ...now, issuer: "issuer-dev" }), fails("invalid_issuer"));
  assert.doesNotThrow(() => verifyToken(token, keys, { ...now, issuer: "" }));
});

test("keys come from a map, a record or a function; one of another length is none", () => {
  const key = keys.get("k1") as Uint8Array;
  for (const lookup of [keys, { k1: key }, (kid: string) => (kid === "k1" ? key : undefined)]) {
    assert.doesNotThrow(() => verifyToken(basic.token, lookup, now));
  }
  // Also for a token of the key that stands in: RFC 8032, 7.1, test 1.
  const byStandIn = signToken(hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"), basic.payload);
  assert.throws(() => verifyToken(byStandIn, new Map(), now), fails("unknown_kid"));
  for (const lookup of [new Map(), {}, () => undefined, { k1: key.subarray(1) }, Object.create({ k1: key }) as Record<string, Uint8Array>]) {
    assert.throws(() => verifyToken(basic.token, lookup, now), fails("unknown_kid"));
  }
});

test("the signature covers every character before the last dot, and has 64 bytes", () => {
  const other = parseToken(vectors[1]?.token as string).signature;
  const changed = encodeBase64url(utf8(JSON.stringify({ ...basic.payload, role: 2 })));
  for (const bad of [
    `FST2.${payloadPart}.${encodeBase64url(other)}`,
    `FST2.${payloadPart}.`,
    `FST2.${payloadPart}.${encodeBase64url(new Uint8Array(63))}`,
    `FST2.${payloadPart}.${encodeBase64url(new Uint8Array(65))}`,
    `FST2.${changed}.${signaturePart}`,
  ]) {
    assert.throws(() => verifyToken(bad, keys, now), fails("invalid_signature"));
  }
  assert.throws(() => verifyToken(basic.token, { k1: new Uint8Array(32) }, now), fails("invalid_signature"));
});

test("equalSignedTokenPart compares what stands before the last dot", () => {
  assert.equal(equalSignedTokenPart(basic.token, `FST2.${payloadPart}.AAAA`), true);
  assert.equal(equalSignedTokenPart(basic.token, vectors[1]?.token as string), false);
  assert.equal(equalSignedTokenPart(basic.token, `${basic.token}.x`), false);
});
